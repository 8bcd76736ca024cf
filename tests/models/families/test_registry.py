"""What every model owes, whatever its family, network, likelihood, image shape and latent size."""

import itertools
import math
import re

import pytest
import torch

from models.capabilities import FAMILIES, LIKELIHOODS
from models.config import NETWORKS, ModelConfig
from models.families.registry import build_model, count_parameters, describe
from models.objectives.elbo import elbo_terms
from models.objectives.schedules import beta_loss

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 17, 23), (1, 64, 64)]
WITH_CODES = [name for name, family in FAMILIES.items() if family.has_codes]
CONFIGS = [
    ModelConfig(family=family, network=network, likelihood=likelihood, image_shape=(1, 8, 8),
                hidden=(16, 8))
    for family, network, likelihood in itertools.product(WITH_CODES, NETWORKS, LIKELIHOODS)
] + [
    ModelConfig(network=network, likelihood=likelihood, image_shape=shape, latent_dim=latent_dim,
                hidden=(16, 8), activation="silu")
    for network, (shape, latent_dim, likelihood) in itertools.product(
        NETWORKS, zip(SHAPES, (1, 256, 2, 3), ("bernoulli", *tuple(LIKELIHOODS)[-3:]), strict=True))
]  # fmt: skip


def title(config):
    shape = "x".join(map(str, config.image_shape))
    return f"{config.family}-{config.network}-{config.likelihood}-{shape}-z{config.latent_dim}"


every_model = pytest.mark.parametrize("config", CONFIGS, ids=title)


def images_for(config, count, seed=0):
    """Blurred noise: images with something to learn, in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(count, *config.image_shape, generator=generator)
    return torch.nn.functional.avg_pool2d(noise, 3, 1, 1).clamp(0, 1)


def noise_for(config, count, seed=1):
    return torch.randn(count, config.latent_dim, generator=torch.Generator().manual_seed(seed))


@every_model
def test_shapes_at_one_image_and_at_an_odd_number(config):
    model = build_model(config).eval()
    images = images_for(config, 5)
    for batch in (images, images[:1]):
        mean, log_variance = model.encode(batch)
        assert mean.shape == (len(batch), config.latent_dim)
        if config.family != "autoencoder":
            assert log_variance.shape == mean.shape
        else:
            assert log_variance is None
        draw = model.sample(mean, torch.Generator().manual_seed(0))
        assert model.decode(mean).shape == draw.shape == batch.shape
        assert model.log_likelihood(batch, mean).shape == (len(batch),)


@every_model
def test_an_image_is_scored_alone_as_in_a_batch(config):
    model = build_model(config).eval()
    images, noise = images_for(config, 5), noise_for(config, 5)
    together = elbo_terms(model, images, noise)
    alone = elbo_terms(model, images[1:2], noise[1:2])
    for whole, part in zip(together, alone, strict=True):
        if whole is not None:
            torch.testing.assert_close(whole[1:2], part, rtol=1e-4, atol=1e-4)


@every_model
def test_every_parameter_gets_a_finite_gradient(config):
    model = build_model(config).train()
    terms = elbo_terms(model, images_for(config, 3), noise_for(config, 3))
    beta_loss(terms.distortion, terms.rate, 1.0).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    first = next(model.encoder.parameters())
    assert first.grad.abs().max() > 0


@every_model
def test_weights_depend_on_the_seed_alone(config):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = build_model(config, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), state), "the global generator was touched"
    torch.rand(7)
    two, other = build_model(config, seed=3).state_dict(), build_model(config, seed=4).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    weights = [name for name in one if name.endswith("weight")]
    assert weights and not any(torch.equal(one[name], other[name]) for name in weights)


@every_model
def test_the_description_is_the_model_without_memory(config):
    described = describe(config)
    real = build_model(config)
    assert {name: value.shape for name, value in described.state_dict().items()} == {
        name: value.shape for name, value in real.state_dict().items()
    }
    assert all(parameter.is_meta for parameter in described.parameters())


@every_model
def test_an_untrained_decoder_starts_near_the_mean_image(config):
    model = build_model(config).eval()
    channels, height, width = config.image_shape
    target = torch.linspace(0.9, 0.7, channels)[:, None, None].expand(-1, height, width).clone()
    if config.network == "mlp":  # one bias per pixel: any image, not only a flat one
        target[:, ::2] = 0.2
    z = noise_for(config, 50)
    with torch.no_grad():
        far = (model.decode(z).mean(0) - target).abs().mean()
        model.start_at(target[None])
        near = (model.decode(z).mean(0) - target).abs().mean()
        assert near < min(0.2, far)
        model.decoder.layers[-1].weight.zero_()  # what is left is the start itself
        torch.testing.assert_close(model.decode(z), target.expand(50, -1, -1, -1))


@every_model
def test_a_few_steps_lower_the_loss(config):
    model = build_model(config).train()
    images, noise = images_for(config, 16), noise_for(config, 16)
    model.start_at(images)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        terms = elbo_terms(model, images, noise)
        loss = beta_loss(terms.distortion, terms.rate, 1.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]


def test_the_autoencoder_lacks_the_variance_head_and_nothing_else():
    vae = ModelConfig(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)
    plain = ModelConfig(family="autoencoder", image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)
    assert count_parameters(build_model(vae)) - count_parameters(build_model(plain)) == 3 * (16 + 1)


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(image_shape=(3, 64, 64), hidden=(4096,)),
        ModelConfig(network="conv", image_shape=(3, 64, 64), hidden=(4096, 4096)),
    ],
    ids=["mlp", "conv"],
)
def test_too_many_parameters_are_refused_before_they_take_memory(config):
    sentence = re.compile(
        r"the model must have at most 10,000,000 parameters, got [\d,]+: "
        r"choose smaller hidden layers"
    )
    for make in (describe, build_model):
        with pytest.raises(ValueError) as refusal:
            make(config)
        assert sentence.fullmatch(str(refusal.value))


def test_parameters_are_counted_before_they_are_refused():
    config = ModelConfig(image_shape=(3, 64, 64), hidden=(4096,))
    pixels, width, latents = 3 * 64 * 64, 4096, 2
    encoder = (pixels + 1) * width + (width + 1) * 2 * latents
    decoder = (latents + 1) * width + (width + 1) * pixels
    with pytest.raises(ValueError, match=f"got {encoder + decoder:,}: "):
        describe(config)
    assert count_parameters(build_model(ModelConfig(hidden=(400,), latent_dim=20))) == 652_824


def test_more_halvings_than_the_image_has_are_refused():
    with pytest.raises(ValueError, match=r"^hidden must have few enough entries to halve 8 pixels"):
        build_model(ModelConfig(network="conv", image_shape=(1, 8, 28), hidden=(4,) * 4))
    build_model(ModelConfig(network="conv", image_shape=(1, 8, 28), hidden=(4,) * 3))
