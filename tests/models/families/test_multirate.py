"""One VAE for every β: its gates fold exactly, and its curve is the known one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.config import ModelConfig
from models.data.builtin import load_digits
from models.export.layers import decoder_layers
from models.families.multirate import RAMPS, evenly
from models.families.registry import build_model
from models.families.vae import VAE
from models.metrics.likelihood import elbo
from models.metrics.rate_curve import measure_rates
from models.objectives.elbo import elbo_terms
from models.objectives.schedules import beta_loss
from models.presets import preset
from models.theory.linear_vae import covariance_eigenvalues, linear_optimum
from models.training.trainer import Training

CONFIGS = {
    "mlp": ModelConfig("multirate", "mlp", (1, 8, 8), 3, (8, 4)),
    "linear": ModelConfig("multirate", "mlp", (1, 8, 8), 3, (), likelihood="gaussian"),
    "conv": ModelConfig("multirate", "conv", (3, 9, 11), 2, (4, 8), "silu"),
    "two outputs a pixel": ModelConfig(
        "multirate", "conv", (1, 8, 8), 2, (4,), likelihood="gaussian-pixel", beta_min=0.01
    ),
}
every_network = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def gated(config, seed=0):
    """A model whose gates are far from those it starts with."""
    model = build_model(config, seed)
    with torch.no_grad():
        model.gates.normal_(0, 0.3, generator=seeded(seed))
    return model


def images_of(config, count):
    return torch.rand(count, *config.image_shape, generator=seeded(9))


def train(config, images):
    """The trained model of a run, and the images it was trained on."""
    training = Training(build_model(config.model, config.training.seed), config, images, images)
    for _ in training.events():
        pass
    return training.model.eval()


# --- gates and folding ---------------------------------------------------------------------------


@every_network
def test_each_row_of_a_step_is_the_plain_vae_of_its_beta(config):
    model, images = gated(config), images_of(config, 5)
    drawn, rows, on_distortion, on_rate = model.draw(images, seeded(1))
    noise = torch.randn(len(rows), config.latent_dim, generator=seeded(2))
    found = elbo_terms(drawn, rows, noise)
    losses = []
    for i, beta in enumerate((on_rate[:, 0] / on_distortion).tolist()):
        alone = elbo_terms(model.at(beta), rows[i : i + 1], noise[i : i + 1])
        for one, whole in zip(alone, found, strict=True):
            torch.testing.assert_close(one, whole[i : i + 1], rtol=1e-4, atol=1e-4)
        losses.append(max(1, beta) ** -0.25 * (alone.distortion + beta * alone.rate.sum()))
    loss = beta_loss(on_distortion * found.distortion, on_rate * found.rate, 1.0)
    torch.testing.assert_close(loss, torch.cat(losses).mean(), rtol=1e-4, atol=1e-4)


@every_network
def test_as_it_is_the_model_answers_at_beta_one(config):
    model, images = gated(config).eval(), images_of(config, 5)
    plain, z = model.at(1.0), torch.randn(5, config.latent_dim, generator=seeded(3))
    answers = [
        (
            *one.encode(images),
            one.decode(z),
            one.sample(z, seeded(4)),
            one.log_likelihood(images, z),
        )
        for one in (model, plain)
    ]
    for whole, folded in zip(*answers, strict=True):
        torch.testing.assert_close(whole, folded, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        model.log_likelihood_pairs(images, z), plain.log_likelihood_pairs(images, z)
    )


@every_network
def test_gates_are_the_documented_sums_of_ramps(config):
    model = gated(config)
    low, high = math.log(config.beta_min), math.log(config.beta_max)
    places = torch.linspace(-1, 1, RAMPS)
    for t in (-1.0, -0.3, 1.0):
        found = model.gates_at(torch.tensor([low + (t + 1) / 2 * (high - low)]))
        ramps = torch.tensor([math.tanh(2 * (t - place)) for place in places.tolist()])
        start = 0
        for scale, shift in found:
            size = scale.shape[1]
            a, c = model.gates[:, start : start + 2 * size].split(size, dim=1)
            torch.testing.assert_close(scale[0], 1 + (ramps[:, None] * a).sum(0))
            torch.testing.assert_close(shift[0], (ramps[:, None] * c).sum(0))
            start += 2 * size
        assert start == model.gates.shape[1]


@every_network
def test_a_fresh_model_is_the_same_plain_vae_at_every_beta(config):
    model = build_model(config, seed=3)
    plain = build_model(replace(config, family="vae"), seed=3).state_dict()
    for beta in (config.beta_min, 1.0, config.beta_max):
        folded = model.at(beta).state_dict()
        assert folded.keys() == plain.keys()
        assert all(torch.equal(folded[name], plain[name]) for name in plain)


def test_the_model_at_a_beta_is_a_vae_of_its_own():
    model = gated(CONFIGS["mlp"]).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plain = model.at(5.0)
    assert type(plain) is VAE and plain.config == replace(model.config, family="vae")
    assert not plain.training and model.train().at(5.0).training
    assert all(parameter.requires_grad for parameter in plain.parameters())
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_is_exported_is_the_decoder_at_beta_one():
    model = gated(CONFIGS["conv"])
    layers, arrays = decoder_layers(model)
    expected, numbers = decoder_layers(model.at(1.0))
    assert layers == expected
    for array, number in zip(arrays, numbers, strict=True):
        np.testing.assert_array_equal(array, number)


@pytest.mark.parametrize("beta", [0.0, 0.0999, 100.1, -1.0, math.nan, math.inf])
def test_beta_outside_the_range_is_refused(beta):
    with pytest.raises(ValueError, match=r"^beta must be 0.1 to 100 for this model, got "):
        gated(CONFIGS["mlp"]).at(beta)


def test_a_model_of_one_beta_is_itself_at_any():
    for family in ("vae", "autoencoder"):
        model = build_model(ModelConfig(family=family))
        assert model.at(7.0) is model


# --- the draw ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 256])
def test_one_number_falls_into_each_part(count):
    for seed in range(20):
        u = evenly(count, seeded(seed))
        assert (u * count).floor().tolist() == list(range(count))


def test_each_number_is_uniform_within_its_part():
    u = torch.stack([evenly(4, seeded(seed)) for seed in range(2000)])
    within = (u * 4).frac()
    quarters = torch.arange(1, 4) / 4
    shares = (within[..., None] < quarters).double().mean(0)  # (4, 3)
    np.testing.assert_allclose(shares, quarters.expand(4, 3), atol=5 * 0.5 / 2000**0.5)


@every_network
def test_every_image_is_seen_twice_half_the_range_apart(config):
    images = images_of(config, 6)
    _, rows, on_distortion, on_rate = gated(config).draw(images, seeded(0))
    torch.testing.assert_close(rows, torch.cat([images, images]))
    log_beta = (on_rate[:, 0] / on_distortion).log()
    low, high = math.log(config.beta_min), math.log(config.beta_max)
    assert low - 1e-5 <= log_beta.min() and log_beta.max() <= high + 1e-5
    first, second = log_beta.chunk(2)
    torch.testing.assert_close(second - first, torch.full((6,), (high - low) / 2))
    expected = log_beta.exp().clamp_min(1) ** -0.25
    torch.testing.assert_close(on_distortion, expected)


def test_a_step_reaches_every_parameter():
    model = gated(CONFIGS["conv"]).train()
    drawn, rows, on_distortion, on_rate = model.draw(images_of(model.config, 4), seeded(0))
    terms = elbo_terms(drawn, rows, torch.randn(8, 2, generator=seeded(1)))
    beta_loss(on_distortion * terms.distortion, on_rate * terms.rate, 1.0).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().max() > 0, name
    assert (model.gates.grad.abs().amax(1) > 0).all()  # every ramp


# --- what it learns ------------------------------------------------------------------------------

BETAS = (0.1, 0.3, 1.0, 5.0, 30.0)
DIGITS = load_digits("train").images


@pytest.fixture(scope="module")
def linear():
    """A linear model of Gaussian pixels: its best D + βR is known at every β."""
    settings = preset("digits-linear")
    model = replace(settings.model, family="multirate", latent_dim=4)
    training = replace(settings.training, epochs=200)
    return train(replace(settings, model=model, training=training), DIGITS)


@pytest.mark.parametrize("beta", BETAS)
def test_linear_model_comes_near_the_closed_form_at_every_beta(linear, beta):
    best = linear_optimum(covariance_eigenvalues(DIGITS), 4, linear.config.sigma, beta)
    terms = elbo(linear.at(beta), torch.tensor(DIGITS).repeat(4, 1, 1, 1))
    gap = terms.distortion.mean().item() + beta * terms.rate.sum(1).mean().item()
    gap -= best.distortion + beta * best.rate
    assert -0.05 < gap < 0.6  # below 0 by the noise of the estimate alone


@pytest.fixture(scope="module")
def digits():
    settings = preset("digits-multirate")
    return train(replace(settings, training=replace(settings.training, epochs=40)), DIGITS)


def test_a_higher_beta_costs_distortion_and_spares_rate_down_to_collapse(digits):
    rates = measure_rates(digits, torch.tensor(DIGITS), points=13)
    total = rates.rate.sum(1)
    assert (np.diff(total) < 0.05).all() and (np.diff(rates.distortion) > -0.05).all()
    assert total[0] > 4 and total[-1] < 0.01
    collapsed = digits.at(100.0).decode(torch.randn(50, 2, generator=seeded(0)))
    assert (collapsed - collapsed.mean(0)).abs().mean() < 0.02


def test_at_every_beta_its_own_gates_are_the_best(digits):
    images = torch.tensor(DIGITS)
    found = [elbo(digits.at(beta), images) for beta in BETAS]
    distortion = np.array([one.distortion.mean().item() for one in found])
    rate = np.array([one.rate.sum(1).mean().item() for one in found])
    losses = distortion + np.array(BETAS)[:, None] * rate  # (asked, answered)
    assert (losses.diagonal() < losses.min(1) + 0.1).all()
    assert (losses[:, 4] - losses.diagonal())[:3].min() > 1 and losses[4, 0] > losses[4, 4] + 100
