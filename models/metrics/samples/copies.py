"""Whether generated images are copies: of training images, or of each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.metrics.samples.frechet import checked
from models.metrics.samples.manifold import radii, squared_distances

LEVELS = (1, 16, 255)
"""Grey levels above black that images are stored with: two, digits, bytes."""
_ROWS = 1024
_NONE_SEEN = 3.0
"""Mean of a Poisson count that is 0 in 5 % of the cases: -ln .05."""


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Computes the distance of each point from the nearest of the others, (n,).

    Args:
        points: Shape (n, d).
        others: Shape (m, d).

    Returns:
        Euclidean, in the unit of the points.

    Example:
        >>> nearest(np.array([[0.0], [5.0]]), np.array([[1.0], [3.0]])).tolist()
        [1.0, 2.0]
    """
    points, others = checked(points), checked(others)
    parts = [points[start : start + _ROWS] for start in range(0, len(points), _ROWS)]
    return np.sqrt(np.concatenate([squared_distances(part, others).min(1) for part in parts]))


def closeness(fake: np.ndarray, usual: np.ndarray) -> float:
    r"""Compares how near generated and real test images are to the training images.

    .. math:: \text{median}_j \min_i |y_j - x_i| \; / \; \text{median}_j \min_i |t_j - x_i|

    Args:
        fake: Distances of generated images y from the `nearest` training images x, (n,).
        usual: Those of real images t that were not trained on, (m,).

    Returns:
        1 if a generated image is as far from the nearest training image as a new real one is;
        0 if the model copies; above 1 if its images are unlike the real ones.

    Example:
        >>> closeness(np.array([0.5, 0.5]), np.array([1.0, 2.0, 3.0]))
        0.25
    """
    expected, found = float(np.median(usual)), float(np.median(fake))
    if expected == 0:
        return 1.0 if found == 0 else np.inf
    return found / expected


def grey_levels(images: np.ndarray) -> int:
    """Finds with how many grey levels above black images in [0, 1] are stored.

    Returns:
        1 for black and white, 16 for scikit-learn's digits, else 255.

    Example:
        >>> grey_levels(np.array([[0.0, 0.25]])), grey_levels(np.array([[0.0, 0.3]]))
        (16, 255)
    """
    images = np.asarray(images)
    exact = (k for k in LEVELS if np.abs(images * k - np.round(images * k)).max(initial=0) < 1e-4)
    return next(exact, LEVELS[-1])


def exact_copies(fake: np.ndarray, training: np.ndarray) -> int:
    """Counts generated images that equal a training image once they have its grey levels.

    Args:
        fake: In [0, 1], (n, d).
        training: In [0, 1], (N, d).

    Example:
        >>> exact_copies(np.array([[0.01, 0.99], [0.5, 0.5]]), np.array([[0.0, 1.0], [1.0, 1.0]]))
        1
    """
    levels = grey_levels(training)
    known = {row.tobytes() for row in _quantised(training, levels)}
    return sum(row.tobytes() in known for row in _quantised(fake, levels))


def _quantised(images: np.ndarray, levels: int) -> np.ndarray:
    return np.round(np.clip(images, 0, 1) * levels).astype(np.uint8)


class Birthday(NamedTuple):
    """The birthday test: how many different images a model seems to have.

    Attributes:
        pairs: Pairs of generated images closer than any two of as many real ones.
        of: All pairs.
        closest: The smallest distance between two real images, in the unit of the features.
    """

    pairs: int
    of: int
    closest: float

    @property
    def support(self) -> float:
        """The estimated number of different images; infinite if no pair is that close."""
        return self.of / self.pairs if self.pairs else np.inf

    @property
    def at_least(self) -> float:
        """What that number is with 95 % confidence, at least: the pairs are a Poisson count."""
        from scipy.special import chdtri

        most = chdtri(2 * (self.pairs + 1), 0.05) / 2 if self.pairs else _NONE_SEEN
        return float(self.of / most)


def birthday(fake: np.ndarray, real: np.ndarray) -> Birthday:
    r"""Looks for pairs of generated images that are nearly the same.

    Among n draws from N equally likely images, n(n - 1)/2N pairs are equal on average.

    Args:
        fake: Features, shape (n, d).
        real: Features of different real images, shape (n, d); as many, for more would be closer.

    Raises:
        ValueError: If the two are not as many.

    Source:
        Arora & Zhang, Do GANs actually learn the distribution? An empirical study, 2017,
        arXiv:1706.08224. There, people look for the pairs; here, the closest real pair decides.

    Example:
        >>> real = np.arange(6.0)[:, None]
        >>> found = birthday(np.array([[0.0], [0], [0], [9], [20], [30]]), real)
        >>> found.pairs, found.of, found.support
        (3, 15, 5.0)
    """
    fake, real = checked(fake), checked(real)
    if len(fake) != len(real):
        raise ValueError(f"both sets must be as many, got {len(fake)} and {len(real)}")
    closest = float(radii(real, 1).min())
    rows, columns = np.triu_indices(len(fake), 1)
    pairs = int((squared_distances(fake, fake)[rows, columns] < closest).sum())
    return Birthday(pairs, len(rows), float(np.sqrt(closest)))
