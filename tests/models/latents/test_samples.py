"""Codes to decode: grids of the prior, and draws from it."""

import numpy as np
import pytest
from scipy.special import ndtr

from models.latents.codes import Codes
from models.latents.samples import draw_codes, grid_codes, prior_grid


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def codes_like(count=7, latent_dim=3, labels=True):
    generator = np.random.default_rng(1)
    return Codes(
        normal(count, latent_dim),
        normal(count, latent_dim, seed=2) - 2,
        generator.uniform(20, 200, count).astype(np.float32),
        generator.integers(0, 10, count) if labels else None,
    )


# Grid and neighbours


@pytest.mark.parametrize("side", [1, 2, 15, 64])
def test_cells_of_the_prior_grid_hold_equal_mass(side):
    grid = prior_grid(side)
    assert grid.shape == (side * side, 2) and grid.dtype == np.float32
    mass = ndtr(grid.astype(np.float64)).reshape(side, side, 2)
    centres = (np.arange(side) + 0.5) / side
    for row in range(side):
        np.testing.assert_allclose(mass[row, :, 0], centres, atol=1e-6)  # left to right
        np.testing.assert_allclose(mass[:, row, 1], centres[::-1], atol=1e-6)  # top first
    np.testing.assert_allclose(grid, -grid[::-1], atol=1e-6)


def test_a_grid_has_a_side():
    with pytest.raises(ValueError, match=r"^side must be at least 1, got 0$"):
        prior_grid(0)


def test_grid_codes_of_a_vae_are_the_prior_grid_in_a_plane():
    z = grid_codes(codes_like(latent_dim=4), 2, 0, 5, through=np.full(4, 9.0))
    assert z.shape == (25, 4) and z.dtype == np.float32
    np.testing.assert_array_equal(z[:, [2, 0]], prior_grid(5))
    assert (z[:, [1, 3]] == 9).all()


def test_grid_codes_of_an_autoencoder_have_the_moments_of_its_codes():
    mean = (normal(50, 3) * [1, 10, 0] + [0, 5, 7]).astype(np.float32)
    codes = Codes(mean, None, np.ones(50), None)
    z = grid_codes(codes, 1, 2, 5, through=np.zeros(3))
    expected = prior_grid(5) * mean.std(0)[[1, 2]] + mean.mean(0)[[1, 2]]
    np.testing.assert_allclose(z[:, [1, 2]], expected, rtol=1e-5)


def test_grid_codes_of_one_dimension_are_one_row():
    z = grid_codes(codes_like(latent_dim=1), 0, 0, 6, through=np.zeros(1))
    np.testing.assert_array_equal(z[:, 0], prior_grid(6)[:6, 0])


def test_codes_are_drawn_from_the_prior_or_from_the_fitted_gaussian():
    drawn = draw_codes(codes_like(), 4000, seed=1)
    assert drawn.shape == (4000, 3) and drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn, draw_codes(codes_like(), 4000, seed=1))
    assert (drawn != draw_codes(codes_like(), 4000, seed=2)).any()
    np.testing.assert_allclose(drawn.mean(0), 0, atol=4 / 4000**0.5)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(3), atol=0.1)
    mean = (normal(50, 3) @ [[2, 1, 0], [0, 1, 0], [0, 0, 3]] + [0, 5, 7]).astype(np.float32)
    fitted = draw_codes(Codes(mean, None, np.ones(50), None), 4000, seed=1)
    error = 4 * mean.std(0) / 4000**0.5
    assert (np.abs(fitted.mean(0) - mean.mean(0)) < error).all()
    np.testing.assert_allclose(np.cov(fitted.T), np.cov(mean.T), rtol=0.1, atol=0.3)
