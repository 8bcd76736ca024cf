"""Means with their errors: over images, over seeds, and paired over the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:  # the first screen waits for no torch
    from torch import Tensor


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    r"""Computes the mean of first − second over the same images, and its standard error.

    .. math:: \bar d ± s_d / √N, \quad d = x - y

    What makes one image hard for both cancels, so that the error is smaller than that of two
    means that are taken apart.

    Args:
        first: x, one number per image, shape (N,), N ≥ 2.
        second: y of the same images, shape (N,).

    Returns:
        Both in the unit of what is given.

    Raises:
        ValueError: If they are not as long as each other, or hold fewer than two numbers.

    Example:
        >>> mean, error = paired_difference(np.array([5.0, 8.0, 2.0]), np.array([4.0, 6.0, 2.0]))
        >>> mean, round(error, 4)
        (1.0, 0.5774)
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise ValueError(
            "both must hold one number for each of the same two or more images, "
            f"got {first.shape} and {second.shape}"
        )
    difference = first.astype(np.float64) - second
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


class Estimate(NamedTuple):
    """A mean over images with its standard error, both in the unit of what was averaged."""

    mean: float
    standard_error: float


def estimate(values: Tensor) -> Estimate:
    r"""Computes mean and standard error over images: s / √N, with the unbiased s.

    Args:
        values: One number per image, shape (N,), N ≥ 2.

    Example:
        >>> import torch
        >>> estimate(torch.tensor([1.0, 2.0, 3.0]))
        Estimate(mean=2.0, standard_error=0.5773502691896258)
    """
    values = values.cpu().double()
    return Estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)))


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    r"""Computes the mean of a few normal values and the half-width of its confidence interval.

    .. math:: \bar x ± t_{n-1,\,(1 + level)/2} \; s / √n

    Args:
        values: n numbers, n ≥ 1.
        level: Between 0 and 1.

    Returns:
        The mean, and the half-width: infinite for one value.

    Source:
        Student, The Probable Error of a Mean, Biometrika 1908.

    Example:
        >>> mean, half = t_interval([1.0, 2.0, 3.0])
        >>> mean, round(half, 4)
        (2.0, 2.4841)
    """
    from scipy.special import stdtrit

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return mean, math.inf
    quantile = float(stdtrit(count - 1, (1 + level) / 2))
    return mean, quantile * float(np.std(values, ddof=1)) / math.sqrt(count)


def share_interval(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    r"""Computes the exact interval of a share, by the quantiles of two beta distributions.

    .. math:: \left[B^{-1}_{α/2}(k,\, n - k + 1),\; B^{-1}_{1-α/2}(k + 1,\, n - k)\right],
        \quad α = 1 - \text{level}

    Args:
        count: k of the n that have it, 0 to n.
        total: n, at least 1.
        level: Between 0 and 1.

    Returns:
        Its ends, each 0 to 1.

    Raises:
        ValueError: If k is not 0 to n, or n is 0.

    Source:
        Clopper & Pearson, The Use of Confidence or Fiducial Limits Illustrated in the Case of the
        Binomial, Biometrika 1934.

    Example:
        >>> [round(end, 3) for end in share_interval(0, 30)]
        [0.0, 0.116]
    """
    from scipy.special import betaincinv

    if not 0 <= count <= total or total < 1:
        raise ValueError(f"a share must be of 1 or more, got {count} of {total}")
    tail, rest = (1 - level) / 2, total - count
    low = float(betaincinv(count, rest + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, rest, 1 - tail)) if rest else 1.0
    return low, high
