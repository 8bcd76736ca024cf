"""Likelihood scores: anchors of the data, the importance-weighted bound, known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models.capabilities import LIKELIHOODS
from models.config import MIN_SIGMA, ModelConfig
from models.data.load import load
from models.families.likelihoods import build_likelihood
from models.families.registry import build_model
from models.metrics.likelihood import (
    DRAWS,
    active_units,
    binarize,
    collapsed_distortion,
    elbo,
    entropy_floor,
    evaluation_noise,
    importance_weighted_bound,
    summarize,
)
from models.metrics.statistics import estimate
from models.objectives.distributions import bernoulli_log_prob
from models.objectives.elbo import Terms, elbo_terms
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT

SMALL = ModelConfig(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)
SQUARE = (1, 2, 3)


def images_like(count, shape=(1, 8, 8), seed=0):
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def pixel(value, count):
    return torch.full((count, 1, 1, 1), value)


def standard_errors(values, expected):
    """How far the mean is from what is expected, in standard errors."""
    mean, error = estimate(values)
    return abs(mean - expected) / error


# Anchors


def test_anchors_of_the_digits():
    parts = [torch.tensor(load("digits", split).images) for split in ("train", "test")]
    digits = torch.cat(parts)
    assert len(digits) == 1797
    assert collapsed_distortion(digits) == pytest.approx(27.110, abs=5e-4)
    assert entropy_floor(digits) == pytest.approx(13.658, abs=5e-4)


@pytest.mark.mnist
def test_anchors_of_mnist():
    images = torch.tensor(load("mnist", "test").images)
    assert len(images) == 10_000
    assert entropy_floor(images) == pytest.approx(45.53, abs=5e-3)
    train_mean = torch.tensor(load("mnist", "train").images).double().mean(0)
    logits = torch.logit(train_mean, eps=1e-7).expand(len(images), -1, -1, -1)
    learned = -bernoulli_log_prob(logits, images).mean().item()
    assert learned == pytest.approx(205.80, abs=5e-3), "the best constant that training can find"
    assert collapsed_distortion(images) == pytest.approx(205.65, abs=5e-3), "no constant is better"


def constant_distortion(name, images, mean, sigma):
    """D when every image gets the same raw output; the likelihood's own code scores it."""
    likelihood = build_likelihood(ModelConfig(likelihood=name)).double().eval()
    if name == "gaussian-pixel":
        floor = 2 * math.log(MIN_SIGMA)
        raw = torch.log(torch.expm1((2 * torch.log(sigma) - floor).clamp_min(1e-9))) + floor
        output = torch.cat([mean, raw])
    else:
        output = torch.logit(mean) if name == "bernoulli" else mean
        if name != "bernoulli":
            likelihood.log_sigma.data.fill_(math.log(sigma.square().mean().sqrt()))
    return -likelihood.log_prob(output.expand(len(images), -1, -1, -1), images).mean().item()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_no_constant_image_beats_the_collapsed_distortion(name):
    images = images_like(20, SQUARE).double()
    mean, sigma = images.mean(0), images.std(0, unbiased=False)
    given = 0.2
    if name == "gaussian":
        sigma = torch.full_like(sigma, given)
    best = collapsed_distortion(images, name, given)
    assert constant_distortion(name, images, mean, sigma) == pytest.approx(best, rel=1e-9)
    for shift in (-0.02, 0.02):
        assert constant_distortion(name, images, mean + shift, sigma) > best
        if name not in ("bernoulli", "gaussian"):
            assert constant_distortion(name, images, mean, sigma * (1 + shift)) > best


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_floor_is_a_perfect_reconstruction(name):
    images = images_like(20, SQUARE).double()
    sigma = torch.full(SQUARE, 0.2 if name == "gaussian" else MIN_SIGMA, dtype=torch.float64)
    perfect = [constant_distortion(name, image[None], image, sigma) for image in images]
    assert entropy_floor(images, name, 0.2) == pytest.approx(np.mean(perfect), rel=1e-6)
    assert entropy_floor(images, name, 0.2) < collapsed_distortion(images, name, 0.2)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_equal_images_leave_nothing_to_tell_apart(name):
    """Then the mean image is perfect: floor and collapsed distortion meet."""
    images = images_like(1, SQUARE).expand(4, -1, -1, -1)
    assert collapsed_distortion(images, name, 0.2) == pytest.approx(
        entropy_floor(images, name, 0.2), abs=1e-9
    )


