"""Integrals over the plane of codes: known answers, the grid, and the exact ln p(x)."""

import math

import pytest
import torch

from models.config import ModelConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.metrics import adaptive, quadrature
from models.metrics.information import HOLE
from models.metrics.likelihood import binarize, elbo, importance_weighted_bound
from models.metrics.quadrature import exact_information, exact_log_evidence, plane_grid
from models.objectives.distributions import normal_log_prob
from models.storage.checkpoint import read, restore
from tests.helpers.latent_codes import assert_identities, codes, correlated, mean_rate, values
from tests.helpers.paths import ROOT

CHECKPOINTS = ROOT / "checkpoints"


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


def test_total_correlation_of_a_gaussian_exactly():
    """ρ = .8: -½ ln(1 - ρ²) = .510826, and all of KL(q ‖ p), for the marginals are the prior."""
    parts = exact_information(*correlated(0.8, 20_000))
    assert parts.total_correlation.mean == pytest.approx(0.510826, abs=2e-4)
    assert parts.aggregate_kl.mean == pytest.approx(0.510826, abs=2e-4)
    assert values(parts)[3:] == pytest.approx([0.0, 0.0], abs=2e-4)


# --- identities and bounds -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_identities_of_the_integrals(seed):
    mean, log_variance = codes(60, seed=seed)
    parts = exact_information(mean, log_variance, plane_grid(mean, log_variance, 0.25))
    assert_identities(parts, mean_rate(mean, log_variance), 1e-7)


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
    axes = [torch.exp(normal_log_prob(axis, 0.0, 0.0)).sum() for axis in grid]
    mass = axes[0] * axes[1] * grid.cell
    assert mass.item() == pytest.approx(1.0, abs=1e-8)


def test_wide_posteriors_do_not_coarsen_the_prior():
    grid = plane_grid(torch.zeros(3, 2), torch.full((3, 2), 4.0))
    assert grid.x.diff().max() <= 0.5 + 1e-12


def test_a_grid_too_large_is_refused():
    sharp = torch.full((5, 2), 2 * math.log(1e-3))
    plane_grid(torch.zeros(5, 2), sharp, 10.0)
    sentence = (
        r"^the grid must have at most 4,000,000 points, got 24,\d\d\d × 24,\d\d\d: "
        r"the codes are too sharp to be integrated, estimate instead$"
    )
    with pytest.raises(ValueError, match=sentence):
        plane_grid(torch.zeros(5, 2), sharp)
    with pytest.raises(ValueError, match=r"are too sharp to be integrated, estimate instead$"):
        exact_information(torch.zeros(5, 2), sharp)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_only_planes_are_integrated(dimensions):
    sentence = rf"^codes must have 2 dimensions to be integrated, got {dimensions}$"
    with pytest.raises(ValueError, match=sentence):
        plane_grid(*codes(5, dimensions))


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
    codes = torch.zeros(20, 2), 2 * deviation.log().repeat(20, 1)
    found = exact_log_evidence(model.log_likelihood_pairs, images, *codes)
    truth = exact.log_prob(images.flatten(1))
    assert ((found.log_value - truth).abs() < found.error + 2e-5).all()
    assert found.error.max() < 2e-3


def test_evidence_is_the_prior_mean_of_a_likelihood_that_ignores_z():
    def constant(images, z):
        return images.flatten(1).sum(1, keepdim=True).expand(-1, len(z))

    images, zero = torch.rand(3, 1, 8, 8), torch.zeros(3, 2)
    found = exact_log_evidence(constant, images, zero, zero).log_value
    assert found.tolist() == pytest.approx(images.flatten(1).sum(1).tolist(), abs=1e-3)


@pytest.fixture(scope="module")
def digits_model():
    return restore(read(CHECKPOINTS / "digits-2d-beta-1.safetensors"))


def integrate(model, images):
    with torch.no_grad():
        return exact_log_evidence(model.log_likelihood_pairs, images, *model.encode(images))


