"""Likelihood scores in nats per image: D, R and -ELBO, the importance-weighted bound, anchors.

Scores sample z from q(z|x): with z = mean the number is no bound. Every reported score has the same
noise, `evaluation_noise`: `DRAWS` draws for every image, whatever the batch size and whatever seed
the run was trained with. Only the curves and the film of a run in training have one draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from models.capabilities import LIKELIHOODS
from models.config import MIN_SIGMA
from models.metrics.statistics import estimate
from models.objectives.distributions import LOG_2PI, normal_log_prob, reparameterize
from models.objectives.elbo import LatentModel, Terms, elbo_terms

EVALUATION_SEED = 0
"""Of the noise of every reported score, whatever seed a run was trained with: differences between
runs on the same images are then paired in the noise too."""
DRAWS = 4
"""Samples of z for every image behind a reported D: they add less than 2 % to the standard error
over images (tests/benchmarks/LOG.md). R is in closed form and needs none."""


def evaluation_noise(
    count: int, latent_dim: int, seed: int = EVALUATION_SEED, draws: int = DRAWS
) -> Tensor:
    """Draws ε ~ N(0, I) for a whole set, shape (K, N, Z): K draws for each of N images.

    Fewer draws are the first of more.

    Args:
        count: N, the images.
        latent_dim: Z.
        seed: Of the noise.
        draws: K, at least 1.

    Raises:
        ValueError: If there is no draw.

    Example:
        >>> many = evaluation_noise(5, 2)
        >>> tuple(many.shape), torch.equal(evaluation_noise(5, 2, draws=1)[0], many[0])
        ((4, 5, 2), True)
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randn(count, latent_dim, generator=generator) for _ in range(draws)])


@torch.no_grad()
def elbo(
    model: LatentModel,
    images: Tensor,
    seed: int = EVALUATION_SEED,
    batch_size: int = 1024,
    draws: int = DRAWS,
    report: Callable[[float], object] = lambda _share: None,
) -> Terms:
    r"""Estimates the terms of -ELBO for every image, weight 1 whatever β was.

    .. math:: -ELBO = \underbrace{-E_q[\ln p(x|z)]}_{D} + \underbrace{KL(q(z|x) ‖ p(z))}_{R}

    Not reduced: pass a column to `estimate`.

    Args:
        model: Anything with `encode` and `log_likelihood`; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W), N ≥ 1.
        seed: Of the noise.
        batch_size: Images per pass; no effect on the result beyond rounding.
        draws: Samples of z over which D of each image is averaged, at least 1; R needs none.
        report: Called after every batch with the share that is done.

    Returns:
        Distortion (N,), rate (N, Z), posterior mean and log-variance (N, Z), on the CPU.

    Raises:
        ValueError: If there is no draw.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, equation 3.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> scores = elbo(build_model(ModelConfig()), torch.zeros(5, 1, 28, 28))
        >>> tuple(scores.distortion.shape), tuple(scores.rate.shape)
        ((5,), (5, 2))
    """
    model.eval()
    noise = evaluation_noise(len(images), model.latent_dim, seed, draws).to(images.device)
    rows = []
    for batch, here in zip(images.split(batch_size), noise.split(batch_size, 1), strict=True):
        rows.append(_mean_terms(model, batch, here))
        report(min(1.0, len(rows) * batch_size / len(images)))
    columns = zip(*rows, strict=True)
    return Terms(*(None if c[0] is None else torch.cat(c).cpu() for c in columns))


def _mean_terms(model: LatentModel, images: Tensor, noise: Tensor) -> Terms:
    """The terms with D averaged over draws ε, shape (K, B, Z); the images are encoded once."""
    first = elbo_terms(model, images, noise[0])
    if first.log_variance is None:
        return first
    codes = (reparameterize(first.mean, first.log_variance, one) for one in noise[1:])
    others = [-model.log_likelihood(images, z) for z in codes]
    return first._replace(distortion=torch.stack([first.distortion, *others]).mean(0))


