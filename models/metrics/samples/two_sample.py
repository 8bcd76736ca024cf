"""The two-sample test: can a classifier tell generated images from real ones?"""

from __future__ import annotations

import math

import numpy as np

from models.metrics.samples.frechet import checked
from models.metrics.samples.manifold import squared_distances


def two_sample_accuracy(real: np.ndarray, fake: np.ndarray, seed: int = 0) -> float:
    """Computes how often the nearest neighbours tell whether a held-out image is real.

    Half of each set is known, the other half is judged by the majority of its k nearest known
    ones, k odd and near the root of their number.

    Args:
        real: Features, shape (n, d), n ≥ 4.
        fake: Features, shape (n, d).
        seed: Of the halves.

    Returns:
        1/2 if the sets are alike, see `null_half_width`; 1 if they are told apart; clearly below
        1/2 if generated images lie closer to the real ones than these do to each other.

    Raises:
        ValueError: If the two are not as many, or fewer than 4.

    Source:
        Lopez-Paz & Oquab, Revisiting Classifier Two-Sample Tests, 2017, arXiv:1610.06545.

    Example:
        >>> real = np.arange(8.0)[:, None]
        >>> two_sample_accuracy(real, real + 100)
        1.0
    """
    real, fake = checked(real), checked(fake)
    if len(real) != len(fake) or len(real) < 4:
        raise ValueError(f"both sets must be as many, 4 or more, got {len(real)} and {len(fake)}")
    rng, half = np.random.default_rng(seed), len(real) // 2
    halves = [part[rng.permutation(len(part))] for part in (real, fake)]
    known = np.concatenate([part[:half] for part in halves])
    judged = np.concatenate([part[half:] for part in halves])
    k = int(math.sqrt(len(known))) // 2 * 2 + 1
    near = np.argpartition(squared_distances(judged, known), k - 1, 1)[:, :k]
    says_real = (near < half).mean(1) > 0.5
    is_real = np.arange(len(judged)) < len(real) - half
    return float((says_real == is_real).mean())


def judged_images(count: int) -> int:
    """Counts the images that are judged of two sets of `count` each.

    Example:
        >>> judged_images(500)
        500
    """
    return 2 * (count - count // 2)


def null_half_width(judged: int, z: float = 1.96) -> float:
    r"""Computes how far from 1/2 the accuracy of mere guessing may be.

    .. math:: z / (2 \sqrt n)

    Args:
        judged: n, the held-out images.
        z: Quantile: 1.96 for 95 %.

    Example:
        >>> round(null_half_width(100), 3)
        0.098
    """
    return z / (2 * math.sqrt(judged))
