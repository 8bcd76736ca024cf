"""Codes to decode as new images: drawn from the prior, or on a grid of it."""

from __future__ import annotations

import numpy as np

from models.latents.codes import Codes


def draw_codes(codes: Codes, count: int, seed: int) -> np.ndarray:
    """Draws codes to decode as new images: from the prior N(0, I).

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


def prior_grid(side: int) -> np.ndarray:
    r"""Makes a square grid whose cells hold equal mass of the prior, top row first.

    .. math:: u_{ij} = (Φ^{-1}(\tfrac{j + ½}{n}), Φ^{-1}(\tfrac{n - i - ½}{n}))

    Args:
        side: n, at least 1.

    Returns:
        Plane coordinates in standard deviations of the prior, shape (n·n, 2), row by row.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, appendix A (figure 4).

    Example:
        >>> (prior_grid(2) * 100).round().astype(int).tolist()
        [[-67, 67], [67, 67], [-67, -67], [67, -67]]
    """
    from scipy.special import ndtri

    if side < 1:
        raise ValueError(f"side must be at least 1, got {side}")
    quantiles = ndtri((np.arange(side) + 0.5) / side)
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)


def grid_codes(codes: Codes, x: int, y: int, side: int, through: np.ndarray) -> np.ndarray:
    """Places the grid of `prior_grid` in the plane of two dimensions, top row first.

    For an autoencoder the grid is shifted and stretched to mean and standard deviation of the
    test set's codes. With Z = 1 it is one row.

    Args:
        codes: Of the model.
        x: Index of the horizontal dimension.
        y: Index of the vertical one.
        side: Cells per side.
        through: Where the other dimensions are held, shape (Z,).

    Returns:
        Shape (side·side, Z), or (side, 1), float32.

    Example:
        >>> codes = Codes(np.zeros((4, 3)), np.zeros((4, 3)), np.zeros(4), None)
        >>> grid_codes(codes, 0, 1, 2, np.full(3, 9.0))[0].tolist()  # doctest: +ELLIPSIS
        [-0.67..., 0.67..., 9.0]
    """
    grid = prior_grid(side)
    if codes.latent_dim == 1:
        grid = grid[:side]
    z = np.repeat(np.asarray(through, np.float64)[None], len(grid), 0)
    pairs = [(x, 0)] if codes.latent_dim == 1 else [(x, 0), (y, 1)]
    for dimension, column in pairs:
        z[:, dimension] = grid[:, column]
        if codes.log_variance is None:
            here = codes.mean[:, dimension]
            z[:, dimension] = here.mean() + here.std() * grid[:, column]
    return z.astype(np.float32)
