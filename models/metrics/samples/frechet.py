"""The Fréchet distance of two sets of features, as measured and as it would be of endless sets.

A set of n features x, shape (n, d), is summed up by its mean μ and covariance Σ. The distance is
that of two Gaussians with these; it is in the square of the features' unit and too large for small
n, so it means something only beside the floor: the same distance of real images from other real
images, with n equal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIZES = 12
"""Sizes of subsets through which the line in 1/n is drawn."""
REPEATS = 4
"""Random subsets of each size."""
SMALLEST_SHARE = 0.25
"""Of all features: the smallest subset."""


class Moments(NamedTuple):
    """Mean (d,) and covariance (d, d) of features, float64."""

    mean: np.ndarray
    covariance: np.ndarray


def moments(features: np.ndarray) -> Moments:
    r"""Computes mean and unbiased covariance of features.

    .. math:: μ = \frac1n \sum_i x_i, \quad Σ = \frac1{n-1} \sum_i (x_i - μ)(x_i - μ)^⊤

    Args:
        features: Shape (n, d), n ≥ 2.

    Raises:
        ValueError: If it is not of that shape or not finite.

    Example:
        >>> moments(np.array([[0.0], [2.0]]))
        Moments(mean=array([1.]), covariance=array([[2.]]))
    """
    features = checked(features)
    return Moments(features.mean(0), np.cov(features, rowvar=False).reshape(2 * features.shape[1:]))


def checked(features: np.ndarray) -> np.ndarray:
    """Returns features in float64.

    Raises:
        ValueError: If they are not finite numbers of shape (n, d) with n ≥ 2.

    Example:
        >>> checked(np.zeros(3))
        Traceback (most recent call last):
        ValueError: features must have shape (n, d) with n of 2 or more, got (3,)
    """
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < 2 or features.shape[1] < 1:
        raise ValueError(
            f"features must have shape (n, d) with n of 2 or more, got {features.shape}"
        )
    if not np.isfinite(features).all():
        raise ValueError("features must be finite numbers, got some that are not")
    return features


def gaussian_frechet(first: Moments, second: Moments) -> float:
    r"""Computes the Fréchet distance of two Gaussians.

    .. math:: |μ_1 - μ_2|² + \mathrm{tr}(Σ_1 + Σ_2) - 2 \sum_j \sqrt{λ_j},
        \quad λ = \text{eigenvalues of } Σ_1 Σ_2

    Numerics:
        The eigenvalues of a product of two covariances are real and not negative; what rounding
        makes of them is clamped. No matrix root is needed.

    Source:
        Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982;
        as a score of images: Heusel et al., 2017, arXiv:1706.08500.

    Example:
        >>> narrow = Moments(np.zeros(1), np.eye(1))
        >>> gaussian_frechet(narrow, Moments(np.full(1, 3.0), np.full((1, 1), 4.0)))
        10.0
    """
    product = np.linalg.eigvals(first.covariance @ second.covariance).real
    cross = np.sqrt(np.clip(product, 0, None)).sum()
    apart = np.square(first.mean - second.mean).sum()
    spread = np.trace(first.covariance) + np.trace(second.covariance)
    return float(apart + spread - 2 * cross)


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Computes the Fréchet distance of two sets of features.

    Args:
        first: Shape (n, d).
        second: Shape (m, d); the order of the two does not matter.

    Returns:
        In squared units of the features; its bias depends on n, m and the features.

    Raises:
        ValueError: If they are not of these shapes or not finite.

    Example:
        >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[5.0], [7.0]]))
        25.0
    """
    return gaussian_frechet(moments(first), moments(second))


def frechet_infinity(first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    r"""Extrapolates the Fréchet distance to endless sets, by a line in 1/n.

    .. math:: \mathrm{FD}(n) ≈ \mathrm{FD}_∞ + c / n

    Both sets are cut to random subsets of the same sizes, from a quarter to all of the smaller one;
    the intercept of the least-squares line through their distances is free of the bias of order
    1/n, so that models of different bias can be compared. It may be a little below zero.

    Args:
        first: Shape (n, d), n ≥ 8.
        second: Shape (m, d), m ≥ 8.
        seed: Of the subsets.

    Raises:
        ValueError: If there are fewer than 8 of either.

    Source:
        Chong & Forsyth, Effectively Unbiased FID and Inception Score, 2020, arXiv:1911.07023.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 400, 8))
        >>> frechet_distance(first, second) > 0.1 > abs(frechet_infinity(first, second))
        True
    """
    first, second = checked(first), checked(second)
    largest = min(len(first), len(second))
    if largest < 8:
        raise ValueError(f"each set must have 8 or more features, got {largest}")
    rng = np.random.default_rng(seed)
    sizes = np.linspace(max(3, SMALLEST_SHARE * largest), largest, SIZES).astype(int)
    sizes = np.repeat(sizes, REPEATS)
    found = [frechet_distance(_some(first, n, rng), _some(second, n, rng)) for n in sizes]
    return float(np.polyfit(1 / sizes, found, 1)[1])


def _some(features: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return features[rng.permutation(len(features))[:count]]
