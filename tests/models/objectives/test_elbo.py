"""The terms of the ELBO: laws and known answers, in nats."""

import math

import pytest
import torch
from torch import nn

from models.objectives.distributions import normal_log_prob, reparameterize
from models.objectives.elbo import elbo_terms

# Gauss–Hermite with three points: E over ε ~ N(0, 1) of any polynomial up to degree five, exact.
NODES = torch.tensor([[-math.sqrt(3)], [0.0], [math.sqrt(3)]], dtype=torch.float64)
WEIGHTS = torch.tensor([1 / 6, 2 / 3, 1 / 6], dtype=torch.float64)


def pixel(value, count=1):
    return torch.full((count, 1, 1, 1), value, dtype=torch.float64)


def exact_elbo(model, value):
    """-D - R with the expectation over z done by quadrature: ln p(x|z) is quadratic in z."""
    terms = elbo_terms(model, pixel(value, 3), NODES)
    return -(WEIGHTS @ terms.distortion).item() - terms.rate[0].sum().item()


def log_evidence(value):
    return normal_log_prob(torch.tensor(value, dtype=torch.float64), 0.0, math.log(2)).item()


def test_an_exact_posterior_makes_the_elbo_ln_p(exact_posterior):
    assert exact_elbo(exact_posterior, 1.0) == pytest.approx(-1.515512, abs=5e-7)
    assert log_evidence(1.0) == pytest.approx(-1.515512, abs=5e-7)


def test_under_an_exact_posterior_every_sample_gives_ln_p(exact_posterior):
    """p(x, z) / q(z|x) is p(x) whatever z: each single noise is a proof."""
    noise = torch.linspace(-4, 4, 9, dtype=torch.float64)[:, None]
    terms = elbo_terms(exact_posterior, pixel(1.0, 9), noise)
    z = reparameterize(terms.mean, terms.log_variance, noise)
    ratio = normal_log_prob(z, 0.0, 0.0) - normal_log_prob(z, terms.mean, terms.log_variance)
    joint = -terms.distortion + ratio.sum(1)
    assert joint.tolist() == pytest.approx([-1.515512] * 9, abs=5e-7)


def test_the_gap_is_the_kl_to_the_true_posterior(prior_posterior):
    elbo = exact_elbo(prior_posterior, 2.0)
    assert elbo == pytest.approx(-3.418939, abs=5e-7)
    assert log_evidence(2.0) == pytest.approx(-2.265512, abs=5e-7)
    posterior = torch.distributions.Normal(1.0, math.sqrt(0.5))
    kl = torch.distributions.kl_divergence(torch.distributions.Normal(0.0, 1.0), posterior)
    assert log_evidence(2.0) - elbo == pytest.approx(kl.item(), abs=1e-6)


def test_one_sample_estimates_average_to_the_elbo(prior_posterior):
    count = 50_000
    noise = torch.randn(count, 1, generator=torch.Generator().manual_seed(0))
    terms = elbo_terms(prior_posterior, pixel(2.0, count), noise.double())
    values = -terms.distortion - terms.rate.sum(1)
    standard_error = values.std().item() / math.sqrt(count)
    assert values.mean().item() == pytest.approx(-3.418939, abs=4 * standard_error)


class Plain(nn.Module):
    """An autoencoder of one pixel: z = x, p(x|z) = N(z, 1)."""

    latent_dim = 1

    def encode(self, images):
        return images.flatten(1), None

    def log_likelihood(self, images, z):
        return normal_log_prob(images.flatten(1), z, 0.0).sum(1)


def test_an_autoencoder_has_no_rate_and_no_noise():
    terms = elbo_terms(Plain(), pixel(1.0, 3), NODES)
    assert terms.log_variance is None
    assert terms.rate.tolist() == [[0.0]] * 3
    assert terms.distortion.tolist() == pytest.approx([0.5 * math.log(2 * math.pi)] * 3)
