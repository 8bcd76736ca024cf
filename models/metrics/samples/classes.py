"""Which classes generated images fall into, as a judge sees them."""

from __future__ import annotations

import numpy as np


def classes_hit(labels: np.ndarray) -> int:
    """Counts the classes of which there is an image.

    Args:
        labels: Of generated images, whole numbers (n,).

    Example:
        >>> classes_hit(np.array([3, 3, 7]))
        2
    """
    return len(np.unique(labels))


def frequencies(labels: np.ndarray, classes: int) -> np.ndarray:
    """Computes the share of each class, (classes,).

    Raises:
        ValueError: If there are none, or a label is no class.

    Example:
        >>> frequencies(np.array([0, 0, 1, 2]), 4).tolist()
        [0.5, 0.25, 0.25, 0.0]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"labels must be one for each of some images, got {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return np.bincount(labels, minlength=classes) / len(labels)


def class_divergence(labels: np.ndarray, real: np.ndarray) -> float:
    r"""Computes how far the classes of generated images are from the real frequencies, in nats.

    .. math:: \sum_c q_c \ln (q_c / p_c)

    It is finite for a model that leaves classes out: one that draws a single class of K equally
    frequent ones has ln K. It is infinite where an image has a class that no real one has.

    Args:
        labels: Of generated images, whole numbers (n,).
        real: p, shape (K,).

    Returns:
        Nats; never negative. See `divergence_floor` for what even real images would have.

    Source:
        Metz et al., Unrolled Generative Adversarial Networks, 2017, arXiv:1611.02163.

    Example:
        >>> round(class_divergence(np.zeros(5, int), np.full(10, 0.1)), 4)
        2.3026
    """
    share = frequencies(labels, len(real))
    seen = share > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(share[seen] * np.log(share[seen] / np.asarray(real)[seen])))


def divergence_floor(classes: int, count: int) -> float:
    r"""Computes what `class_divergence` is on average for n draws of the right frequencies.

    .. math:: (K - 1) / (2n)

    Example:
        >>> round(divergence_floor(1000, 26_000), 4)
        0.0192
    """
    return (classes - 1) / (2 * count)


def within_class_variance(values: np.ndarray, labels: np.ndarray) -> float:
    r"""Computes how much images of one class differ, summed over dimensions.

    .. math:: \frac{1}{n - K} \sum_c \sum_{i: c_i = c} |x_i - \bar x_c|²

    Args:
        values: x, shape (n, d).
        labels: c, shape (n,).

    Returns:
        In squared units of the values; 0 for a model that draws one image for each class.

    Example:
        >>> within_class_variance(np.array([[0.0], [2.0], [9.0]]), np.array([0, 0, 1]))
        2.0
    """
    values, (names, places) = np.asarray(values, np.float64), np.unique(labels, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, places, values)
    means = sums / np.bincount(places)[:, None]
    freedom = max(1, len(values) - len(names))
    return float(np.square(values - means[places]).sum() / freedom)
