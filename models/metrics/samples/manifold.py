"""Precision, recall, density and coverage: what of one set lies close to the other.

Close is what the sets say themselves: around each feature lies a ball that reaches to its k-th
neighbour of the same set, border included (≤), so that two sets of one constant image lie within
each other's balls of radius 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.metrics.samples.frechet import checked

NEIGHBOURS = 3
"""k of precision and recall."""
DENSITY_NEIGHBOURS = 5
"""k of density and coverage."""
_ROWS = 1024
_ROUNDING = 1e-12
"""Relative error of a squared distance."""


class PrecisionRecall(NamedTuple):
    """Shares from 0 to 1: of the fake ones that lie among the real, and the other way round."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Real balls around a fake one over k, 1 on average; share of real balls with a fake one."""

    density: float
    coverage: float


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    r"""Computes all squared Euclidean distances |x - y|² = |x|² + |y|² - 2 x^⊤y, (n, m).

    Example:
        >>> squared_distances(np.array([[0.0], [3.0]]), np.array([[1.0]])).tolist()
        [[1.0], [4.0]]
    """
    norms = np.square(first).sum(1)[:, None] + np.square(second).sum(1)
    return np.maximum(norms - 2 * first @ second.T, 0)


def radii(features: np.ndarray, k: int) -> np.ndarray:
    """Computes the squared distance of each feature (n, d) from its k-th neighbour, (n,).

    Raises:
        ValueError: If there are not more than k features.

    Example:
        >>> radii(np.array([[0.0], [1.0], [3.0]]), 1).tolist()
        [1.0, 1.0, 4.0]
    """
    if not 1 <= k < len(features):
        raise ValueError(f"k must be at least 1 and less than {len(features)} features, got {k}")
    found = np.empty(len(features))
    for start in range(0, len(features), _ROWS):
        rows = squared_distances(features[start : start + _ROWS], features)
        rows[np.arange(len(rows)), start + np.arange(len(rows))] = -1  # itself comes first
        found[start : start + _ROWS] = np.partition(rows, k, 1)[:, k]
    return found


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = NEIGHBOURS) -> PrecisionRecall:
    r"""Computes what share of each set lies in the balls of the other.

    .. math:: \text{precision} = \frac1m \sum_j [\min_i |y_j - x_i| - r_k(x_i) ≤ 0], \quad
        \text{recall} = \frac1n \sum_i [\min_j |x_i - y_j| - r_k(y_j) ≤ 0]

    Args:
        real: x, shape (n, d), n > k.
        fake: y, shape (m, d), m > k.
        k: The neighbour that a ball reaches to.

    Raises:
        ValueError: If there are too few, or they are not finite.

    Source:
        Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models,
        2019, arXiv:1904.06991.

    Example:
        >>> real, fake = np.array([[0.0, 1, 2, 10], [0.5, 1.5, 2.5, 3.5]])[:, :, None]
        >>> precision_recall(real, fake, 1)
        PrecisionRecall(precision=1.0, recall=0.75)
    """
    real, fake = centred(real, fake)
    precision = (_balls_around(fake, real, radii(real, k)) > 0).mean()
    recall = (_balls_around(real, fake, radii(fake, k)) > 0).mean()
    return PrecisionRecall(float(precision), float(recall))


def density_coverage(
    real: np.ndarray, fake: np.ndarray, k: int = DENSITY_NEIGHBOURS
) -> DensityCoverage:
    r"""Computes how many balls of real features hold a fake one, and how many hold any.

    .. math:: \text{density} = \frac{1}{km} \sum_{i,j} [|y_j - x_i| ≤ r_k(x_i)], \quad
        \text{coverage} = \frac1n \sum_i [\min_j |y_j - x_i| ≤ r_k(x_i)]

    Args:
        real: x, shape (n, d), n > k.
        fake: y, shape (m, d).
        k: The neighbour that a ball reaches to.

    Raises:
        ValueError: If there are too few, or they are not finite.

    Source:
        Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020,
        arXiv:2002.09797.

    Example:
        >>> real, fake = np.array([[0.0, 1, 2, 10], [0.5, 1.5, 2.5, 3.5]])[:, :, None]
        >>> density_coverage(real, fake, 1)
        DensityCoverage(density=1.75, coverage=1.0)
    """
    real, fake = centred(real, fake)
    reach, holding = radii(real, k), np.zeros(len(real), bool)
    balls = _balls_around(fake, real, reach, holding)
    return DensityCoverage(float(balls.mean() / k), float(holding.mean()))


def centred(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves both sets so that the real one's mean is 0: distances stay, rounding shrinks.

    Raises:
        ValueError: If either is not finite or not of shape (n, d), or d differs.

    Example:
        >>> centred(np.array([[1.0], [3.0]]), np.array([[2.0], [2.0]]))[1].tolist()
        [[0.0], [0.0]]
    """
    real, fake = checked(real), checked(fake)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"both sets must have as many dimensions, got {real.shape[1]} and {fake.shape[1]}"
        )
    mean = real.mean(0)
    return real - mean, fake - mean


def _balls_around(
    points: np.ndarray,
    centres: np.ndarray,
    reach: np.ndarray,
    holding: np.ndarray | None = None,
) -> np.ndarray:
    """How many balls hold each point, (n,); marks in `holding` the balls that hold any."""
    found = np.empty(len(points))
    slack = reach + _ROUNDING * np.square(centres).sum(1)
    for start in range(0, len(points), _ROWS):
        rows = points[start : start + _ROWS]
        own = _ROUNDING * np.square(rows).sum(1)[:, None]
        inside = squared_distances(rows, centres) <= slack + own
        found[start : start + _ROWS] = inside.sum(1)
        if holding is not None:
            holding |= inside.any(0)
    return found
