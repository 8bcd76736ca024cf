"""The parts of the rate: known answers, identities, bounds, and the exact ln p(x)."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.capabilities import LIKELIHOODS
from models.config import ModelConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.metrics import information as information_module
from models.metrics.information import information, mutual_information
from models.metrics.likelihood import binarize, elbo, importance_weighted_bound
from models.metrics.quadrature import HOLE, exact_information, exact_log_evidence, plane_grid
from models.objectives.distributions import gaussian_kl, normal_log_prob
from models.storage.checkpoint import read, restore

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


def codes(count, dimensions=2, seed=0, low=0.3, high=0.9):
    """Means spread like the prior and more, standard deviations between two limits."""
    generator = torch.Generator().manual_seed(10_000 + seed)
    mean = 1.2 * torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    share = torch.rand(count, dimensions, generator=generator, dtype=torch.float64)
    return mean, 2 * torch.log(low + (high - low) * share)


def correlated(correlation, count):
    """Codes whose q(z) is N(0, [[1, ρ], [ρ, 1]]): a narrow round posterior slid along one axis.

    Means are the quantiles of a Gaussian, so that q(z) is one but for the last tail.
    """
    narrow = 1 - correlation
    quantiles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    along = torch.special.ndtri(quantiles) * math.sqrt(2 * correlation)
    mean = along[:, None] * math.sqrt(0.5) * torch.ones(2, dtype=torch.float64)
    return mean, torch.full((count, 2), math.log(narrow), dtype=torch.float64)


def mean_rate(mean, log_variance):
    return gaussian_kl(mean.double(), log_variance.double()).sum(1).mean().item()


def values(parts):
    """Every part but the holes, without its error, in nats."""
    kl = [part.mean for part in parts.kl_per_dimension]
    return [
        parts.mutual_information.mean,
        parts.aggregate_kl.mean,
        parts.total_correlation.mean,
        *kl,
    ]


def assert_identities(parts, rate, tolerance):
    """I + KL(q ‖ p) = mean KL, KL(q ‖ p) = TC + Σ KL_j, and nobody leaves its bounds."""
    told, total, together, *kl = values(parts)
    assert told + total == pytest.approx(rate, abs=tolerance)
    assert together + sum(kl) == pytest.approx(total, abs=tolerance)
    assert 0 <= told <= parts.ceiling and told <= rate + tolerance
    assert min(total, together, *kl) >= 0
    assert 0 <= parts.holes.mean <= 1


# --- known answers -------------------------------------------------------------------------------

TWO = torch.tensor([[2.0], [-2.0]]), torch.full((2, 1), 2 * math.log(0.5))


def test_two_codes_exactly():
    """±2 with σ = ½, beside a dimension that is the prior: 2.318147 = .693054 + 1.625094."""
    mean, log_variance = (torch.cat([part, torch.zeros(2, 1)], 1) for part in TWO)
    parts = exact_information(mean, log_variance, plane_grid(mean, log_variance, 0.25))
    assert mean_rate(mean, log_variance) == pytest.approx(2.318147, abs=5e-7)
    assert parts.mutual_information.mean == pytest.approx(0.693054, abs=5e-7)
    assert parts.aggregate_kl.mean == pytest.approx(1.625094, abs=5e-7)
    assert parts.total_correlation.mean == pytest.approx(0.0, abs=1e-9)
    assert values(parts)[3:] == pytest.approx([1.625094, 0.0], abs=5e-7)
    usual = exact_information(mean, log_variance)
    assert values(usual) == pytest.approx(values(parts), abs=1e-6)


def test_two_codes_from_samples():
    parts = information(*TWO, samples=5000)
    assert parts.mutual_information.mean == pytest.approx(0.693054, abs=2e-4)
    assert parts.aggregate_kl.mean == pytest.approx(1.625094, abs=2e-4)
    assert parts.total_correlation.mean == pytest.approx(0.0, abs=1e-12)


def test_total_correlation_of_a_gaussian_exactly():
    """ρ = .8: -½ ln(1 - ρ²) = .510826, and all of KL(q ‖ p), for the marginals are the prior."""
    parts = exact_information(*correlated(0.8, 20_000))
    assert parts.total_correlation.mean == pytest.approx(0.510826, abs=2e-4)
    assert parts.aggregate_kl.mean == pytest.approx(0.510826, abs=2e-4)
    assert values(parts)[3:] == pytest.approx([0.0, 0.0], abs=2e-4)


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


# --- identities and bounds -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_identities_of_the_integrals(seed):
    mean, log_variance = codes(60, seed=seed)
    parts = exact_information(mean, log_variance, plane_grid(mean, log_variance, 0.25))
    assert_identities(parts, mean_rate(mean, log_variance), 1e-7)


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


# --- the grid ------------------------------------------------------------------------------------


def test_the_grid_is_fine_enough_and_wide_enough():
    mean, log_variance = codes(50, low=0.1, high=0.4)
    mean[0, 0] = 11.0
    deviation = torch.exp(0.5 * log_variance)
    grid = plane_grid(mean, log_variance)
    for j, axis in enumerate(grid):
        steps = axis.diff()
        torch.testing.assert_close(steps, steps[:1].expand_as(steps))
        assert steps[0] <= 0.5 * deviation[:, j].median() + 1e-12
        assert axis[0] <= min(-6, (mean - 6 * deviation)[:, j].min())
        assert axis[-1] >= max(6, (mean + 6 * deviation)[:, j].max())
    assert grid.points.shape == (len(grid.x) * len(grid.y), 2)
    assert grid.points[1].tolist() == [grid.x[0], grid.y[1]]
    mass = torch.exp(normal_log_prob(grid.points, 0.0, 0.0).sum(1)).sum() * grid.cell
    assert mass.item() == pytest.approx(1.0, abs=1e-8)


def test_wide_posteriors_do_not_coarsen_the_prior():
    grid = plane_grid(torch.zeros(3, 2), torch.full((3, 2), 4.0))
    assert grid.x.diff().max() <= 0.5 + 1e-12


def test_a_grid_too_large_is_refused():
    sharp = torch.full((5, 2), 2 * math.log(1e-3))
    sentence = (
        r"^the grid must have at most 4,000,000 points, got 24,\d\d\d × 24,\d\d\d: "
        r"the codes are too sharp to be integrated, estimate instead$"
    )
    with pytest.raises(ValueError, match=sentence):
        plane_grid(torch.zeros(5, 2), sharp)
    with pytest.raises(ValueError, match=sentence):
        exact_information(torch.zeros(5, 2), sharp)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_only_planes_are_integrated(dimensions):
    sentence = rf"^codes must have 2 dimensions to be integrated, got {dimensions}$"
    with pytest.raises(ValueError, match=sentence):
        plane_grid(*codes(5, dimensions))


def test_chunks_change_nothing(monkeypatch):
    """A few pairs at a time: the memory is bounded, the numbers are the same."""
    mean, log_variance = codes(70)
    images = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = build_model(ModelConfig(image_shape=(1, 8, 8), hidden=(8,)))

    def measures():
        yield values(exact_information(mean, log_variance))
        yield values(information(mean, log_variance))
        grid = plane_grid(mean, log_variance)
        yield exact_log_evidence(model.log_likelihood_pairs, images, grid).tolist()

    whole = list(measures())
    monkeypatch.setattr(information_module, "PAIRS", 64)
    for found, expected in zip(measures(), whole, strict=True):
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


# --- ln p(x) -------------------------------------------------------------------------------------


def linear_model(sigma, seed=0):
    config = ModelConfig(
        image_shape=(1, 8, 8), hidden=(), likelihood="gaussian", sigma=sigma, latent_dim=2
    )
    return build_model(config, seed).eval()


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_evidence_of_a_linear_gaussian_model(sigma):
    """x = Wz + b + σε, so that p(x) = N(b, WWᵀ + σ²I)."""
    model, images = linear_model(sigma), torch.rand(20, 1, 8, 8)
    weight, bias = (part.detach().double() for part in model.decoder.layers[0].parameters())
    covariance = weight @ weight.T + sigma**2 * torch.eye(64)
    exact = torch.distributions.MultivariateNormal(bias, covariance)
    deviation = torch.linalg.inv(torch.eye(2) + weight.T @ weight / sigma**2).diagonal().sqrt()
    grid = plane_grid(torch.zeros(1, 2), 2 * deviation.log()[None])
    found = exact_log_evidence(model.log_likelihood_pairs, images, grid)
    assert found.tolist() == pytest.approx(exact.log_prob(images.flatten(1)).tolist(), abs=2e-5)


def test_evidence_is_the_prior_mean_of_a_likelihood_that_ignores_z():
    def constant(images, z):
        return images.flatten(1).sum(1, keepdim=True).expand(-1, len(z))

    images, zero = torch.rand(3, 1, 8, 8), torch.zeros(1, 2)
    found = exact_log_evidence(constant, images, plane_grid(zero, zero))
    assert found.tolist() == pytest.approx(images.flatten(1).sum(1).tolist(), rel=1e-6)


def test_evidence_is_above_its_bounds():
    """ln p(x) ≥ importance-weighted bound ≥ ELBO on a trained model, whatever the grid's step."""
    model = restore(read(CHECKPOINTS / "digits-2d-beta-1.safetensors"))
    images = binarize(torch.tensor(load_digits("test").images))
    with torch.no_grad():
        mean, log_variance = model.encode(images)
    coarse, fine = (
        exact_log_evidence(
            model.log_likelihood_pairs, images, plane_grid(mean, log_variance, step)
        ).mean()
        for step in (0.75, 0.4)
    )
    terms = elbo(model, images)
    bounds = [-(terms.distortion + terms.rate.sum(1)).mean().item()]
    bounds += [importance_weighted_bound(model, images, k).mean().item() for k in (10, 200)]
    assert [*bounds, coarse.item()] == sorted([*bounds, coarse.item()])
    assert coarse.item() - bounds[0] > 1.0, "a real gap"
    assert coarse.item() == pytest.approx(fine.item(), abs=3e-3)


KINDS = [("mlp", (6,), (1, 8, 8)), ("mlp", (), (1, 8, 8)), ("conv", (4,), (3, 9, 8))]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize(("network", "hidden", "shape"), KINDS)
def test_pairs_are_the_likelihood_of_every_image_under_every_code(
    likelihood, network, hidden, shape
):
    config = ModelConfig(
        network=network, hidden=hidden, image_shape=shape, likelihood=likelihood, sigma=0.02
    )
    model = build_model(config).eval()
    images, z = torch.rand(3, *shape), torch.randn(5, 2)
    with torch.no_grad():
        pairs = model.log_likelihood_pairs(images, z)
        assert pairs.shape == (3, 5)
        for row, image in zip(pairs, images, strict=True):
            expected = model.log_likelihood(image.expand(5, *shape), z)
            torch.testing.assert_close(row, expected, rtol=1e-5, atol=1e-3)
