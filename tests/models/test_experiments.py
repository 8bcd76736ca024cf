"""The little experiments: samples agree with closed forms, and these with integrals."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from models.metrics.likelihood import importance_weighted_bound
from models.theory.bounds import bound_ladder
from models.theory.divergences import kl_both_ways, sampled_kl
from models.theory.gradient_estimators import (
    ESTIMATORS,
    PARAMETERS,
    averages,
    gradient_samples,
    gradient_study,
    gradient_variances,
    loss_gradient,
)
from tests.helpers.sentences import assert_sentence

means = st.floats(-4, 4)
deviations = st.floats(0.1, 4)


def double(*values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def gaussian_moment(function):
    """E[f(ε)] of a standard normal, by quadrature: exact for polynomials."""
    grid = torch.linspace(-14, 14, 20_001, dtype=torch.float64)
    density = Normal(0.0, 1.0).log_prob(grid).exp()
    return (function(grid) * density).sum(-1).item() * (28 / 20_000)


# --- KL, both ways -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "deviation", "forward", "reverse"),
    [
        (0.0, 1.0, 0.0, 0.0),
        (1.0, 1.0, 0.5, 0.5),
        (0.0, 2.0, 0.806853, 0.318147),
        (2.0, 0.5, 2.318147, 8.806853),
    ],
)
def test_known_divergences(mean, deviation, forward, reverse):
    found = kl_both_ways(*double(mean, deviation))
    assert [value.item() for value in found] == pytest.approx([forward, reverse], abs=1e-6)


@given(means, deviations)
def test_both_divergences_are_those_of_torch(mean, deviation):
    q, p = Normal(*double(mean, deviation)), Normal(*double(0.0, 1.0))
    expected = [kl_divergence(q, p).item(), kl_divergence(p, q).item()]
    found = kl_both_ways(*double(mean, deviation))
    assert [value.item() for value in found] == pytest.approx(expected, abs=1e-12)
    assert min(found) >= 0


def test_divergences_stay_exact_near_the_prior_in_single_precision():
    """ln σ² = 2δ gives δ² both ways; the naive forms lose it among ones."""
    deviation = torch.exp(torch.tensor(1e-3))
    for value in kl_both_ways(torch.tensor(0.0), deviation):
        assert value.item() == pytest.approx(1e-6, rel=2e-2)


@pytest.mark.parametrize(("mean", "deviation"), [(1.0, 0.5), (0.0, 2.0), (-2.0, 1.0), (0.5, 0.8)])
def test_sampled_divergences_agree_within_their_errors(mean, deviation):
    count = 40_000
    exact = kl_both_ways(*double(mean, deviation))
    for truth, found in zip(exact, sampled_kl(mean, deviation, count), strict=True):
        assert abs(found.mean - truth.item()) < 4 * found.standard_error
    forward, reverse = sampled_kl(mean, deviation, count)
    variance = mean**2 * deviation**2 + 0.5 * (deviation**2 - 1) ** 2
    assert forward.standard_error == pytest.approx(math.sqrt(variance / count), rel=0.03)
    mirrored, shifted = deviation**-2, mean / deviation**2
    variance = shifted**2 + 0.5 * (mirrored - 1) ** 2
    assert reverse.standard_error == pytest.approx(math.sqrt(variance / count), rel=0.03)


def test_a_seed_repeats_and_another_differs():
    assert sampled_kl(1.0, 0.5, 10, seed=3) == sampled_kl(1.0, 0.5, 10, seed=3)
    assert sampled_kl(1.0, 0.5, 10, seed=3) != sampled_kl(1.0, 0.5, 10, seed=4)


def test_one_sample_has_no_error():
    with pytest.raises(ValueError, match=r"^samples must be at least 2, got 1$") as caught:
        sampled_kl(0.0, 1.0, 1)
    assert_sentence(str(caught.value))


# --- two gradients -------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_single_estimates_are_those_of_automatic_differentiation(parameter):
    noise = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mean, deviation, target = 0.7, 1.3, -0.4
    found = gradient_samples(noise, mean, deviation, target, parameter)
    theta = dict(zip(PARAMETERS, double([mean] * 50, [deviation] * 50), strict=True))
    by = theta[parameter].requires_grad_()
    z = theta["mean"] + theta["deviation"] * noise
    (moved,) = torch.autograd.grad((z - target).square().sum(), by)
    assert torch.allclose(found["reparameterised"], moved)
    z = z.detach()
    log_q = Normal(theta["mean"], theta["deviation"]).log_prob(z).sum()
    (score,) = torch.autograd.grad(log_q, by)
    assert torch.allclose(found["score function"], (z - target).square() * score)
    expected = (mean - target) ** 2 + deviation**2
    baseline = ((z - target).square() - expected) * score
    assert torch.allclose(found["score function with baseline"], baseline)


@given(means, deviations, means, st.sampled_from(PARAMETERS), st.sampled_from(ESTIMATORS))
def test_no_estimator_is_biased_and_variances_are_the_closed_ones(m, s, target, by, name):
    """By quadrature: what a sample's mean and variance tend to, without any sample."""
    truth = loss_gradient(m, s, target)[by]
    variance = gradient_variances(m, s, target, by)[name]
    mean = gaussian_moment(lambda e: gradient_samples(e, m, s, target, by)[name])
    square = gaussian_moment(lambda e: gradient_samples(e, m, s, target, by)[name].square())
    assert mean == pytest.approx(truth, abs=1e-8 * (1 + variance))
    assert square - mean**2 == pytest.approx(variance, rel=1e-8)


