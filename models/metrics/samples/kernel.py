"""The kernel distance of two sets of features: unbiased, so that it may be negative."""

from __future__ import annotations

import numpy as np

from models.metrics.samples.frechet import checked


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    r"""Computes the squared maximum mean discrepancy under a cubic kernel, without bias.

    .. math:: \frac{1}{n(n-1)} \sum_{i≠j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i≠j} k(y_i, y_j)
        - \frac{2}{nm} \sum_{i,j} k(x_i, y_j), \quad k(x, y) = (x^⊤y / d + 1)³

    The published score is the mean over random subsets; this is what that mean tends to.

    Args:
        first: x, shape (n, d), n ≥ 2.
        second: y, shape (m, d), m ≥ 2.

    Returns:
        0 on average for two sets of one distribution; negative values are no fault.

    Raises:
        ValueError: If they are not of these shapes or not finite.

    Source:
        Bińkowski et al., Demystifying MMD GANs, 2018, arXiv:1801.01401.

    Example:
        >>> kernel_distance(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]]))
        -121.0
    """
    first, second = checked(first), checked(second)
    return _within(first) + _within(second) - 2 * float(_kernel(first, second).mean())


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _within(features: np.ndarray) -> float:
    """Mean of the kernel over pairs of different features."""
    values, count = _kernel(features, features), len(features)
    return float((values.sum() - np.trace(values)) / (count * (count - 1)))
