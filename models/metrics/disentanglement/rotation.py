"""Thought experiment: a perfect code is turned, and every score is measured as it turns.

The turned code holds the same information, and a linear predictor finds it as easily. What falls is
only what asks for one factor in one latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.metrics.disentanglement.preparation import standardise
from models.metrics.disentanglement.scores import disentanglement_scores, rotate

ANGLES = (0, 15, 30, 45, 60, 75, 90)
"""Degrees."""


class KnownCode(NamedTuple):
    """Codes (N, Z) with the factors (N, K) of their images, and their classes (N,) or None."""

    codes: np.ndarray
    factors: np.ndarray
    labels: np.ndarray | None


def perfect_code(count: int = 1500, seed: int = 0) -> KnownCode:
    """Makes a code of two latents that are two factors, uniform and independent.

    The classes are the halves of the first factor.

    Example:
        >>> known = perfect_code(100)
        >>> known.codes.shape, known.factors.shape, sorted(set(known.labels.tolist()))
        ((100, 2), (100, 2), [0, 1])
    """
    factors = np.random.default_rng(seed).random((count, 2))
    return KnownCode(standardise(factors), factors, (factors[:, 0] > 0.5).astype(np.int64))


def turned_scores(
    known: KnownCode, first: int = 0, second: int = 1, angles: Sequence[float] = ANGLES
) -> dict[str, list[float]]:
    """Measures every score at every angle of a turn in the plane of two latents.

    Args:
        known: Codes and factors.
        first: A latent, counted from 0.
        second: Another one.
        angles: Degrees.

    Returns:
        By score, one number for each angle.

    Example:
        >>> found = turned_scores(perfect_code(1500), angles=(0, 45))
        >>> found["mig"][0] > 0.9, found["mig"][1] < 0.1, found["infoe"][1] > 0.999
        (True, True, True)
    """
    rows = [
        disentanglement_scores(
            rotate(known.codes, angle, first, second), known.factors, known.labels
        )
        for angle in angles
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}
