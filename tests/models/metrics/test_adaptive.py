"""Adaptive integrals over the plane: known answers, their own error, what is left out, the cost."""

import math

import numpy as np
import pytest
import torch

from models.metrics import adaptive
from models.metrics.adaptive import graded_tiles, log_integral
from models.objectives.distributions import normal_log_prob


def normals(mean, log_variance):
    """ln of B normalised Gaussians: their integrals are 1."""
    return lambda z: normal_log_prob(z, mean[:, None], log_variance[:, None]).sum(2)


def random_codes(count, low, high, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mean = 1.5 * torch.randn(count, 2, generator=generator, dtype=torch.float64)
    share = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    return mean, 2 * (math.log(low) + (math.log(high) - math.log(low)) * share)


@pytest.mark.parametrize(("low", "high"), [(0.003, 0.3), (0.2, 0.4), (0.9, 1.1)])
def test_gaussians_integrate_to_one_within_the_error_that_is_claimed(low, high):
    mean, log_variance = random_codes(15, low, high)
    found = log_integral(normals(mean, log_variance), graded_tiles(mean, log_variance), 15)
    assert (found.log_value.abs() <= found.error + 1e-9).all()
    assert found.error.max() < 3 * adaptive.TOLERANCE


@pytest.mark.parametrize("factor", [0.2, 0.5, 2.0, 5.0])
def test_what_is_sharper_or_wider_than_the_codes_say_is_refined(factor):
    """The encoder's σ only says where to begin."""
    mean, log_variance = random_codes(15, 0.05, 0.3, seed=1)
    truth = log_variance + 2 * math.log(factor)
    inside = mean.clamp(-2, 2)  # a wide one must not leave the plane
    found = log_integral(normals(inside, truth), graded_tiles(inside, log_variance), 15)
    assert found.log_value.abs().max() < 1e-3


def test_two_separate_modes_are_both_found():
    """Half of the mass lies where no code is."""
    mean, log_variance = torch.tensor([[1.0, -1.0]]), torch.full((1, 2), 2 * math.log(0.1))
    centres = torch.tensor([[1.0, -1.0], [-2.0, 2.5]], dtype=torch.float64)
    parts = normals(centres, log_variance.double().expand(2, 2))
    found = log_integral(
        lambda z: parts(z).logsumexp(0, keepdim=True) - math.log(2),
        graded_tiles(mean, log_variance),
    )
    assert found.log_value.item() == pytest.approx(0.0, abs=1e-3)
    assert (found.low[0] < torch.tensor([-2.2, -1.2])).all()
    assert (found.high[0] > torch.tensor([1.2, 2.7])).all()


def test_the_rectangle_holds_the_mass_and_little_else():
    mean, log_variance = random_codes(20, 0.01, 0.3, seed=2)
    found = log_integral(normals(mean, log_variance), graded_tiles(mean, log_variance), 20)
    deviation = torch.exp(0.5 * log_variance)
    assert (found.low <= mean - 3.5 * deviation).all()
    assert (found.high >= mean + 3.5 * deviation).all()
    assert (found.high - found.low <= 20 * deviation.amax(1, keepdim=True)).all()


def test_a_scale_in_nats_changes_nothing():
    """−700 or +700 nats: sums of exponentials neither vanish nor overflow."""
    mean, log_variance = random_codes(3, 0.1, 0.3)
    density, tiles = normals(mean, log_variance), graded_tiles(mean, log_variance)
    usual = log_integral(density, tiles, 3).log_value
    for shift in (-1e4, 1e4):
        moved = log_integral(lambda z, shift=shift: density(z) + shift, tiles, 3)
        assert moved.log_value - shift == pytest.approx(usual, abs=1e-7)


def test_the_plane_is_seen_once_and_closely_only_where_the_mass_is():
    """Narrow codes: a small part of the points that a grid of that step would need."""
    mean, log_variance = random_codes(10, 0.004, 0.006)
    seen = []

    def density(z):
        seen.append(z)
        return normals(mean, log_variance)(z)

    log_integral(density, graded_tiles(mean, log_variance), 10)
    points = torch.cat(seen)
    assert len(torch.unique(points, dim=0)) == len(points), "no point twice"
    assert len(points) < 0.02 * (12 / (0.5 * 0.005)) ** 2


def test_tiles_cover_the_plane_without_overlap():
    mean, log_variance = random_codes(30, 0.01, 0.5)
    tiles = graded_tiles(mean, log_variance)
    low, high = tiles.corner.amin(0), (tiles.corner + tiles.width).amax(0)
    assert (low <= -6).all() and (high >= 6).all()
    assert tiles.width.prod(1).sum().item() == pytest.approx((high - low).prod().item())
    deviation = torch.exp(0.5 * log_variance)
    for m, s in zip(mean, deviation, strict=True):
        (at,) = torch.nonzero(((tiles.corner <= m) & (m < tiles.corner + tiles.width)).all(1))
        assert (tiles.width[at] <= adaptive.WIDTH * s).all()


def test_chunks_and_a_limit_of_points(monkeypatch):
    mean, log_variance = random_codes(5, 0.05, 0.2)
    density, tiles = normals(mean, log_variance), graded_tiles(mean, log_variance)
    whole = log_integral(density, tiles, 5)
    monkeypatch.setattr(adaptive, "NUMBERS_AT_ONCE", 1024)
    parts = log_integral(density, tiles, 5)
    assert parts.log_value == pytest.approx(whole.log_value, abs=1e-12)
    monkeypatch.setattr(adaptive, "MAX_POINTS", adaptive.NODES**2 * len(tiles.corner) + 100)
    stopped = log_integral(density, tiles, 5)
    assert stopped.error.min() > 0.9, "what was not halved is not vouched for"


def test_codes_that_are_too_sharp_are_refused(monkeypatch):
    monkeypatch.setattr(adaptive, "MAX_POINTS", 50_000)
    sentence = (
        r"^the plane must need at most 3,125 tiles, got more: the codes are too sharp to be "
        r"integrated, estimate instead$"
    )
    with pytest.raises(ValueError, match=sentence):
        graded_tiles(torch.rand(20, 2), torch.full((20, 2), 2 * math.log(1e-12)))


@pytest.mark.parametrize("dimensions", [1, 3])
def test_only_planes_are_integrated(dimensions):
    sentence = rf"^codes must have 2 dimensions to be integrated, got {dimensions}$"
    with pytest.raises(ValueError, match=sentence):
        graded_tiles(torch.zeros(5, dimensions), torch.zeros(5, dimensions))


def test_the_nodes_are_those_of_gauss():
    places, weights = adaptive._nodes()
    for power in range(2 * adaptive.NODES):
        mean = (weights.exp() * places[:, 0] ** power).sum().item()
        assert mean == pytest.approx(1 / (power + 1), rel=1e-12)
    assert np.isclose(weights.exp().sum().item(), 1.0)
