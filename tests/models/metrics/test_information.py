"""The parts of the rate, estimated: known answers, identities, bounds, and the integrals."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import information as information_module
from models.metrics.information import information, mutual_information
from models.metrics.quadrature import HOLE, exact_information, plane_grid
from tests.helpers.latent_codes import assert_identities, codes, correlated, mean_rate, values

# --- known answers -------------------------------------------------------------------------------

TWO = torch.tensor([[2.0], [-2.0]]), torch.full((2, 1), 2 * math.log(0.5))


def test_two_codes_from_samples():
    parts = information(*TWO, samples=5000)
    assert parts.mutual_information.mean == pytest.approx(0.693054, abs=2e-4)
    assert parts.aggregate_kl.mean == pytest.approx(1.625094, abs=2e-4)
    assert parts.total_correlation.mean == pytest.approx(0.0, abs=1e-12)


def test_total_correlation_of_a_gaussian_from_samples():
    parts = information(*correlated(0.8, 3000))
    together = parts.total_correlation
    assert abs(together.mean - 0.510826) < 4 * together.standard_error < 0.08


@pytest.mark.parametrize("measure", [information, exact_information])
def test_codes_that_are_the_prior_hold_nothing(measure):
    parts = measure(torch.zeros(50, 2), torch.zeros(50, 2))
    assert values(parts) == pytest.approx([0.0] * 5, abs=1e-12)
    assert parts.holes.mean == 0


@pytest.mark.parametrize("measure", [information, exact_information])
def test_codes_far_apart_tell_everything(measure):
    corner = torch.tensor([-9.0, -3.0, 3.0, 9.0])
    mean = torch.cartesian_prod(corner, corner)
    parts = measure(mean, torch.full((16, 2), 2 * math.log(0.3)))
    assert parts.mutual_information.mean == pytest.approx(math.log(16), abs=1e-7)
    assert parts.ceiling == math.log(16)
    assert parts.total_correlation.mean == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("measure", [information, exact_information])
def test_equal_codes_tell_nothing_wherever_they_are(measure):
    mean = torch.tensor([[1.0, -2.0]]).repeat(40, 1)
    parts = measure(mean, torch.full((40, 2), -2.0))
    assert parts.mutual_information.mean == pytest.approx(0.0, abs=1e-9)
    assert parts.aggregate_kl.mean == pytest.approx(mean_rate(mean, torch.full((40, 2), -2.0)))


def test_a_latent_repeated_is_all_correlation():
    """z₂ ≈ z₁ in every code: TC is then nearly the I of either."""
    mean, log_variance = codes(300, 1, low=0.1, high=0.2)
    once = exact_information(torch.cat([mean, 0 * mean], 1), torch.cat([log_variance, 0 * mean], 1))
    twice = exact_information(mean.repeat(1, 2), log_variance.repeat(1, 2))
    assert once.total_correlation.mean == pytest.approx(0.0, abs=1e-9)
    assert twice.total_correlation.mean > 1.0
    assert values(twice)[3] == pytest.approx(values(twice)[4], rel=1e-9)
    assert twice.mutual_information.mean > once.mutual_information.mean


def test_holes_of_one_sharp_code():
    """q(z) < p(z)/10 outside a circle: r² > 2 ln(10/σ²) / (1/σ² - 1), mass exp(-r²/2)."""
    variance = 0.3**2
    radius = 2 * math.log(1 / (HOLE * variance)) / (1 / variance - 1)
    zero = torch.zeros(3, 2)
    sharp = torch.full((3, 2), math.log(variance))
    exact = exact_information(zero, sharp, plane_grid(zero, sharp, 0.05)).holes.mean
    assert exact == pytest.approx(math.exp(-radius / 2), abs=2e-3)
    share, error = information(zero, sharp, samples=3000).holes
    assert abs(share - math.exp(-radius / 2)) < 4 * error < 0.03


@given(st.integers(3, 40), st.integers(1, 5), st.integers(0, 99), st.sampled_from([0.01, 0.5, 1.2]))
def test_identities_of_the_estimates(count, dimensions, seed, low):
    mean, log_variance = codes(count, dimensions, seed, low, low + 0.01)
    parts = information(mean.float(), log_variance.float(), seed=seed)
    assert_identities(parts, mean_rate(mean.float(), log_variance.float()), 1e-9)


@given(st.integers(3, 12), st.integers(0, 99), st.floats(-20, 4), st.floats(0, 300))
def test_bounds_hold_for_the_wildest_codes(count, seed, log_variance, spread):
    mean = spread * codes(count, 3, seed)[0]
    log_variance = torch.full_like(mean, log_variance)
    parts = information(mean, log_variance, seed=seed)
    rate = mean_rate(mean, log_variance)
    assert_identities(parts, rate, 1e-9 * max(1.0, rate))


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.1), (0.3, 0.9), (0.8, 1.1)])
def test_samples_agree_with_integrals(low, high):
    mean, log_variance = codes(1500, low=low, high=high)
    exact, found = exact_information(mean, log_variance), information(mean, log_variance, seed=3)
    pairs = list(zip(found[:3], exact[:3], strict=True))
    pairs += list(zip(found.kl_per_dimension, exact.kl_per_dimension, strict=True))
    for estimate, truth in pairs:
        assert abs(estimate.mean - truth.mean) < 4 * estimate.standard_error < 0.3
    assert abs(found.holes.mean - exact.holes.mean) < 4 * found.holes.standard_error + 5e-3


def test_standard_errors_are_of_the_right_size():
    """Over many seeds the estimates scatter by no more than they say, and not by much less."""
    mean, log_variance = codes(200)
    runs = [information(mean, log_variance, seed=seed) for seed in range(60)]
    for part in ("mutual_information", "aggregate_kl", "total_correlation"):
        found = torch.tensor([list(getattr(run, part)) for run in runs], dtype=torch.float64)
        scatter, claimed = found[:, 0].std().item(), found[:, 1].mean().item()
        assert 0.3 * claimed < scatter < 1.2 * claimed, part


def test_more_samples_shrink_the_error():
    one, many = (information(*codes(200), samples=samples) for samples in (1, 25))
    ratio = one.mutual_information.standard_error / many.mutual_information.standard_error
    assert ratio == pytest.approx(5, rel=0.2)


def test_the_seed_repeats_the_estimate():
    one, two, other = (information(*codes(50), seed=seed) for seed in (1, 1, 2))
    assert one == two != other
    assert mutual_information(*codes(50), seed=1) == one.mutual_information


def test_mutual_information_against_its_definition():
    """One draw each, ln q(z) by torch's mixture: the mean of ln q(z|x) - ln q(z)."""
    mean, log_variance = codes(30, 4)
    normal = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    posterior = torch.distributions.Independent(normal, 1)
    weights = torch.distributions.Categorical(torch.ones(30))
    aggregate = torch.distributions.MixtureSameFamily(weights, posterior)
    torch.manual_seed(0)
    z = posterior.sample((4000,))
    found = (posterior.log_prob(z) - aggregate.log_prob(z)).flatten()
    error = found.std().item() / math.sqrt(len(found))
    told = mutual_information(mean, log_variance, samples=4000)
    assert abs(told.mean - found.mean().item()) < 4 * (error + told.standard_error) < 0.05


def test_codes_in_any_order_and_twice_are_the_same_mixture():
    mean, log_variance = codes(40)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0)).repeat(2)
    once = exact_information(mean, log_variance)
    again = exact_information(mean[order], log_variance[order])
    assert values(again) == pytest.approx(values(once), abs=1e-9)
    swapped = exact_information(mean.flip(1), log_variance.flip(1))
    assert values(swapped)[:3] == pytest.approx(values(once)[:3], abs=1e-6)
    assert values(swapped)[3:] == pytest.approx(values(once)[:2:-1], abs=1e-6)


def test_two_draws_are_too_few():
    with pytest.raises(ValueError, match=r"^codes times samples must be at least 3, got 2$"):
        information(*TWO)
    with pytest.raises(ValueError, match=r"^codes times samples must be at least 3, got 2$"):
        mutual_information(*TWO)


def test_chunks_change_nothing(monkeypatch):
    """A few pairs at a time: the memory is bounded, the numbers are the same."""
    whole = values(information(*codes(70)))
    monkeypatch.setattr(information_module, "PAIRS", 64)
    assert values(information(*codes(70))) == pytest.approx(whole, rel=1e-6, abs=1e-9)
