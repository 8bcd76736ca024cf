"""Bounds for the model behind N codes: the truth is inside, and they are as narrow as N allows."""

import math

import pytest
import torch

from models.metrics.population import population_information


def gaussian_population(count, dimensions, sigma, shift=0.0, spread=None, seed=0):
    """Codes of posteriors N(μ, σ²) with μ ~ N(shift, spread²): q(z) is N(shift, spread² + σ²).

    Without a spread, q(z) is as wide as the prior.
    """
    spread = math.sqrt(1 - sigma**2) if spread is None else spread
    generator = torch.Generator().manual_seed(seed)
    mean = shift + spread * torch.randn(count, dimensions, generator=generator)
    width = spread**2 + sigma**2
    information = 0.5 * dimensions * math.log(width / sigma**2)
    divergence = 0.5 * dimensions * (width + shift**2 - 1 - math.log(width))
    return mean, torch.full_like(mean, 2 * math.log(sigma)), information, divergence


def assert_inside(bounds, truth):
    assert bounds.low <= truth + 1e-9 and truth <= bounds.high + 1e-9, (bounds, truth)


def test_a_population_that_is_the_prior_is_not_said_to_differ_from_it():
    """20 latents, σ = ½, 10 000 codes: I of the codes is 9.08 where it is 13.86."""
    mean, log_variance, told, _ = gaussian_population(10_000, 20, 0.5)
    found = population_information(mean, log_variance)
    assert_inside(found.mutual_information, told)
    for part in ("aggregate_kl", "total_correlation", "marginal_kl", "holes"):
        assert getattr(found, part).low == 0.0, part
    assert found.mutual_information.low < math.log(10_000) < found.mutual_information.high


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_a_population_far_from_the_prior_is_said_to_be_far(sigma):
    mean, log_variance, told, divergence = gaussian_population(3000, 20, sigma, 3.0)
    found = population_information(mean, log_variance)
    assert_inside(found.mutual_information, told)
    assert_inside(found.aggregate_kl, divergence)
    assert found.aggregate_kl.low > 0.95 * divergence
    assert_inside(found.marginal_kl, divergence)
    assert_inside(found.total_correlation, 0.0)
    assert found.holes.low > 0.95, "the prior lies where no code is"


@pytest.mark.parametrize("spread", [0.3, 0.9, 2.0])
@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_the_truth_is_inside_and_few_dimensions_are_known_well(dimensions, spread):
    mean, log_variance, told, divergence = gaussian_population(3000, dimensions, 0.3, 0.5, spread)
    found = population_information(mean, log_variance)
    assert_inside(found.mutual_information, told)
    assert_inside(found.aggregate_kl, divergence)
    assert_inside(found.total_correlation, 0.0)
    assert_inside(found.marginal_kl, divergence)
    if dimensions < 3:
        assert found.mutual_information.high - found.mutual_information.low < 0.2


def test_correlated_latents_have_a_total_correlation_above_zero():
    """z₂ = z₁ but for the posterior's noise: ρ = .9, TC = −½ ln(1 − ρ²)."""
    generator = torch.Generator().manual_seed(0)
    mean = math.sqrt(0.9) * torch.randn(5000, 1, generator=generator).expand(-1, 2)
    found = population_information(mean, torch.full_like(mean, math.log(0.1)))
    truth = -0.5 * math.log(1 - 0.9**2)
    assert_inside(found.total_correlation, truth)
    assert found.total_correlation.low > 0.8 * truth


def test_the_bounds_move_in_with_more_codes():
    width = []
    for count in (100, 500, 4000):
        mean, log_variance, told, _ = gaussian_population(count, 2, 0.05)
        bounds = population_information(mean, log_variance).mutual_information
        assert_inside(bounds, told)
        width.append(bounds.high - bounds.low)
    assert width == sorted(width, reverse=True)


def test_holes_of_a_known_population():
    """q(z) = N(0, ½² I) in a plane: below p/10 where r² > 2 ln(4 · 10) / 3, mass exp(−r²/2)."""
    mean, log_variance, _, _ = gaussian_population(5000, 2, 0.3, spread=0.4)
    truth = math.exp(-math.log(40) / 3)
    found = population_information(mean, log_variance).holes
    assert_inside(found, truth)
    assert found.low > 0.02


def test_an_outlier_does_not_undo_the_bounds():
    mean, log_variance, _, _ = gaussian_population(2000, 2, 0.3)
    usual = population_information(mean, log_variance).mutual_information
    mean[0] = 12.0
    moved = population_information(mean, log_variance).mutual_information
    assert moved.high - moved.low < usual.high - usual.low + 0.3


def test_equal_codes_and_few_codes():
    zero = torch.zeros(100, 3)
    found = population_information(zero, zero)
    for bounds in found:
        assert (bounds.low, bounds.high) == pytest.approx((0.0, 0.0), abs=1e-9)
    with pytest.raises(ValueError, match=r"^codes must be at least 20, got 19$"):
        population_information(zero[:19], zero[:19])


def test_the_seed_repeats_the_bounds():
    mean, log_variance, _, _ = gaussian_population(200, 3, 0.4)
    one, two, other = (population_information(mean, log_variance, seed) for seed in (1, 1, 2))
    assert one == two != other
