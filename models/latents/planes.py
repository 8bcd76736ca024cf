"""Planes through the latent space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-28
"""Variance of equal codes in double precision, as a share of their squares."""


@dataclass(frozen=True)
class Plane:
    """Describes an affine plane of the latent space: z = origin + u · axes, with u in the plane.

    Attributes:
        origin: Shape (Z,).
        axes: Two orthonormal rows, shape (2, Z).
        explained: Share of the codes' variance along each axis, shape (2,).

    Example:
        >>> plane = coordinate_plane(np.eye(3), 0, 2)
        >>> plane.project(np.array([[1.0, 2.0, 3.0]])).tolist()
        [[1.0, 3.0]]
        >>> plane.lift(np.array([[1.0, 3.0]])).tolist()
        [[1.0, 0.0, 3.0]]
    """

    origin: np.ndarray
    axes: np.ndarray
    explained: np.ndarray

    def project(self, z: np.ndarray) -> np.ndarray:
        """Computes the coordinates (N, 2) of codes (N, Z): exact for codes in the plane."""
        return (z - self.origin) @ self.axes.T

    def lift(self, u: np.ndarray) -> np.ndarray:
        """Computes the codes (N, Z) at plane coordinates (N, 2): exact."""
        return self.origin + u @ self.axes


def coordinate_plane(mean: np.ndarray, x: int, y: int, through: np.ndarray | None = None) -> Plane:
    """Returns the plane of two latent dimensions; the others stay as they are at `through`.

    Args:
        mean: Codes (N, Z), for the share of their variance.
        x: Index of the horizontal dimension.
        y: Index of the vertical one; equal to x only if Z = 1, where it is a flat line.
        through: A code (Z,) in the plane; the origin if None.

    Raises:
        ValueError: If an index is not a dimension.

    Example:
        >>> plane = coordinate_plane(np.eye(3), 0, 2, through=np.array([7.0, 8.0, 9.0]))
        >>> plane.lift(np.array([[1.0, 2.0]])).tolist()
        [[1.0, 8.0, 2.0]]
    """
    latent_dim = mean.shape[1]
    if not (0 <= x < latent_dim and 0 <= y < latent_dim):
        raise ValueError(f"x and y must be dimensions 0 to {latent_dim - 1}, got {x} and {y}")
    axes = np.zeros((2, latent_dim), np.float32)
    axes[0, x] = 1
    axes[1, y] = float(x != y)
    origin = np.zeros(latent_dim, np.float32) if through is None else np.array(through, np.float32)
    origin[[x, y]] = 0
    variance = mean.var(0)
    explained = variance[[x, y]] / max(variance.sum(), 1e-12)
    return Plane(origin, axes, explained * axes.any(1))


def pca_plane(mean: np.ndarray) -> Plane:
    """Fits the plane of largest variance through the mean of the codes.

    Args:
        mean: Codes, shape (N, Z); Z = 1 gives a flat line.

    Numerics:
        The singular value decomposition of the centred codes in double precision. Every axis points
        to where its component of largest size is positive, so equal codes give an equal map; that
        is scikit-learn's convention, which would be imported for a second before the map is there.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=(100, 3)) * [1, 5, 3]
        >>> np.abs(pca_plane(codes).axes).round(0).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    codes = mean.astype(np.float64)
    centre = codes.mean(0)
    _, singular, directions = np.linalg.svd(codes - centre, full_matrices=False)
    components = min(2, *mean.shape)
    first = directions[:components]
    largest = np.abs(first).argmax(1, keepdims=True)
    axes = np.zeros((2, mean.shape[1]), np.float32)
    axes[:components] = first * np.sign(np.take_along_axis(first, largest, 1))
    variance, explained = singular**2, np.zeros(2)
    if variance.sum() > ROUNDING * (codes**2).sum():  # equal codes have no variance to share
        explained[:components] = variance[:components] / variance.sum()
    return Plane(centre.astype(np.float32), axes, explained)


def draw_corners(latent_dim: int, seed: int) -> np.ndarray:
    r"""Draws three codes of the prior N(0, I), made orthogonal and each √Z long, as draws are.

    Args:
        latent_dim: Z, at least 3.
        seed: Of the draws.

    Returns:
        Shape (3, Z), float64.

    Raises:
        ValueError: If there are fewer than three latents.

    Example:
        >>> corners = draw_corners(5, seed=0)
        >>> abs(corners @ corners.T).round(6).tolist()
        [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]]
    """
    if latent_dim < 3:
        raise ValueError(f"three orthogonal draws need at least 3 latents, got {latent_dim}")
    drawn = np.random.default_rng(seed).standard_normal((latent_dim, 3))
    directions, triangle = np.linalg.qr(drawn)
    return (directions * np.sign(np.diag(triangle))).T * np.sqrt(latent_dim)


def plane_through(points: np.ndarray) -> Plane:
    """Returns the plane through three codes, its origin in their middle; the first axis points from
    the first to the second.

    Args:
        points: Three codes that do not lie on one line, shape (3, Z).

    Example:
        >>> plane = plane_through(np.eye(3))
        >>> plane.lift(plane.project(np.eye(3))).round(6).tolist() == np.eye(3).tolist()
        True
    """
    first, second, third = np.asarray(points, np.float64)
    axes, triangle = np.linalg.qr(np.stack([second - first, third - first], 1))
    axes = (axes * np.sign(np.diag(triangle))).T
    middle = np.mean([first, second, third], 0)
    return Plane(middle.astype(np.float32), axes.astype(np.float32), np.zeros(2))
