"""Colours of codes: similar codes, similar hues."""

from __future__ import annotations

import numpy as np


def code_colours(vectors: np.ndarray) -> list[str]:
    """Gives every code a colour that dark text can be read on.

    The hue goes round with the direction of the code from the mean code, in the plane in which
    codes differ most; codes farther out are darker. Both are ranks, so that all hues are used.

    Args:
        vectors: The codebook, shape (K, D).

    Returns:
        K colours as CSS writes them.

    Example:
        >>> code_colours(np.array([[1.0, 0.1], [-1.0, 0.0]]))
        ['oklch(0.90 0.11 0)', 'oklch(0.76 0.11 180)']
    """
    centred = vectors - vectors.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2))
    plane[:, : min(2, len(axes))] = centred @ axes[:2].T
    hues = 360 * _ranks(np.arctan2(plane[:, 1], plane[:, 0])) / len(vectors)
    lightness = 0.9 - 0.14 * _ranks(np.hypot(*plane.T)) / max(1, len(vectors) - 1)
    pairs = zip(lightness, hues, strict=True)
    return [f"oklch({light:z.2f} 0.11 {hue:z.0f})" for light, hue in pairs]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Which place each has when they are sorted, from 0."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")
