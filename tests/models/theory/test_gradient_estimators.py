"""Two ways to estimate a gradient: samples agree with closed forms, and these with integrals."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal

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