def test_binary_images_have_no_entropy():
    images = binarize(images_like(4))
    assert entropy_floor(images) == 0
    assert collapsed_distortion(images[:1]) == 0


# The importance-weighted bound


@pytest.mark.parametrize("max_rows", [1, 3, 20_000])
@pytest.mark.parametrize("samples", [1, 2, 7])
def test_under_an_exact_posterior_the_bound_is_ln_p(exact_posterior, samples, max_rows):
    images = torch.tensor([1.0, -0.5, 2.0, 0.0, 3.0]).view(5, 1, 1, 1)
    bound = importance_weighted_bound(exact_posterior, images, samples, 0, max_rows)
    evidence = torch.distributions.Normal(0.0, math.sqrt(2)).log_prob(images.flatten())
    torch.testing.assert_close(bound, evidence, rtol=0, atol=1e-5)
    assert bound[0].item() == pytest.approx(-1.515512, abs=1e-5)


@pytest.mark.parametrize(("samples", "expected"), [(1, -3.418939), (2, -2.757902), (50, -2.2775)])
@pytest.mark.parametrize("max_rows", [7, 20_000])
def test_the_bound_at_the_prior(prior_posterior, samples, expected, max_rows):
    count = 500 if max_rows == 7 else 10_000
    bound = importance_weighted_bound(prior_posterior, pixel(2.0, count), samples, 1, max_rows)
    assert bound.shape == (count,)
    assert standard_errors(bound, expected) < 4


def test_the_bound_rises_with_k_and_stays_below_ln_p(prior_posterior):
    bounds = [
        estimate(importance_weighted_bound(prior_posterior, pixel(2.0, 5000), k)).mean
        for k in (1, 2, 5, 20, 100)
    ]
    assert bounds == sorted(bounds)
    assert bounds[-1] < -2.265512


def test_one_sample_is_the_elbo():
    """In expectation: paired over the same images, many seeds each."""
    model, images = build_model(SMALL), images_like(4)
    repeated = images.repeat(1000, 1, 1, 1)
    terms = elbo(model, repeated, seed=1)
    difference = importance_weighted_bound(model, repeated, 1, seed=2)
    difference += terms.distortion + terms.rate.sum(1)
    assert standard_errors(difference, 0.0) < 4


def test_the_bound_repeats_with_its_seed():
    model, images = build_model(SMALL), images_like(3)
    one, two, other = (importance_weighted_bound(model, images, 5, seed) for seed in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_what_the_bound_refuses():
    with pytest.raises(ValueError, match=r"^samples must be at least 1, got 0$"):
        importance_weighted_bound(build_model(SMALL), images_like(2), 0)
    plain = build_model(ModelConfig(family="autoencoder", image_shape=(1, 8, 8), hidden=(8,)))
    sentence = r"^the importance-weighted bound needs a posterior, got an autoencoder$"
    with pytest.raises(ValueError, match=sentence):
        importance_weighted_bound(plain, images_like(2), 5)


# D and R


def test_elbo_at_the_prior(prior_posterior):
    terms = elbo(prior_posterior, pixel(2.0, 20_000), seed=0)
    assert standard_errors(-terms.distortion - terms.rate.sum(1), -3.418939) < 4


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("batch_size", [1, 5, 6, 1024])
def test_any_batch_size_gives_the_same_elbo(likelihood, batch_size):
    config = ModelConfig(image_shape=(1, 8, 8), hidden=(16,), likelihood=likelihood)
    model, images = build_model(config).train(), images_like(11)  # elbo must leave training mode
    for actual, expected in zip(
        elbo(model, images, seed=3, batch_size=batch_size),
        elbo(model, images, seed=3, batch_size=11),
        strict=True,
    ):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-4)


def test_the_elbo_repeats_with_its_seed_and_samples_z():
    model, images = build_model(SMALL), images_like(3)
    one, two, other = (elbo(model, images, seed) for seed in (1, 1, 2))
    assert torch.equal(one.distortion, two.distortion)
    assert not torch.equal(one.distortion, other.distortion)
    assert torch.equal(one.rate, other.rate)


def test_a_score_is_the_mean_over_its_draws():
    model, images = build_model(SMALL), images_like(7)
    told = []
    found = elbo(model, images, seed=5, batch_size=3, draws=3, report=told.append)
    noise = evaluation_noise(7, 3, seed=5, draws=3)
    with torch.no_grad():
        each = torch.stack([elbo_terms(model, images, one).distortion for one in noise])
    torch.testing.assert_close(found.distortion, each.mean(0))
    assert told == pytest.approx([3 / 7, 6 / 7, 1])
    first = elbo(model, images, seed=5, draws=1)
    torch.testing.assert_close(first.distortion, each[0])
    assert torch.equal(first.rate, elbo(model, images, seed=5).rate), "R needs no draw"