def summarize(terms: Terms) -> dict[str, Any]:
    """Summarises the test-set scores of a model as JSON values.

    Args:
        terms: What `elbo` returns, N ≥ 2.

    Returns:
        `distortion`, and for a VAE `rate` and `negative_elbo`, each [mean, standard error] in
        nats per image; `kl_per_dimension` (nats, length Z); `active_units`; `images` N.

    Example:
        >>> zero = torch.zeros(2, 1)
        >>> summarize(Terms(torch.tensor([1.0, 3.0]), zero, zero, zero))["negative_elbo"]
        [2.0, 1.0]
    """
    scores: dict[str, Any] = {
        "images": len(terms.distortion),
        "distortion": list(estimate(terms.distortion)),
        "active_units": active_units(terms.mean),
    }
    if terms.log_variance is not None:
        rate = terms.rate.sum(1)
        scores["rate"] = list(estimate(rate))
        scores["negative_elbo"] = list(estimate(terms.distortion + rate))
        scores["kl_per_dimension"] = terms.rate.double().mean(0).tolist()
    return scores


@torch.no_grad()
def importance_weighted_bound(
    model: LatentModel, images: Tensor, samples: int, seed: int = 0, max_rows: int = 20_000
) -> Tensor:
    r"""Estimates a lower bound of ln p(x) from k samples, tighter as k grows.

    .. math:: \ln p(x) ≥ E\left[\ln \frac1k \sum_{i=1}^k \frac{p(x|z_i) p(z_i)}{q(z_i|x)}\right]

    Not reduced over images. Under a Bernoulli likelihood x must be binary (`binarize`): the
    bound of a grey image would be the bound of nothing.

    Args:
        model: Anything with `encode` and `log_likelihood`; set to evaluation mode.
        images: x, shape (N, C, H, W).
        samples: k, at least 1; with 1 it is the ELBO.
        seed: Of the noise.
        max_rows: Images times samples in one pass: bounds the memory.

    Returns:
        Nats per image, shape (N,).

    Raises:
        ValueError: If k < 1, or the model has no posterior (an autoencoder).

    Numerics:
        A log-sum-exp over k, carried across chunks of samples.

    Source:
        Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016,
        arXiv:1509.00519, equation 8.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> model = build_model(ModelConfig())
        >>> importance_weighted_bound(model, torch.zeros(3, 1, 28, 28), samples=4).shape
        torch.Size([3])
    """
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    per_pass = max(1, max_rows // samples)
    bounds = []
    for start in range(0, len(images), per_pass):
        batch = images[start : start + per_pass]
        mean, log_variance = model.encode(batch)
        if log_variance is None:
            raise ValueError("the importance-weighted bound needs a posterior, got an autoencoder")
        total = torch.full((len(batch),), -torch.inf, device=mean.device)
        for done in range(0, samples, max_rows):
            k = min(max_rows, samples - done)
            weights = _log_weights(model, batch, mean, log_variance, k, generator)
            total = torch.logaddexp(total, torch.logsumexp(weights, 1))
        bounds.append(total.cpu() - math.log(samples))
    return torch.cat(bounds)


def _log_weights(
    model: LatentModel, images: Tensor, mean: Tensor, log_variance: Tensor, k: int, generator
) -> Tensor:
    """ln p(x|z) + ln p(z) - ln q(z|x) of k samples for every image, shape (B, k)."""
    noise = torch.randn(len(images), k, mean.shape[1], generator=generator).to(mean.device)
    log_variance = log_variance[:, None]
    z = mean[:, None] + torch.exp(0.5 * log_variance) * noise  # (B, k, Z)
    prior = normal_log_prob(z, 0.0, 0.0).sum(2)
    posterior = normal_log_prob(z, mean[:, None], log_variance).sum(2)
    repeated = images.repeat_interleave(k, 0)
    likelihood = model.log_likelihood(repeated, z.flatten(0, 1)).view(len(images), k)
    return likelihood + prior - posterior


def binarize(images: Tensor, seed: int = 0) -> Tensor:
    """Draws every pixel 0 or 1, white with probability equal to its grey (dynamic binarisation).

    Args:
        images: x in [0, 1], any shape.
        seed: Of the draw.

    Source:
        Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, 2008.

    Example:
        >>> binarize(torch.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """
    return torch.bernoulli(images.cpu(), generator=torch.Generator().manual_seed(seed))


def active_units(mean: Tensor, threshold: float = 0.01) -> int:
    r"""Counts the latent dimensions whose posterior mean varies: Var_x(μ_j) > 0.01.

    Args:
        mean: Posterior means, shape (N, Z), N ≥ 2.
        threshold: In squared units of the prior's standard deviation.

    Source:
        Burda et al., 2016, arXiv:1509.00519, section 5.2.

    Example:
        >>> active_units(torch.tensor([[-1.0, 0.0], [1.0, 0.01]]))
        1
    """
    return int((mean.var(0) > threshold).sum())


def collapsed_distortion(
    images: Tensor, likelihood: str = "bernoulli", sigma: float = 1.0
) -> float:
    r"""Computes D of the best model that ignores z: one constant image, the data's mean.

    Bernoulli: Σ_i H(x̄_i), H the binary entropy. Gaussian of fixed σ: Σ_i Var(x_i)/(2σ²) +
    (d/2) ln 2πσ². Learned shared σ: (d/2)(1 + ln 2πσ*²), σ*² the mean variance. Per pixel:
    Σ_i ½(1 + ln 2πσ_i²). All σ ≥ 1/256.

    Args:
        images: x in [0, 1], shape (N, C, H, W).
        likelihood: One of `models.capabilities.LIKELIHOODS`.
        sigma: σ of the fixed Gaussian.

    Returns:
        Nats per image.

    Example:
        >>> collapsed_distortion(torch.full((4, 1, 1, 1), 0.5))  # ln 2
        0.6931471805599453
    """
    pixels = images.flatten(1).cpu().double()
    properties = LIKELIHOODS[likelihood]
    if properties.is_binary:
        return _binary_entropy(pixels.mean(0)).sum().item()
    variance = pixels.var(0, unbiased=False)
    count = pixels.shape[1]
    if properties.sigma == "fixed":
        constant = 0.5 * count * (LOG_2PI + 2 * math.log(sigma))
        return (variance.sum() / (2 * sigma**2)).item() + constant
    if properties.sigma != "pixel":
        variance = variance.mean().expand(count)
    best = variance.clamp_min(MIN_SIGMA**2)
    return (0.5 * (variance / best + best.log() + LOG_2PI)).sum().item()


def entropy_floor(images: Tensor, likelihood: str = "bernoulli", sigma: float = 1.0) -> float:
    r"""Computes the lowest D any decoder can reach: that of a perfect reconstruction.

    Bernoulli: mean over images of Σ_i H(x_i), zero only for binary images. Gaussian:
    (d/2) ln 2πσ², with σ = 1/256, the smallest allowed, where it is learned.

    Args:
        images: x in [0, 1], shape (N, C, H, W).
        likelihood: One of `models.capabilities.LIKELIHOODS`.
        sigma: σ of the fixed Gaussian.

    Returns:
        Nats per image.

    Example:
        >>> entropy_floor(torch.zeros(4, 1, 8, 8))
        0.0
    """
    pixels = images.flatten(1).cpu().double()
    properties = LIKELIHOODS[likelihood]
    if properties.is_binary:
        return _binary_entropy(pixels).sum(1).mean().item()
    smallest = sigma if properties.sigma == "fixed" else MIN_SIGMA
    return 0.5 * pixels.shape[1] * (LOG_2PI + 2 * math.log(smallest))


def _binary_entropy(probability: Tensor) -> Tensor:
    """-p ln p - (1-p) ln(1-p), with 0 ln 0 = 0."""
    complement = 1 - probability
    return -(torch.xlogy(probability, probability) + torch.xlogy(complement, complement))
