"""Densities and divergences: torch.distributions as oracle, known answers, float32 limits."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.testing import assert_close

from models.objectives.distributions import (
    bernoulli_log_prob,
    gaussian_kl,
    gaussian_log_prob,
    normal_log_prob,
    reparameterize,
)

SHAPE = (2, 1, 2, 3)


def tensors(low, high, shape=SHAPE):
    return arrays(np.float64, shape, elements=st.floats(low, high)).map(torch.from_numpy)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


@given(tensors(-10, 10), tensors(-20, 20))
def test_kl_against_torch(mean, log_variance):
    oracle = kl_divergence(Normal(mean, torch.exp(0.5 * log_variance)), Normal(0.0, 1.0))
    assert_close(gaussian_kl(mean, log_variance), oracle, rtol=1e-10, atol=1e-10)


@given(tensors(-10, 10), tensors(-10, 10), tensors(-20, 20))
def test_normal_against_torch(z, mean, log_variance):
    oracle = Normal(mean, torch.exp(0.5 * log_variance)).log_prob(z)
    assert_close(normal_log_prob(z, mean, log_variance), oracle, rtol=1e-10, atol=1e-10)


@given(tensors(-1, 2), tensors(0, 1), tensors(-11, 5))
def test_gaussian_images_against_torch(mean, images, log_variance):
    oracle = Normal(mean, torch.exp(0.5 * log_variance)).log_prob(images).sum((1, 2, 3))
    assert_close(gaussian_log_prob(mean, log_variance, images), oracle, rtol=1e-10, atol=1e-10)


@given(tensors(-50, 50), tensors(0, 1))
def test_bernoulli_against_torch(logits, images):
    oracle = Bernoulli(logits=logits, validate_args=False).log_prob(images).sum((1, 2, 3))
    assert_close(bernoulli_log_prob(logits, images), oracle, rtol=1e-10, atol=1e-10)


@given(tensors(-3, 3), tensors(-10, 10), tensors(-4, 4))
def test_reparameterize_has_an_inverse(mean, log_variance, noise):
    z = reparameterize(mean, log_variance, noise)
    assert_close((z - mean) / torch.exp(0.5 * log_variance), noise, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "log_variance", "expected"),
    [
        ((0,), (0,), 0.0),
        ((1,), (0,), 0.5),
        ((0,), (math.log(4),), 0.806853),
        ((1, -2), (0, -1), 2.683940),
    ],
)
def test_kl_known_answers(mean, log_variance, expected):
    total = gaussian_kl(double(*mean), double(*log_variance)).sum().item()
    assert total == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 4.0), (1.0, 1.0), (-1.0, 0.25), (2.0, 0.01)])
def test_monte_carlo_of_the_kl(mean, variance):
    """ln q(z) - ln p(z) has mean KL and variance μ²σ² + ½(σ² - 1)²; four standard errors."""
    count = 100_000
    mean, log_variance = double(mean), double(variance).log()
    noise = torch.randn(count, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z = reparameterize(mean, log_variance, noise)
    ratio = (normal_log_prob(z, mean, log_variance) - normal_log_prob(z, 0.0, 0.0)).flatten()
    kl = gaussian_kl(mean, log_variance).item()
    assert ratio.mean().item() == pytest.approx(kl, abs=4 * ratio.std().item() / count**0.5)
    spread = (ratio - ratio.mean()).square()
    expected = (mean.square() * variance + 0.5 * (variance - 1) ** 2).item()
    assert spread.mean().item() == pytest.approx(expected, abs=4 * spread.std().item() / count**0.5)


@pytest.mark.parametrize("image", [0.0, 0.3, 1.0])
def test_bernoulli_at_logit_zero_is_784_coins(image):
    images = torch.full((1, 1, 28, 28), image, dtype=torch.float64)
    score = bernoulli_log_prob(torch.zeros_like(images), images).item()
    assert score == pytest.approx(-543.427390, abs=5e-7)


@pytest.mark.parametrize(
    ("sigma", "squared_error", "expected"),
    [(1.0, 0.0, 720.447810), (0.1, 0.0, -1084.778903), (0.1, 0.01, -692.778903)],
)
def test_gaussian_known_answers(sigma, squared_error, expected):
    images = torch.full((1, 1, 28, 28), 0.5, dtype=torch.float64)
    nll = -gaussian_log_prob(images + squared_error**0.5, 2 * math.log(sigma), images).item()
    assert nll == pytest.approx(expected, abs=5e-7)


@given(tensors(-9, 9), tensors(0, 1))
def test_a_grey_image_scores_as_its_binarisations_on_average(logits, images):
    """The cross-entropy is linear in x: E[ln p(b|z)] over b ~ Bernoulli(x)."""
    white, black = (
        Bernoulli(logits=logits).log_prob(torch.full_like(logits, bit)) for bit in (1.0, 0.0)
    )
    expected = (images * white + (1 - images) * black).sum((1, 2, 3))
    assert_close(bernoulli_log_prob(logits, images), expected)


@pytest.mark.parametrize("mean", [-1.0, 0.4])
@pytest.mark.parametrize("sigma", [1 / 256, 0.1, 1.0, 3.0])
def test_gaussian_density_integrates_to_one(mean, sigma):
    grid = torch.linspace(mean - 10 * sigma, mean + 10 * sigma, 2001, dtype=torch.float64)
    log_density = gaussian_log_prob(
        torch.full((2001, 1, 1, 1), mean, dtype=torch.float64),
        2 * math.log(sigma),
        grid.view(-1, 1, 1, 1),
    )
    assert torch.trapezoid(log_density.exp(), grid).item() == pytest.approx(1, abs=1e-9)


def test_bernoulli_probabilities_sum_to_one():
    images = double(*itertools.product((0, 1), repeat=4)).view(16, 1, 2, 2)
    logits = double(-3, 0, 0.5, 8).view(1, 1, 2, 2).expand(16, -1, -1, -1)
    assert bernoulli_log_prob(logits, images).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_kl_in_float32_near_the_prior():
    """Never negative, and right to three digits where the naive form turns negative."""
    size = torch.logspace(-9, 0, 2000)
    log_variance = torch.cat([-size, size])
    kl = gaussian_kl(torch.zeros_like(log_variance), log_variance)
    assert (kl >= 0).all()
    near = log_variance[log_variance.abs() > 2e-4]
    oracle = kl_divergence(Normal(0.0, torch.exp(0.5 * near.double())), Normal(0.0, 1.0))
    assert_close(gaussian_kl(torch.zeros_like(near), near).double(), oracle, rtol=1e-3, atol=0)
    assert (near.exp() - 1 - near < 0).any()


def test_bernoulli_in_float32_at_extreme_logits():
    logits = torch.tensor([1e4, -1e4, 1e4, -1e4]).view(4, 1, 1, 1).requires_grad_()
    images = torch.tensor([1.0, 0.0, 0.0, 1.0]).view(4, 1, 1, 1)
    score = bernoulli_log_prob(logits, images)
    assert score.tolist() == [0, 0, -1e4, -1e4]
    score.sum().backward()
    assert logits.grad.flatten().tolist() == [0, 0, -1, 1]
