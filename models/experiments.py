"""Little experiments whose outcome is known: what the training of a VAE rests on, in one dimension.

Notation: q = N(μ, σ²) and p = N(0, 1); z = μ + σε with ε ~ N(0, 1). Every experiment puts what
was measured from samples beside the closed form, so that both can be drawn. All numbers are
float64; divergences and bounds are in nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.distributions import gaussian_kl, normal_log_prob
from models.metrics.likelihood import Estimate, estimate

ESTIMATORS = ("reparameterised", "score function", "score function with baseline")
PARAMETERS = ("mean", "deviation")


def kl_both_ways(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    r"""KL(q ‖ p), which a VAE pays, and KL(p ‖ q), which it does not.

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
    r"""The same two by Monte Carlo: mean log-ratio over samples of the first distribution.

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
    noise = _noise(samples, seed)

    def log_ratio(z: Tensor) -> Tensor:
        log_q = normal_log_prob(z, mean, 2 * math.log(deviation))
        return log_q - normal_log_prob(z, 0.0, 0.0)

    return estimate(log_ratio(mean + deviation * noise)), estimate(-log_ratio(noise))


def _noise(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=generator, dtype=torch.float64)


def loss_gradient(mean: float, deviation: float, target: float) -> dict[str, float]:
    r"""The gradient of a loss whose expectation is known, by each parameter of q.

    .. math:: L = E_q[(z - a)²] = (μ - a)² + σ², \qquad
        \frac{∂L}{∂μ} = 2 (μ - a), \quad \frac{∂L}{∂σ} = 2σ

    Args:
        mean: μ.
        deviation: σ.
        target: a.

    Returns:
        By the names of `PARAMETERS`.

    Example:
        >>> loss_gradient(1.0, 0.5, 2.0)
        {'mean': -2.0, 'deviation': 1.0}
    """
    return {"mean": 2 * (mean - target), "deviation": 2 * deviation}


def gradient_samples(
    noise: Tensor, mean: float, deviation: float, target: float, parameter: str
) -> dict[str, Tensor]:
    r"""One-sample estimates of ∂L/∂θ, θ = μ or σ, in three ways from the same noise.

    .. math:: \frac{∂(z - a)²}{∂θ}, \qquad (z - a)² \frac{∂ \ln q(z)}{∂θ}, \qquad
        \left((z - a)² - L\right) \frac{∂ \ln q(z)}{∂θ}

    The first moves the sample and asks how the loss changes; the second keeps it and asks how
    much likelier it becomes, so it needs no gradient of the loss; the third leaves out the
    loss's mean, which changes no expectation. Not averaged.

    Args:
        noise: ε, any shape.
        mean: μ.
        deviation: σ > 0.
        target: a of the loss (z - a)².
        parameter: θ, of `PARAMETERS`.

    Returns:
        Estimates in the shape of the noise, by the names of `ESTIMATORS`.

    Raises:
        ValueError: If the parameter is neither.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, sections 2.2 and 2.4; Williams, Simple
        Statistical Gradient-Following Algorithms, 1992, for the second and its baseline.

    Example:
        >>> found = gradient_samples(torch.ones(1), 0.0, 1.0, 0.0, "mean")
        >>> [value.item() for value in found.values()]
        [2.0, 1.0, 0.0]
    """
    if parameter not in PARAMETERS:
        raise ValueError(f"parameter must be one of {', '.join(PARAMETERS)}, got {parameter!r}")
    offset = mean + deviation * noise - target  # z - a
    loss, expected = offset.square(), (mean - target) ** 2 + deviation**2
    moved = noise if parameter == "deviation" else torch.ones_like(noise)
    score = (noise.square() - 1 if parameter == "deviation" else noise) / deviation
    values = (2 * offset * moved, loss * score, (loss - expected) * score)
    return dict(zip(ESTIMATORS, values, strict=True))


def gradient_variances(
    mean: float, deviation: float, target: float, parameter: str
) -> dict[str, float]:
    r"""The variance of each one-sample estimate; that of a mean of n is the n-th part.

    With m = μ - a, from the moments of ε (1, 3, 15, 105 for the powers 2, 4, 6, 8):

    .. math:: μ: \quad 4σ², \quad \frac{m⁴}{σ²} + 14m² + 15σ², \quad 8m² + 10σ²

    .. math:: σ: \quad 4m² + 8σ², \quad \frac{2m⁴}{σ²} + 60m² + 74σ², \quad 40m² + 56σ²

    Args:
        mean: μ.
        deviation: σ > 0.
        target: a.
        parameter: Of `PARAMETERS`.

    Returns:
        By the names of `ESTIMATORS`.

    Raises:
        ValueError: If the parameter is neither.

    Source:
        Derived here; the tests derive it again, by quadrature.

    Example:
        >>> list(gradient_variances(0.0, 1.0, 0.0, "mean").values())
        [4.0, 15.0, 10.0]
    """
    if parameter not in PARAMETERS:
        raise ValueError(f"parameter must be one of {', '.join(PARAMETERS)}, got {parameter!r}")
    m, s = (mean - target) ** 2, deviation**2
    values = (4 * s, m**2 / s + 14 * m + 15 * s, 8 * m + 10 * s)
    if parameter == "deviation":
        values = (4 * m + 8 * s, 2 * m**2 / s + 60 * m + 74 * s, 40 * m + 56 * s)
    return dict(zip(ESTIMATORS, values, strict=True))


class Averages(NamedTuple):
    """What the mean of n one-sample estimates comes to, for several n.

    `mean` over the repeats with its standard error shows a bias, if there is one; `variance`
    is that of one such mean, measured.
    """

    counts: list[int]
    mean: list[Estimate]
    variance: list[float]


def averages(estimates: Tensor, counts: Sequence[int]) -> Averages:
    r"""Means of n estimates, over and over.

    .. math:: \bar g_n = \frac1n \sum_{i=1}^n g_i, \qquad Var(\bar g_n) = Var(g) / n

    Args:
        estimates: Independent one-sample estimates, shape (repeats, most n), repeats ≥ 2.
        counts: The n, each at most that.

    Returns:
        Mean and variance over the repeats, for every n.

    Raises:
        ValueError: If there are fewer than two repeats, or too few estimates in each.

    Example:
        >>> averages(torch.tensor([[0.0, 2.0], [4.0, 2.0]]), [1, 2]).variance
        [8.0, 2.0]
    """
    repeats, most = estimates.shape
    if repeats < 2 or not 1 <= min(counts) <= max(counts) <= most:
        raise ValueError(
            f"counts must be 1 to {most} and repeats at least 2, got {list(counts)} and {repeats}"
        )
    means = [estimates[:, :n].double().mean(1) for n in counts]
    return Averages(
        list(counts), [estimate(value) for value in means], [value.var().item() for value in means]
    )


def gradient_study(
    mean: float,
    deviation: float,
    target: float,
    parameter: str,
    counts: Sequence[int],
    repeats: int = 1000,
    seed: int = 0,
) -> dict[str, Averages]:
    """The three estimators of one gradient, averaged over more and more samples.

    Args:
        mean: μ.
        deviation: σ > 0.
        target: a.
        parameter: Of `PARAMETERS`.
        counts: Numbers of samples to average.
        repeats: How often, to see the spread.
        seed: Of the noise, which all share.

    Returns:
        By the names of `ESTIMATORS`.

    Example:
        >>> study = gradient_study(0.0, 1.0, 1.0, "mean", [1, 100])
        >>> [round(value.mean) for value in study["reparameterised"].mean]
        [-2, -2]
    """
    noise = _noise(repeats * max(counts), seed).view(repeats, max(counts))
    found = gradient_samples(noise, mean, deviation, target, parameter)
    return {name: averages(values, counts) for name, values in found.items()}


class Rung(NamedTuple):
    """Two estimates from k samples of z each, over many repeats, in nats.

    `elbo`: the mean of k log-weights; `bound`: the log of the mean of k weights. Each with the
    standard error of its mean over the repeats, and the standard deviation of a single repeat.
    """

    samples: int
    elbo: Estimate
    elbo_deviation: float
    bound: Estimate
    bound_deviation: float


def bound_ladder(log_weights: Tensor, counts: Sequence[int]) -> list[Rung]:
    r"""More samples of z: a steadier ELBO, and a higher importance-weighted bound.

    .. math:: \frac1k \sum_{i=1}^k \ln w_i, \qquad \ln \frac1k \sum_{i=1}^k w_i, \qquad
        w_i = \frac{p(x|z_i) p(z_i)}{q(z_i|x)}, \quad z_i ∼ q(z|x)

    The first has the same expectation for every k, the ELBO; the second rises with k to ln p(x).

    Args:
        log_weights: ln w of one image, shape (S,); they are shared out among the repeats.
        counts: The k; S must be at least twice each.

    Returns:
        One rung for every k.

    Raises:
        ValueError: If there are too few weights for two repeats.

    Source:
        Burda, Grosse & Salakhutdinov, 2016, arXiv:1509.00519, equation 8 and theorem 1.

    Example:
        >>> (rung,) = bound_ladder(torch.tensor([0.0, 0.0, 0.0, 0.0]), [2])
        >>> rung.elbo.mean, rung.bound.mean, rung.bound_deviation
        (0.0, 0.0, 0.0)
    """
    if not 1 <= min(counts) <= max(counts) <= len(log_weights) // 2:
        raise ValueError(
            f"counts must be 1 to half of the {len(log_weights)} weights, got {list(counts)}"
        )
    return [_rung(log_weights.double(), k) for k in counts]


def _rung(log_weights: Tensor, k: int) -> Rung:
    groups = log_weights[: len(log_weights) // k * k].view(-1, k)
    elbo, bound = groups.mean(1), groups.logsumexp(1) - math.log(k)
    return Rung(k, estimate(elbo), elbo.std().item(), estimate(bound), bound.std().item())