def test_an_autoencoder_is_decoded_once():
    model, images = build_model(replace(SMALL, family="autoencoder")), images_like(3)
    passes = []
    model.decoder.register_forward_hook(lambda *_: passes.append(1))
    elbo(model, images)
    assert len(passes) == 1


@pytest.mark.parametrize("name", ["digits-2d-beta-0.1", "digits-2d-beta-1", "digits-2d-multirate"])
def test_the_draws_hardly_add_to_the_error_over_images(name):
    """Within 2 %: the error of the mean is that of images, of which draws are a small part."""
    model = restore(read(ROOT / "checkpoints" / f"{name}.safetensors"))
    images = torch.tensor(load("digits", "test").images)
    each = torch.stack([elbo(model, images, seed, draws=1).distortion for seed in range(32)])
    of_draws = each.var(0).mean()
    of_images = each.mean(0).var() - of_draws / 32
    assert (1 + of_draws / DRAWS / of_images) ** 0.5 < 1.02


def test_permuted_pixels_with_permuted_weights_score_the_same():
    model, images = build_model(SMALL), images_like(6)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    permuted = build_model(SMALL)
    permuted.load_state_dict(model.state_dict())
    with torch.no_grad():
        first, last = permuted.encoder.layers[0], permuted.decoder.layers[-1]
        first.weight.copy_(first.weight[:, order].clone())
        last.weight.copy_(last.weight[order].clone())
        last.bias.copy_(last.bias[order].clone())
    shuffled = images.flatten(1)[:, order].view_as(images)
    for actual, expected in zip(elbo(permuted, shuffled), elbo(model, images), strict=True):
        torch.testing.assert_close(actual, expected)
    unmatched = elbo(model, shuffled).distortion
    assert not torch.allclose(unmatched, elbo(model, images).distortion)


def test_active_units_of_known_variances():
    unit = torch.tensor([-1.0, 1.0]).repeat(50)[:, None]
    unit = unit / unit.std(0)
    mean = 3 + unit * torch.tensor([0.5, 0.02, 0.005]).sqrt()
    assert active_units(mean) == 2
    assert active_units(mean, threshold=0.1) == 1
    assert active_units(torch.ones(9, 4)) == 0


def test_summary_of_a_vae():
    terms = Terms(
        torch.tensor([1.0, 3.0, 5.0]),
        torch.tensor([[1.0, 0.0], [2.0, 0.0], [6.0, 0.0]]),
        torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]),
        torch.zeros(3, 2),
    )
    assert summarize(terms) == {
        "images": 3,
        "active_units": 1,
        "distortion": pytest.approx([3, 2 / math.sqrt(3)]),
        "rate": pytest.approx([3, math.sqrt(7 / 3)]),
        "negative_elbo": pytest.approx([6, math.sqrt(7)]),
        "kl_per_dimension": [3.0, 0.0],
    }


def test_an_autoencoder_has_a_distortion_alone():
    config = ModelConfig(family="autoencoder", image_shape=(1, 8, 8), hidden=(8,))
    terms = elbo(build_model(config), images_like(5), batch_size=2)
    assert terms.log_variance is None and not terms.rate.any()
    assert set(summarize(terms)) == {"images", "distortion", "active_units"}


def test_binarize_keeps_the_mean_and_its_seed():
    grey = torch.full((50_000,), 0.3)
    drawn = binarize(grey, seed=1)
    assert set(drawn.tolist()) == {0.0, 1.0}
    assert standard_errors(drawn, 0.3) < 4
    assert torch.equal(drawn, binarize(grey, seed=1))
    assert not torch.equal(drawn, binarize(grey, seed=2))
    assert torch.equal(binarize(drawn), drawn)


def test_a_model_without_parameters_is_enough():
    """The metrics ask for `encode` and `log_likelihood`, not for a model of this project."""

    class Constant(nn.Module):
        latent_dim = 2

        def encode(self, images):
            return torch.zeros(len(images), 2), torch.zeros(len(images), 2)

        def log_likelihood(self, images, z):
            return torch.full((len(images),), -7.0)

    assert summarize(elbo(Constant(), images_like(3)))["negative_elbo"] == [7.0, 0.0]
    assert importance_weighted_bound(Constant(), images_like(3), 4).tolist() == [-7.0] * 3
