"""Codes and factors as every score of this package takes them.

A **code** is a row of N images × Z latents, a **factor** one of the K columns of what the images
were made from. Scores depend on how both are cut into bins and on what predicts one from the other,
so that is fixed here: at most `CODE_BINS` bins a latent and `FACTOR_BINS` a factor, each holding
the same number of images, or one bin for each value where there are no more values than that; and
four fifths of the images, drawn once, to fit a predictor that is scored on the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

CODE_BINS = 20
FACTOR_BINS = 10
ACTIVE_VARIANCE = 0.01
"""Least variance of the posterior means of a latent that counts as active (Burda et al. 2016)."""
DIGITS = 9
"""Digits of a standardised latent that are kept, so that rounding errors make no bins."""
MIN_IMAGES = 50


def bin_values(values: np.ndarray, most: int) -> np.ndarray:
    """Cuts numbers into at most `most` bins that hold equally many.

    Numbers with at most that many different values have a bin for each value. A monotone rising
    function of the numbers has the same bins.

    Args:
        values: Shape (N,).
        most: Bins.

    Returns:
        The bin of every number, from 0, int64 (N,).

    Example:
        >>> bin_values(np.array([0.1, 7.0, 0.1]), 2).tolist()
        [0, 1, 0]
        >>> bin_values(np.arange(6) ** 3, 3).tolist()
        [0, 0, 1, 1, 2, 2]
    """
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) <= most:
        return place
    shares = np.arange(1, most) / most
    edges = np.quantile(values, shares, method="inverted_cdf")
    return np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1]


def is_discrete(factor: np.ndarray) -> bool:
    """Tells whether a factor has at most `FACTOR_BINS` values, which are then taken as classes.

    Example:
        >>> is_discrete(np.array([0.0, 2.0, 0.0])), is_discrete(np.linspace(0, 1, 50))
        (True, False)
    """
    return len(np.unique(factor)) <= FACTOR_BINS


def standardise(codes: np.ndarray) -> np.ndarray:
    """Scales every latent to mean 0 and standard deviation 1; one that does not vary becomes 0.

    Example:
        >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    mean, deviation = codes.mean(0), codes.std(0)
    varies = deviation > 1e-9 * np.abs(codes).max(0, initial=1e-300)
    return np.where(varies, (codes - mean) / np.where(varies, deviation, 1), 0.0)


def without_inactive(codes: np.ndarray) -> np.ndarray:
    """Sets inactive latents of a VAE to 0: their means vary far less than its prior.

    What is left in them would still tell something to a score, which takes every latent to be as
    large as any other, but tells nothing to the decoder.

    Args:
        codes: Posterior means under a prior N(0, 1), shape (N, Z).

    Example:
        >>> without_inactive(np.array([[1.0, 0.01], [-1.0, 0.02]])).tolist()
        [[1.0, 0.0], [-1.0, 0.0]]
    """
    return np.where(codes.var(0) > ACTIVE_VARIANCE, codes, 0.0)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Holds codes and factors, checked, and what several scores share.

    Latents are standardised; one that does not vary is 0. A factor that does not vary is an error.

    Args:
        codes: Posterior means, shape (N, Z), N at least `MIN_IMAGES`; see `without_inactive`.
        factors: Shape (N, K), K at least 2, every one with at least two values.
        seed: Of the split and of all draws.

    Raises:
        ValueError: If they do not fit each other, or a factor has one value only.

    Example:
        >>> grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
        >>> prepared = Prepared(grid, grid)
        >>> prepared.factor_bins.max(), prepared.active.tolist()
        (np.int64(7), [True, True])
    """

    codes: np.ndarray
    factors: np.ndarray
    seed: int = 0

    def __post_init__(self) -> None:
        codes, factors = np.asarray(self.codes, float), np.asarray(self.factors, float)
        if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
            raise ValueError(
                "codes and factors must be (N, Z) and (N, K) of the same images, "
                f"got {codes.shape} and {factors.shape}"
            )
        if len(codes) < MIN_IMAGES or factors.shape[1] < 2:
            raise ValueError(
                f"there must be at least {MIN_IMAGES} images and 2 factors, "
                f"got {len(codes)} and {factors.shape[1]}"
            )
        if not (np.isfinite(codes).all() and np.isfinite(factors).all()):
            raise ValueError("codes and factors must be finite numbers, got some that are not")
        constant = np.flatnonzero(factors.min(0) == factors.max(0))
        if len(constant):
            raise ValueError(
                f"every factor must vary, got one value in column {constant[0] + 1}: leave it out"
            )
        object.__setattr__(self, "codes", standardise(codes).round(DIGITS))
        object.__setattr__(self, "factors", factors)

    @cached_property
    def active(self) -> np.ndarray:
        """Which latents vary, bool (Z,)."""
        return self.codes.any(0)

    @cached_property
    def code_bins(self) -> np.ndarray:
        """The bin of every latent, (N, Z)."""
        return np.stack([bin_values(column, CODE_BINS) for column in self.codes.T], 1)

    @cached_property
    def factor_bins(self) -> np.ndarray:
        """The bin of every factor, (N, K)."""
        return np.stack([bin_values(column, FACTOR_BINS) for column in self.factors.T], 1)

    @cached_property
    def is_fitted_on(self) -> np.ndarray:
        """Which images a predictor is fitted on, bool (N,); it is scored on the others."""
        return np.random.default_rng(self.seed).permutation(len(self.codes)) % 5 > 0
