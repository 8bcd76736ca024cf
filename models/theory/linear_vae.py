"""The one VAE whose best state is known exactly: linear encoder, linear decoder, Gaussian pixels.

`ModelConfig(hidden=(), likelihood="gaussian")` describes it, and it trains like any other. What
training can reach follows from the eigenvalues λ₁ ≥ λ₂ ≥ … of the data's covariance and from
s = βσ² alone: the best codes are principal components, and a component is worth its nats only
where its variance exceeds s. The rest collapse, however long one trains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MAX_MATRIX = 4096
"""Largest side of a covariance matrix: its eigenvalues take about ten seconds and 0.3 GB."""


class LinearOptimum(NamedTuple):
    """The best linear VAE at one β; everything in nats per image but the squared error.

    `active` counts the dimensions that carry anything; `rate_per_dimension` (Z,), largest
    first, sums to `rate`; `squared_error` is E‖x - E[x|z]‖² with z sampled, summed over pixels;
    `negative_elbo` is D + R, weight 1.
    """

    active: int
    rate_per_dimension: np.ndarray
    rate: float
    squared_error: float
    distortion: float
    negative_elbo: float


def covariance_eigenvalues(images: np.ndarray) -> np.ndarray:
    r"""Computes the eigenvalues of the covariance of the pixels, largest first.

    .. math:: \frac1N \sum_n (x_n - \bar x)(x_n - \bar x)^T v_j = λ_j v_j

    Divided by N, not N - 1: these images are the whole distribution the model is fitted to.

    Args:
        images: x, shape (N, C, H, W).

    Returns:
        λ, shape (C·H·W,), float64, squared grey levels (1 = white), never negative.

    Raises:
        ValueError: If both the pixels and the images are more than `MAX_MATRIX`.

    Numerics:
        With fewer images than pixels, the N × N matrix of scalar products has the same
        eigenvalues but for zeros.

    Example:
        >>> covariance_eigenvalues(np.array([[[[0.0, 1.0]]], [[[1.0, 0.0]]]]))
        array([0.5, 0. ])
    """
    pixels = images.reshape(len(images), -1).astype(np.float64)
    count, size = pixels.shape
    if min(count, size) > MAX_MATRIX:
        raise ValueError(
            f"images must have at most {MAX_MATRIX} pixels, or be at most as many, "
            f"got {count} of {size}"
        )
    pixels -= pixels.mean(0)
    matrix = pixels.T @ pixels if size <= count else pixels @ pixels.T
    found = np.linalg.eigvalsh(matrix / count)[::-1].clip(0.0)
    return np.pad(found, (0, size - len(found)))


def linear_optimum(
    eigenvalues: np.ndarray, latent_dim: int, sigma: float, beta: float
) -> LinearOptimum:
    r"""Computes what a linear VAE reaches at best on its training images, in closed form.

    .. math:: R_j = ½ \max(0, \ln(λ_j / s)), \quad
        SSE = \sum_{j ≤ Z} \min(λ_j, s) + \sum_{j > Z} λ_j, \quad
        D = \frac{SSE}{2σ²} + \frac d2 \ln 2πσ²

    with s = βσ²: the minimisers of D + βR are those of a model of variance βσ² at weight 1,
    which is probabilistic PCA of given noise.

    Args:
        eigenvalues: λ of the data's covariance, shape (d,), in any order, d the pixels.
        latent_dim: Z, the most dimensions that can be active; at least 1.
        sigma: σ of the Gaussian likelihood, above 0.
        beta: β, above 0.

    Returns:
        Active dimensions, R (total and per dimension), SSE, D and D + R.

    Raises:
        ValueError: If the latent dimension, σ or β is too small.

    Source:
        Tipping & Bishop, Probabilistic Principal Component Analysis, 1999; Lucas et al., Don't
        Blame the ELBO!, 2019, arXiv:1911.02469; R and SSE over s are reverse water-filling,
        Cover & Thomas, Elements of Information Theory, 2006, theorem 10.3.3.

    Example:
        >>> best = linear_optimum(np.array([4.0, 2.0, 1.0, 0.5, 0.25]), 5, 0.5**0.5, beta=2.0)
        >>> best.active, round(best.rate, 4), round(best.squared_error, 4)
        (2, 1.0397, 3.75)
    """
    if latent_dim < 1:
        raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
    if not (sigma > 0 and beta > 0):
        raise ValueError(f"sigma and beta must be above 0, got {sigma:g} and {beta:g}")
    ordered = np.sort(np.asarray(eigenvalues, np.float64))[::-1]
    count, level = len(ordered), beta * sigma**2
    kept = np.pad(ordered[:latent_dim], (0, max(0, latent_dim - count)))
    rates = 0.5 * np.log(np.maximum(kept / level, 1.0))
    error = np.minimum(kept, level).sum() + ordered[latent_dim:].sum()
    distortion = error / (2 * sigma**2) + 0.5 * count * math.log(2 * math.pi * sigma**2)
    rate = rates.sum()
    return LinearOptimum(
        active=int((kept > level).sum()),
        rate_per_dimension=rates,
        rate=float(rate),
        squared_error=float(error),
        distortion=float(distortion),
        negative_elbo=float(distortion + rate),
    )


def linear_curve(
    eigenvalues: np.ndarray, latent_dim: int, sigma: float, betas: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    r"""Computes the closed form as a curve in the rate–distortion plane.

    As long as fewer than Z dimensions are active, its slope is dD/dR = -β, at every β.

    Args:
        eigenvalues: λ, shape (d,).
        latent_dim: Z.
        sigma: σ of the Gaussian likelihood.
        betas: Where, B values above 0.

    Returns:
        R and D, each of shape (B,), nats per image.

    Raises:
        ValueError: As `linear_optimum`.

    Example:
        >>> linear_curve(np.array([4.0, 1.0]), 2, 1.0, [2.0, 8.0])[0].round(4)
        array([0.3466, 0.    ])
    """
    found = [linear_optimum(eigenvalues, latent_dim, sigma, beta) for beta in betas]
    return np.array([best.rate for best in found]), np.array([best.distortion for best in found])
