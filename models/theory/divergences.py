"""The two directions of the KL divergence, closed form and sampled."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.metrics.statistics import Estimate, estimate
from models.objectives.distributions import gaussian_kl, normal_log_prob


def kl_both_ways(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    r"""Computes KL(q ‖ p), which a VAE pays, and KL(p ‖ q), which it does not.

    .. math:: KL(q ‖ p) = ½ (μ² + σ² - 1 - \ln σ²), \qquad
        KL(p ‖ q) = ½ \left(\frac{1 + μ²}{σ²} - 1 + \ln σ²\right)

    Args:
        mean: μ, any shape.
        deviation: σ > 0, broadcastable.

    Returns:
        Nats, never negative, in that order.

    Numerics:
        1/σ² - 1 and σ² - 1 are computed by ``expm1``, as in `gaussian_kl`.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, appendix B; the second by renaming.

    Example:
        >>> kl_both_ways(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0]))
        (tensor([0.5000, 0.8069]), tensor([0.5000, 0.3181]))
    """
    log_variance = 2 * torch.log(deviation)
    scaled = mean / deviation
    reverse = 0.5 * (scaled.square() + torch.expm1(-log_variance) + log_variance)
    return gaussian_kl(mean, log_variance), reverse


def sampled_kl(
    mean: float, deviation: float, samples: int, seed: int = 0
) -> tuple[Estimate, Estimate]:
    r"""Estimates the same two by Monte Carlo: mean log-ratio over samples of the first one.

    .. math:: KL(q ‖ p) ≈ \frac1n \sum_i \ln \frac{q(z_i)}{p(z_i)}, \quad z_i ∼ q

    One sample of it has variance μ²σ² + ½(σ² - 1)².

    Args:
        mean: μ.
        deviation: σ > 0.
        samples: n ≥ 2, for each direction.
        seed: Of the noise, which both share.

    Returns:
        KL(q ‖ p) and KL(p ‖ q) in nats, each with its standard error; single estimates may come
        out negative.

    Raises:
        ValueError: If there are fewer than two samples.

    Example:
        >>> sampled_kl(0.0, 1.0, samples=100)
        (Estimate(mean=0.0, standard_error=0.0), Estimate(mean=0.0, standard_error=0.0))
    """
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")
    noise = seeded_noise(samples, seed)

    def log_ratio(z: Tensor) -> Tensor:
        log_q = normal_log_prob(z, mean, 2 * math.log(deviation))
        return log_q - normal_log_prob(z, 0.0, 0.0)

    return estimate(log_ratio(mean + deviation * noise)), estimate(-log_ratio(noise))


def seeded_noise(count: int, seed: int) -> Tensor:
    """Draws standard normal numbers in double precision, shape (count,).

    Example:
        >>> seeded_noise(3, seed=0).shape
        torch.Size([3])
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator, dtype=torch.float64)
