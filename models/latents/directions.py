"""Attribute directions: from the mean code of one class to that of another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RESAMPLES = 500


class Direction(NamedTuple):
    """The direction from class B to class A, and how sure it is.

    Attributes:
        vector: Mean code of A minus mean code of B, shape (Z,).
        start: Mean code of B, shape (Z,).
        cone: Degrees within which 95 % of the directions of resampled codes lie around it.
        angle: In a plane, degrees anticlockwise from its first axis; NaN with one latent.
        low: Lower end of the 95 % interval of that angle.
        high: Upper end; where the interval crosses ±180° it goes beyond it.

    Example:
        >>> codes = np.array([[0.0, 0.0], [0.0, 0.0], [2.0, 2.0], [2.0, 2.0]])
        >>> round(attribute_direction(codes, np.array([0, 0, 1, 1]), 1, 0).angle, 6)
        45.0
    """

    vector: np.ndarray
    start: np.ndarray
    cone: float
    angle: float
    low: float
    high: float


def attribute_direction(
    mean: np.ndarray,
    labels: np.ndarray,
    plus: int,
    minus: int,
    axes: np.ndarray | None = None,
    seed: int = 0,
) -> Direction:
    """Computes the mean code of one class minus that of another, with a bootstrap of its angle.

    Args:
        mean: Posterior means, shape (N, Z).
        labels: Classes, shape (N,).
        plus: A, where the direction points to.
        minus: B, where it comes from.
        axes: Two orthonormal rows (2, Z) that span the plane in which the angle is taken; None:
            the first two latents.
        seed: Of the 500 resamplings of both classes' images.

    Raises:
        ValueError: If both classes are the same, or one has no image.

    Source:
        Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016,
        arXiv 1512.09300, section 4.2; Efron, Bootstrap Methods, 1979.

    Example:
        >>> codes = np.array([[0.0], [0.2], [3.0], [3.2]])
        >>> attribute_direction(codes, np.array([0, 0, 1, 1]), 1, 0).vector
        array([3.])
    """
    if plus == minus:
        raise ValueError(f"a direction must have two different classes, got {plus} twice")
    of_plus, of_minus = mean[labels == plus], mean[labels == minus]
    if not (len(of_plus) and len(of_minus)):
        raise ValueError("both classes must have images, got one without")
    start = of_minus.mean(0)
    vector = of_plus.mean(0) - start
    random = np.random.default_rng(seed)
    drawn = _resampled_means(of_plus, random) - _resampled_means(of_minus, random)
    cone = float(np.quantile(_degrees_between(drawn, vector), 0.95))
    if mean.shape[1] < 2:
        return Direction(vector, start, cone, *[float("nan")] * 3)
    axes = np.eye(2, mean.shape[1]) if axes is None else axes
    angle = float(_angles(vector @ axes.T))
    turns = _angles(drawn @ axes.T) - angle
    turns = (turns + 180) % 360 - 180
    low, high = np.quantile(turns, [0.025, 0.975]) + angle
    return Direction(vector, start, cone, angle, float(low), float(high))


def _resampled_means(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Means of codes drawn with replacement, (RESAMPLES, Z): by how often each is drawn."""
    counts = random.multinomial(len(codes), np.full(len(codes), 1 / len(codes)), RESAMPLES)
    return counts @ codes / len(codes)


def _angles(places: np.ndarray) -> np.ndarray:
    """The angle of every place (..., 2), in degrees anticlockwise from the first axis."""
    return np.degrees(np.arctan2(places[..., 1], places[..., 0]))


def _degrees_between(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The angle of every row with a vector, 0 to 180; 90 where either has no length."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    cosines = np.divide(rows @ vector, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return np.degrees(np.arccos(cosines.clip(-1, 1)))


def traversal(code: np.ndarray, latent: int, values: np.ndarray) -> np.ndarray:
    """Moves one latent of a code through values, the others kept.

    Args:
        code: Shape (Z,).
        latent: Counted from 0.
        values: Shape (S,).

    Returns:
        Codes, shape (S, Z).

    Example:
        >>> traversal(np.array([1.0, 5.0]), 0, np.array([-1.0, 0.0])).tolist()
        [[-1.0, 5.0], [0.0, 5.0]]
    """
    codes = np.tile(np.asarray(code, float), (len(values), 1))
    codes[:, latent] = values
    return codes
