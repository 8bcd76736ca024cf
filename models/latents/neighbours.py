"""Nearest codes, and codes drawn from the prior or the autoencoder's fitted Gaussian."""

from __future__ import annotations

import numpy as np

from models.latents.codes import Codes


def draw_codes(codes: Codes, count: int, seed: int) -> np.ndarray:
    """Codes to decode as new images: from the prior N(0, I).

    An autoencoder has no prior; its codes are drawn from a Gaussian fitted to those of the
    test set (mean and covariance), which is a choice, not part of the model.

    Args:
        codes: Of the model.
        count: How many.
        seed: Of the draw.

    Returns:
        Shape (count, Z), float32.

    Example:
        >>> codes = Codes(np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(4), None)
        >>> draw_codes(codes, 8, seed=0).shape
        (8, 2)
    """
    generator = np.random.default_rng(seed)
    if codes.log_variance is not None:
        return generator.standard_normal((count, codes.latent_dim), dtype=np.float32)
    freedom = min(1, len(codes) - 1)  # a single code has no spread
    covariance = np.atleast_2d(np.cov(codes.mean.T.astype(np.float64), ddof=freedom))
    centre = codes.mean.mean(0, dtype=np.float64)
    return generator.multivariate_normal(centre, covariance, count).astype(np.float32)


def neighbours(mean: np.ndarray, z: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes nearest to z by Euclidean distance, nearest first.

    Args:
        mean: Codes, shape (N, Z).
        z: One code, shape (Z,).
        count: How many; at most N are returned.

    Returns:
        Indices and distances, each of shape (min(count, N),).

    Example:
        >>> neighbours(np.array([[0.0], [5.0], [1.0]]), np.array([0.2]), 2)[0].tolist()
        [0, 2]
    """
    distance = np.sqrt(((mean - z) ** 2).sum(1))
    nearest = np.argsort(distance, kind="stable")[:count]
    return nearest, distance[nearest]
