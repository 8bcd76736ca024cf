"""Latents of several models in one order, so that a mean over models is a mean of like with like.

A VAE does not care which latent carries what: latent 3 of one seed may be latent 7 of the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def align(matrix: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Finds the order of a model's latents that fits another model's best.

    It is the assignment of latents to latents with the smallest squared difference of their rows.

    Args:
        matrix: Of the model, a row for each latent: its shares of every factor, (Z, K).
        reference: Of the other model, (Z, K).

    Returns:
        The order: `matrix[align(matrix, reference)]` is the closest to the reference.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> align(np.array([[0.0, 0.9], [0.8, 0.1]]), np.eye(2)).tolist()
        [1, 0]
    """
    from scipy.optimize import linear_sum_assignment

    if matrix.shape != reference.shape:
        raise ValueError(
            f"both models must have as many latents and factors, got {matrix.shape} and "
            f"{reference.shape}"
        )
    cost = ((reference[:, None] - matrix[None]) ** 2).sum(2)
    return linear_sum_assignment(cost)[1]


def align_all(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Puts the latents of several models in the order of the first.

    Args:
        matrices: One for each model, (Z, K).

    Returns:
        All of them, (M, Z, K), the first unchanged.

    Example:
        >>> align_all([np.eye(2), np.eye(2)[::-1]]).tolist()
        [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]]
    """
    first = matrices[0]
    return np.stack([matrix[align(matrix, first)] for matrix in matrices])
