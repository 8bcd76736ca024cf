r"""The latent of a sampler that starts from noise: planes of noise images, and walks between two.

A mean of two draws of N(0, I) has too small a variance to be a draw: √½ of the length that noise
images have. So planes and walks here keep the length that noise has.
"""

from __future__ import annotations

import numpy as np


def draw_noise(count: int, image_shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Draws x_T ~ N(0, I); the first ones stay the same if more are drawn.

    Returns:
        Shape (count, C, H, W), float32.

    Example:
        >>> draw_noise(2, (1, 8, 8), seed=0).shape
        (2, 1, 8, 8)
    """
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, *image_shape), dtype=np.float32)


def plane_noise(corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    r"""Finds the noise images at places of the plane through three.

    .. math:: x(u, v) = \frac{(1 - u - v)\, a + u\, b + v\, c}
        {\sqrt{(1 - u - v)^2 + u^2 + v^2}}

    so a lies at (0, 0), b at (1, 0) and c at (0, 1), and where all three are draws of N(0, I), so
    is every x(u, v).

    Args:
        corners: a, b and c, shape (3, …).
        places: (u, v), shape (N, 2).

    Returns:
        Shape (N, …), float32.

    Example:
        >>> plane_noise(np.eye(3), np.array([[0.0, 0.0], [0.5, 0.5]])).round(2).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.7099999785423279, 0.7099999785423279]]
    """
    u, v = np.asarray(places, float).T
    weights = np.stack([1 - u - v, u, v], 1)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return np.tensordot(weights, corners, 1).astype(np.float32)


def slerp(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    r"""Walks from one noise image to another along an arc, not through the thin middle.

    .. math:: x_s = \frac{\sin((1 - s) Ω)}{\sin Ω}\, a + \frac{\sin(s Ω)}{\sin Ω}\, b, \quad
        \cos Ω = \frac{a \cdot b}{‖a‖ ‖b‖}

    Args:
        first: a, any shape.
        second: b, of the same shape.
        count: Images, both ends included, at least 2; s is evenly spaced from 0 to 1.

    Returns:
        Shape (count, …), float32. Where a and b have one direction, or opposite ones, there is no
        arc, or no one arc: the straight line.

    Source:
        Shoemake, Animating Rotation with Quaternion Curves, SIGGRAPH 1985, section 3.3.

    Example:
        >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 3)[1].round(2).tolist()
        [0.7099999785423279, 0.7099999785423279]
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    share = np.linspace(0, 1, count).reshape(-1, *(1,) * a.ndim)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    cosine = (a * b).sum() / lengths if lengths > 0 else 1.0
    if abs(cosine) > 1 - 1e-9:
        return ((1 - share) * a + share * b).astype(np.float32)
    angle = np.arccos(cosine)
    arc = np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
    return (arc / np.sin(angle)).astype(np.float32)
