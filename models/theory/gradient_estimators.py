"""Gradients of an expectation, estimated by reparameterisation and by the score function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.statistics import Estimate, estimate
from models.theory.divergences import seeded_noise

ESTIMATORS = ("reparameterised", "score function", "score function with baseline")
PARAMETERS = ("mean", "deviation")


def loss_gradient(mean: float, deviation: float, target: float) -> dict[str, float]:
    r"""Computes the gradient of a loss whose expectation is known, by each parameter of q.

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
    r"""Estimates ∂L/∂θ, θ = μ or σ, by one sample, in three ways from the same noise.

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
    r"""Computes the variance of each one-sample estimate; that of a mean of n is the n-th part.

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
    r"""Averages n estimates at a time, over and over.

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
    """Studies the three estimators of one gradient, averaged over more and more samples.

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
    noise = seeded_noise(repeats * max(counts), seed).view(repeats, max(counts))
    found = gradient_samples(noise, mean, deviation, target, parameter)
    return {name: averages(values, counts) for name, values in found.items()}
