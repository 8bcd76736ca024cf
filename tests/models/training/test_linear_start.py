"""The linear start: a network that begins as the linear VAE whose best state is known exactly."""

import math

import pytest
import torch

from models.config import ModelConfig
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.theory.collapse_threshold import collapse_threshold
from models.theory.linear_vae import covariance_eigenvalues, linear_optimum
from models.training import linear_start
from models.training.linear_start import leading_directions, start_linear

IMAGES = load_digits("train").images
NETWORKS = [((), "relu"), ((12,), "relu"), ((40, 16), "silu"), ((64, 32, 12), "relu")]


def started(images=IMAGES, **model):
    """A model of the digits with a linear start, and its terms on them."""
    config = ModelConfig(**{"image_shape": (1, 8, 8)} | model)
    images = torch.tensor(images)
    found = build_model(config)
    found.start_at(images)
    start_linear(found, images)
    return found, elbo(found, images, draws=10)


@pytest.mark.parametrize(("hidden", "activation"), NETWORKS)
@pytest.mark.parametrize("latents", [2, 6])
def test_any_network_starts_at_the_closed_form_of_the_linear_vae(hidden, activation, latents):
    gaussian = {"likelihood": "gaussian", "sigma": 0.25}
    _, terms = started(hidden=hidden, activation=activation, latent_dim=latents, **gaussian)
    best = linear_optimum(covariance_eigenvalues(IMAGES), latents, 0.25, 1.0)
    assert terms.rate.mean(0).numpy() == pytest.approx(best.rate_per_dimension, rel=2e-3)
    error = terms.distortion.std().item() / math.sqrt(len(IMAGES))
    assert terms.distortion.mean().item() == pytest.approx(best.distortion, abs=3 * error)


def test_bernoulli_pixels_start_far_below_the_mean_image_with_the_rate_of_their_spectrum():
    model, terms = started(hidden=(64, 32))
    constant = build_model(model.config)
    constant.start_at(torch.tensor(IMAGES))
    constant.decoder.layers[-1].weight.data.zero_()
    best_constant = elbo(constant, torch.tensor(IMAGES)).distortion.mean()
    assert terms.distortion.mean() + terms.rate.sum(1).mean() < best_constant - 1
    # where no pixel's variance is lifted to the minimum, these are the values of the threshold
    values = collapse_threshold(IMAGES, "bernoulli", 0.1, False).spectrum[:2]
    assert terms.log_variance.exp()[0].numpy() == pytest.approx(1 / values, rel=0.1)


def test_a_direction_that_is_worth_no_nats_stays_out():
    """σ² = 0.2 lies between the variances: what is collapsed at the optimum is so at the start."""
    eigenvalues = covariance_eigenvalues(IMAGES)
    active = int((eigenvalues > 0.2).sum())
    assert 0 < active < 16
    gaussian = {"likelihood": "gaussian", "sigma": 0.2**0.5}
    _, terms = started(hidden=(64, 40), latent_dim=16, **gaussian)
    rates = terms.rate.mean(0)
    assert (rates[:active] > 0).all() and (rates[active:] == 0).all()


def test_the_rest_of_the_network_can_learn():
    model, _ = started(hidden=(64, 40), latent_dim=2)
    images = torch.tensor(IMAGES[:50])
    mean, log_variance = model.encode(images)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    z = mean + (0.5 * log_variance).exp() * noise
    loss = log_variance.exp().sum() + mean.square().sum() - model.log_likelihood(images, z).sum()
    loss.backward()
    for name, parameter in model.named_parameters():
        if name.startswith(("encoder.layers.4", "decoder.layers.4")):  # the last layers: all of it
            assert (parameter.grad != 0).float().mean() > 0.4, name


@pytest.mark.parametrize("shape", [(40, 9), (7, 30), (3, 3)])
def test_leading_directions_are_the_eigenvectors(shape):
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values, vectors = leading_directions(rows, 5)
    expected = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).flip(0)[:5].clamp_min(0)
    kept = min(5, *shape)
    assert values[:kept].numpy() == pytest.approx(expected[:kept].numpy(), rel=1e-3)
    assert (values[kept:] == 0).all() and (vectors[:, kept:] == 0).all()
    applied = rows.T @ (rows @ vectors) / len(rows)
    assert torch.allclose(applied, vectors * values, atol=1e-2)


def test_many_images_are_looked_at_evenly(monkeypatch):
    """Sets lie sorted by class: the first ones alone would be of one class."""
    monkeypatch.setattr(linear_start, "MAX_NUMBERS", 64 * 650)
    _, half = started(hidden=(16,))
    _, same = started(IMAGES[::2], hidden=(16,))
    assert half.log_variance[0].numpy() == pytest.approx(same.log_variance[0].numpy(), rel=1e-3)