@given(means, deviations, means)
def test_the_loss_gradient_is_the_slope_of_its_closed_form(mean, deviation, target):
    theta = torch.tensor([mean, deviation], dtype=torch.float64, requires_grad=True)
    ((theta[0] - target) ** 2 + theta[1] ** 2).backward()
    assert list(loss_gradient(mean, deviation, target).values()) == theta.grad.tolist()


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_study_measures_the_closed_forms(parameter):
    counts, repeats = [1, 4, 64], 4000
    study = gradient_study(1.0, 0.5, 2.0, parameter, counts, repeats)
    truth = loss_gradient(1.0, 0.5, 2.0)[parameter]
    for name, variance in gradient_variances(1.0, 0.5, 2.0, parameter).items():
        found = study[name]
        assert found.counts == counts
        for count, mean, measured in zip(counts, found.mean, found.variance, strict=True):
            assert abs(mean.mean - truth) < 4.5 * mean.standard_error
            assert mean.standard_error == pytest.approx(math.sqrt(measured / repeats))
            assert measured == pytest.approx(variance / count, rel=0.3)


def test_averages_of_a_table():
    found = averages(torch.tensor([[1.0, 3.0], [5.0, 7.0], [9.0, 11.0]]), [1, 2])
    assert [value.mean for value in found.mean] == [5.0, 6.0]
    assert found.variance == [16.0, 16.0], "rows of equal steps: no sample is independent here"


@pytest.mark.parametrize("counts", [[0], [3], [1, 3]])
def test_counts_must_fit_the_estimates(counts):
    with pytest.raises(ValueError, match="counts must be 1 to 2 and repeats") as caught:
        averages(torch.zeros(4, 2), counts)
    assert_sentence(str(caught.value))


def test_one_repeat_has_no_spread():
    with pytest.raises(ValueError, match=r"repeats at least 2, got .1. and 1$"):
        averages(torch.zeros(1, 2), [1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: gradient_samples(torch.zeros(1), 0.0, 1.0, 0.0, "variance"),
        lambda: gradient_variances(0.0, 1.0, 0.0, "variance"),
    ],
)
def test_an_unknown_parameter_is_named(call):
    with pytest.raises(ValueError, match="must be one of mean, deviation, got 'variance'"):
        call()


# --- one sample against many ---------------------------------------------------------------------


def weights(model, x, count):
    """ln w of one image under a model of the conftest."""
    images = torch.full((count, 1, 1, 1), x)
    return importance_weighted_bound(model, images, samples=1)


def test_an_exact_posterior_needs_one_sample(exact_posterior):
    for rung in bound_ladder(weights(exact_posterior, 1.0, 400), [1, 2, 50]):
        assert rung.elbo.mean == pytest.approx(-1.515512, abs=1e-5)
        assert rung.bound.mean == pytest.approx(-1.515512, abs=1e-5)
        assert max(rung.elbo_deviation, rung.bound_deviation) < 1e-5


def test_the_ladder_of_a_known_gap(prior_posterior):
    """x = 2, q = N(0, 1): the ELBO for every k, and the bounds of k = 2 and 50."""
    one, two, fifty = bound_ladder(weights(prior_posterior, 2.0, 100_000), [1, 2, 50])
    for rung in (one, two, fifty):
        assert abs(rung.elbo.mean + 3.418939) < 4 * rung.elbo.standard_error
    assert one.bound.mean == pytest.approx(one.elbo.mean)
    assert abs(two.bound.mean + 2.757902) < 4 * two.bound.standard_error
    assert abs(fifty.bound.mean + 2.2775) < 4 * fifty.bound.standard_error
    assert fifty.bound.mean < -2.265512 + 4 * fifty.bound.standard_error
    spread = math.sqrt(4 + 0.5)  # of ln w = const + 2z - z²/2
    assert one.elbo_deviation == pytest.approx(spread, rel=0.02)
    assert fifty.elbo_deviation == pytest.approx(spread / math.sqrt(50), rel=0.05)


def test_bounds_of_the_same_weights_rise():
    """Jensen: of nested groups, the larger never has the lower mean of log-means."""
    noise = torch.randn(2**12, generator=torch.Generator().manual_seed(0))
    rungs = bound_ladder(noise, [2**j for j in range(12)])
    bounds = [rung.bound.mean for rung in rungs]
    assert bounds == sorted(bounds)
    assert all(rung.bound.mean >= rung.elbo.mean - 1e-12 for rung in rungs)
    assert [rung.elbo.mean for rung in rungs] == pytest.approx([rungs[0].elbo.mean] * 12)


@pytest.mark.parametrize("counts", [[0], [6], [1, 6]])
def test_a_ladder_needs_two_repeats(counts):
    with pytest.raises(ValueError, match=r"^counts must be 1 to half of the 10 weights") as caught:
        bound_ladder(torch.zeros(10), counts)
    assert_sentence(str(caught.value))
