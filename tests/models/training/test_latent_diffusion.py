"""Diffusion of points against a data set whose best denoiser is known, and the flow to codes."""

import numpy as np
import pytest
import torch

from models.objectives.denoising import INVERTIBLE, alpha_bars, ddim_path, step_times
from models.training.latent_diffusion import fit_points, latent_flow

SPREAD = np.array([0.3, 1.5], np.float32)
MEAN = np.array([0.5, -0.5], np.float32)


@pytest.fixture(scope="module")
def gaussian():
    """A model of points N(MEAN, SPREAD²), and other points of the same kind."""
    train, test = MEAN + SPREAD * np.random.default_rng(0).normal(size=(2, 4000, 2)).astype("f")
    return fit_points(train, updates=3000), torch.from_numpy(test)


def best_guess(noisy, times):
    """E[ε|z_t] of that Gaussian."""
    share = alpha_bars(200)[times.long()].float()[:, None]
    rest = noisy - share.sqrt() * torch.from_numpy(MEAN)
    return (1 - share).sqrt() * rest / (share * torch.from_numpy(SPREAD) ** 2 + 1 - share)


@torch.no_grad()
def test_the_error_is_within_two_percent_of_the_best_denoiser(gaussian):
    model, points = gaussian
    found = model.score(points[:, None, None], 1)["noise_error"]
    learned, model.guess_noise = model.guess_noise, best_guess
    least = model.score(points[:, None, None], 1)["noise_error"]
    model.guess_noise = learned
    assert least * 0.98 < found < least * 1.02


def test_draws_have_the_mean_and_spread_of_the_data(gaussian):
    model, points = gaussian
    start = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    *_, end = ddim_path(model.guess_at, start, step_times(200, 100), alpha_bars(200), INVERTIBLE)
    torch.testing.assert_close(end.clean.mean(0), points.mean(0), rtol=0, atol=0.1)
    torch.testing.assert_close(end.clean.std(0), points.std(0), rtol=0.08, atol=0)


def test_arrows_are_the_score(gaussian):
    model, _ = gaussian
    points = torch.from_numpy(MEAN) * 0.7 + torch.tensor([[0.4, 0.0], [0.0, 0.9], [-0.3, -0.6]])
    share = alpha_bars(200)[100].float()
    variance = share * torch.from_numpy(SPREAD) ** 2 + 1 - share
    exact = -(points - share.sqrt() * torch.from_numpy(MEAN)) / variance
    torch.testing.assert_close(model.score_at(points, 100), exact, rtol=0, atol=0.12)


def ring(count=800):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([1.5 * np.cos(angle), 1.5 * np.sin(angle)], 1).astype(np.float32)


def test_draws_flow_from_noise_to_the_codes():
    found = latent_flow(ring(), draws=300, updates=1200)
    radius = np.linalg.norm(found.points, axis=2)
    assert (found.times[0], found.times[-1]) == (200, 0)
    assert abs(found.points[0].mean()) < 0.15 and abs(found.points[0].std() - 1) < 0.1
    assert np.mean(np.abs(radius[-1] - 1.5) < 0.2) > 0.9 > np.mean(np.abs(radius[0] - 1.5) < 0.2)
    np.testing.assert_allclose(found.noised[-1], ring(), atol=1e-6)
    assert (np.diff(found.kept) > 0).all() and found.kept[-1] == 1
    assert np.abs(found.points).max() < 6  # no draw flies away


def test_equal_seeds_give_equal_flows():
    one, two = (latent_flow(ring(), draws=10, updates=20) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_codes_without_a_prior_keep_their_units():
    found = latent_flow(100 + 20 * ring(), has_prior=False, draws=50, updates=1000)
    assert np.abs(found.points.mean((1, 2)) - 100).max() < 12
    assert np.abs(np.linalg.norm(found.points[-1] - 100, axis=1).mean() - 30) < 3


@pytest.mark.parametrize("shape", [(5, 3), (1, 2), (4,)])
def test_other_codes_are_refused(shape):
    with pytest.raises(ValueError, match=r"codes must have shape \(N, 2\) with N at least 2"):
        latent_flow(np.zeros(shape))
