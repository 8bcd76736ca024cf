"""The β behind posteriors, where it is known: a linear-Gaussian model with its best q(z|x)."""

import math

import pytest
import torch

from models.metrics.effective_beta import effective_beta
from models.objectives.distributions import gaussian_log_prob


class Linear:
    """x = Wz + σε with W = diag(w): the best q(z|x) for any β is a Gaussian in closed form."""

    latent_dim = 2

    def __init__(self, beta, widths=(2.0, 0.7), sigma=1.0, encoded=None):
        self.w, self.beta, self.sigma = torch.tensor(widths), beta, sigma
        self.encoded = encoded or beta

    def encode(self, images):
        x = images.flatten(1)
        precision = self.encoded + (self.w / self.sigma).square()
        mean = x * self.w / self.sigma**2 / precision
        return mean, (self.encoded / precision).log().expand_as(mean)

    def log_likelihood(self, images, z):
        mean = (z * self.w).view_as(images)
        return gaussian_log_prob(mean, 2 * math.log(self.sigma), images)


def images(count=400):
    return torch.randn(count, 1, 1, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0, 64.0])
def test_the_beta_of_a_best_posterior_comes_out(beta):
    found = effective_beta(Linear(beta, widths=(2 * beta**0.5, beta**0.5)), images())
    assert found.mean == pytest.approx(beta, rel=0.01)
    assert abs(found.mean - beta) < 0.01 * beta + 4 * found.standard_error


def test_it_is_the_posteriors_that_are_asked_and_not_the_settings():
    found = effective_beta(Linear(1.0, widths=(4.0, 2.0), encoded=3.0), images())
    assert found.mean == pytest.approx(3.0, rel=0.01)


def test_a_squared_error_fixes_beta_times_the_variance_alone():
    half = effective_beta(Linear(4.0, sigma=0.5), images()).mean
    other = Linear(4.0, sigma=0.5)
    other.log_likelihood = Linear(4.0, sigma=1.0).log_likelihood
    assert effective_beta(other, images()).mean == pytest.approx(half * 0.25, rel=1e-4)


def test_nothing_is_told_where_the_posterior_is_the_prior_or_there_is_none():
    assert effective_beta(Linear(1.0, widths=(0.01, 0.01)), images()) is None
    point = Linear(1.0)
    point.encode = lambda x: (x.flatten(1), None)
    assert effective_beta(point, images()) is None


def test_the_batch_size_changes_nothing_but_the_draws():
    one, other = (effective_beta(Linear(1.0), images(), batch_size=size) for size in (400, 64))
    assert one.mean == pytest.approx(other.mean, rel=0.01)
