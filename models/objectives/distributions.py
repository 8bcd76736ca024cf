"""Log-densities and divergences of the distributions a VAE is made of, in nats.

Notation: q = N(μ, diag σ²) with `log_variance` = ln σ²; p = N(0, I); x an image of d pixels.
Functions reduce over what one image owns (pixels) and never over the batch; none knows β.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Computes the KL divergence of a diagonal Gaussian to the standard normal, by dimension.

    .. math:: KL(N(μ, σ²) ‖ N(0, 1)) = ½ (μ² + σ² - 1 - \ln σ²)

    Not reduced: sum the last dimension for the rate of an image.

    Args:
        mean: μ, any shape.
        log_variance: ln σ², same shape.

    Returns:
        Nats per dimension, same shape, never negative.

    Numerics:
        σ² - 1 is computed as ``expm1(ln σ²)``: near the prior the naive form loses all its
        digits in float32 and turns negative.

    Source:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, arXiv:1312.6114, appendix B.

    Example:
        >>> gaussian_kl(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]))
        tensor([0.5000, 0.0000])
    """
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)


def reparameterize(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    r"""Draws from N(μ, σ²) by a differentiable function of μ, σ and standard noise.

    .. math:: z = μ + σ ε, \quad ε \sim N(0, I)

    Args:
        mean: μ, shape (B, Z).
        log_variance: ln σ², shape (B, Z).
        noise: ε, shape (B, Z), drawn by the caller so that every sample has a seed.

    Returns:
        z, shape (B, Z).

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, section 2.4.

    Example:
        >>> reparameterize(torch.zeros(1), torch.log(torch.tensor([4.0])), torch.ones(1))
        tensor([2.])
    """
    return torch.addcmul(mean, torch.exp(0.5 * log_variance), noise)


def normal_log_prob(z: Tensor, mean: Tensor | float, log_variance: Tensor | float) -> Tensor:
    r"""Computes the log-density of a Gaussian, for every element.

    .. math:: \ln N(z; μ, σ²) = -½ \left(\frac{(z - μ)²}{σ²} + \ln σ² + \ln 2π\right)

    Args:
        z: Where, any shape.
        mean: μ, broadcastable.
        log_variance: ln σ², broadcastable.

    Returns:
        Nats, broadcast shape.

    Example:
        >>> normal_log_prob(torch.zeros(1), 0.0, 0.0)
        tensor([-0.9189])
    """
    log_variance = torch.as_tensor(log_variance, dtype=z.dtype, device=z.device)
    return -0.5 * ((z - mean).square() * torch.exp(-log_variance) + log_variance + LOG_2PI)


def bernoulli_log_prob(logits: Tensor, images: Tensor) -> Tensor:
    r"""Computes the log-likelihood of images under independent Bernoulli pixels.

    .. math:: \ln p(x|z) = \sum_i x_i l_i - \ln(1 + e^{l_i})

    For grey images this is the expectation over dynamic binarisation, not a density of grey.

    Args:
        logits: l, the log-odds of a white pixel, shape (B, C, H, W).
        images: x in [0, 1], same shape.

    Returns:
        Nats per image, shape (B,), at most 0.

    Numerics:
        Logits, never probabilities: ln(1 + e^l) does not overflow as a softplus.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, appendix C.1.

    Example:
        >>> bernoulli_log_prob(torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1, 2))
        tensor([-1.3863])
    """
    return (images * logits - F.softplus(logits)).flatten(-3).sum(-1)


def gaussian_log_prob(mean: Tensor, log_variance: Tensor | float, images: Tensor) -> Tensor:
    r"""Computes the log-likelihood of images under independent Gaussian pixels, with constant.

    .. math:: \ln p(x|z) = -\sum_i \frac{(x_i - m_i)²}{2σ_i²} + \ln σ_i + ½ \ln 2π

    Args:
        mean: m, shape (B, C, H, W).
        log_variance: ln σ², a scalar (shared) or shape (B, C, H, W).
        images: x, shape (B, C, H, W).

    Returns:
        Nats per image, shape (B,); may be positive, as densities are.

    Source:
        Rybkin, Daniilidis & Levine, Simple and Effective VAE Training with Calibrated
        Decoders, 2021, arXiv:2006.13202, equation 4.

    Example:
        >>> image = torch.zeros(1, 1, 28, 28)
        >>> gaussian_log_prob(image, 0.0, image)
        tensor([-720.4478])
    """
    return normal_log_prob(images, mean, log_variance).flatten(-3).sum(-1)