def fine_grid(model, images, step):
    """ln p(x) by a plain sum over the whole plane."""
    axis = torch.arange(-6.0, 6.0, step, dtype=torch.float64)
    total = torch.full((len(images),), -torch.inf, dtype=torch.float64)
    with torch.no_grad():
        for points in torch.cartesian_prod(axis, axis).split(8192):
            joint = model.log_likelihood_pairs(images, points.float()).double()
            joint += normal_log_prob(points, 0.0, 0.0).sum(1) + 2 * math.log(step)
            total = torch.logaddexp(total, joint.logsumexp(1))
    return total


def test_evidence_of_single_images_is_as_exact_as_it_says(digits_model):
    """A plain grid of step .03, a seventh of the posteriors' σ; .75 σ was up to .04 nats off."""
    images = binarize(torch.tensor(load_digits("test").images))
    found = integrate(digits_model, images)
    assert found.error.max() < 2e-3
    some = torch.cat([images[:50], images[150:200]])
    value = torch.cat([found.log_value[:50], found.log_value[150:200]])
    assert (value - fine_grid(digits_model, some, 0.03)).abs().max() < 1e-3


def test_a_bound_stays_below_ln_p(digits_model):
    """Digit 187, binarised by itself: −26.429, where a bound of −26.425 was above “−26.48”."""
    image = binarize(torch.tensor(load_digits("test").images[187:188]))
    found = integrate(digits_model, image)
    assert found.log_value.item() == pytest.approx(-26.429, abs=1e-3)
    bound = importance_weighted_bound(digits_model, image.expand(100, -1, -1, -1), 2000).double()
    assert bound.mean() < found.log_value.item() + 3 * bound.std() / 10


def test_evidence_is_above_its_bounds(digits_model):
    """ln p(x) ≥ importance-weighted bound ≥ ELBO on a trained model."""
    images = binarize(torch.tensor(load_digits("test").images))
    exact = integrate(digits_model, images).log_value.mean().item()
    terms = elbo(digits_model, images)
    bounds = [-(terms.distortion + terms.rate.sum(1)).mean().item()]
    bounds += [importance_weighted_bound(digits_model, images, k).mean().item() for k in (10, 200)]
    assert [*bounds, exact] == sorted([*bounds, exact])
    assert exact - bounds[0] > 1.0, "a real gap"


# --- refined until nothing changes ---------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.1), (0.3, 0.9), (0.05, 1.0)])
def test_information_is_as_exact_as_it_says(low, high):
    """Against a grid of a seventh of the median σ."""
    mean, log_variance = codes(200, low=low, high=high)
    found = exact_information(mean, log_variance)
    fine = exact_information(mean, log_variance, plane_grid(mean, log_variance, 0.15))
    for one, truth in zip([*found[:3], *found[3]], [*fine[:3], *fine[3]], strict=True):
        assert abs(one.mean - truth.mean) <= one.standard_error + 2e-5
        assert one.standard_error < 2 * quadrature.HALVED
    assert abs(found.holes.mean - fine.holes.mean) < 2e-3


def test_holes_of_a_coarse_grid_are_those_of_a_fine_one():
    """q(z) < p(z)/10 outside a circle: its area is known, however few cells the circle crosses."""
    sigma = 0.5
    radius = 2 * math.log(1 / (HOLE * sigma**2)) / (1 / sigma**2 - 1)
    mean, log_variance = torch.zeros(3, 2), torch.full((3, 2), 2 * math.log(sigma))
    for step in (0.5, 0.25, 0.125):
        grid = plane_grid(mean, log_variance, step)
        found = exact_information(mean, log_variance, grid).holes.mean
        assert found == pytest.approx(math.exp(-radius / 2), abs=0.02 * step**2 + 1e-4)


def test_chunks_change_nothing(monkeypatch):
    """A few numbers at a time: the memory is bounded, the values are the same."""
    mean, log_variance = codes(70)
    images = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = build_model(ModelConfig(image_shape=(1, 8, 8), hidden=(8,)))

    def measures():
        yield values(exact_information(mean, log_variance))
        yield exact_log_evidence(
            model.log_likelihood_pairs, images, mean[:7], log_variance[:7]
        ).log_value.tolist()

    whole = list(measures())
    monkeypatch.setattr(quadrature, "NUMBERS_AT_ONCE", 1024)
    monkeypatch.setattr(adaptive, "NUMBERS_AT_ONCE", 1024)
    for found, expected in zip(measures(), whole, strict=True):
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
