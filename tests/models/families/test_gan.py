"""The GAN: known answers at its optimum, its two players, and what each learns."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.builtin import load_digits
from models.families.gan import GAN, PENALTY
from models.families.registry import build_model
from models.objectives.schedules import StepObjective
from models.objectives.trainable import Batch
from models.training.events import TrainingDivergedError
from models.training.trainer import Training
from tests.helpers.sentences import assert_refuses

TINY = ModelConfig("gan", image_shape=(1, 8, 8), hidden=(8,), latent_dim=3)
TRAIN, TEST = (load_digits(split).images for split in ("train", "test"))
close = torch.testing.assert_close


def batch_of(model, images, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = model.noise(len(images), generator)
    return Batch(images, noise, generator, StepObjective(1.0, 0.0, 0.0))


@pytest.mark.parametrize("stabiliser", ["none", "r1"])
def test_where_nothing_tells_images_apart_the_loss_is_two_ln_two(stabiliser):
    model = build_model(replace(TINY, stabiliser=stabiliser)).train()
    nn.init.zeros_(model.discriminator.layers[-1].weight)
    nn.init.zeros_(model.discriminator.layers[-1].bias)
    batch = batch_of(model, torch.tensor(TRAIN[:16]))
    loss, terms = model.losses("discriminator", batch)
    assert loss.item() == pytest.approx(2 * math.log(2)) == pytest.approx(1.386294, abs=1e-6)
    assert terms["real_score"] == terms["fake_score"] == 0.5
    assert model.losses("generator", batch).loss.item() == pytest.approx(math.log(2))
    score = model.score(torch.tensor(TEST), 0)
    assert score["discriminator"] == pytest.approx(2 * math.log(2))


def test_the_best_discriminator_of_two_gaussians_has_the_loss_of_the_formula():
    """L_D = 2 ln 2 − 2 JSD at D = p / (p + q), here for images that are one of two points."""
    model = build_model(replace(TINY, stabiliser="none"))
    black, white = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    p, q = 0.75, 0.25  # share of white images: real, drawn
    model.decode = lambda z: torch.where(z[:, :1, None, None] > 0, white, black)
    model.discriminator.forward = lambda x: torch.where(
        x.flatten(1).mean(1) > 0.5, math.log(p / q), math.log((1 - p) / (1 - q))
    )
    images = torch.cat([white] * 3 + [black])
    z = torch.tensor([1.0, -1, -1, -1])[:, None].expand(4, 3)
    batch = batch_of(model, images)._replace(noise=z)
    loss = model.losses("discriminator", batch).loss.item()
    js = math.log(2) + 0.5 * sum(
        a * math.log(a / (a + b)) + b * math.log(b / (a + b)) for a, b in ((p, q), (1 - p, 1 - q))
    )
    assert loss == pytest.approx(2 * math.log(2) - 2 * js)


def test_the_penalty_is_the_squared_slope_at_real_images():
    model = build_model(TINY).train()
    layers = [nn.Flatten(), nn.Linear(64, 1)]
    model.discriminator.layers = nn.Sequential(*layers)
    images = torch.tensor(TRAIN[:8])
    plain = build_model(replace(TINY, stabiliser="none")).train()
    plain.discriminator, plain.generator = model.discriminator, model.generator
    with_penalty = model.losses("discriminator", batch_of(model, images)).loss
    without = plain.losses("discriminator", batch_of(plain, images)).loss
    slope = layers[1].weight.square().sum()
    close(with_penalty - without, PENALTY / 2 * slope)
    with_penalty.backward()
    assert all(p.grad is not None for p in layers[1].parameters())


def test_each_player_moves_itself_alone():
    model = build_model(TINY).train()
    images = torch.tensor(TRAIN[:8])
    players = model.players()
    assert list(players) == ["discriminator", "generator"]
    for name in players:
        model.zero_grad()
        loss = model.losses(name, batch_of(model, images)).loss
        loss.backward()
        assert all(p.grad is not None for p in players[name].parameters)
        if name == "discriminator":
            assert all(p.grad is None for p in players["generator"].parameters)


def test_the_average_moves_in_training_only_and_makes_the_images():
    model = build_model(TINY)
    images, before = torch.tensor(TRAIN[:8]), model.decoder.layers[0].weight.clone()
    nn.init.ones_(model.generator.layers[0].weight)
    model.eval().losses("discriminator", batch_of(model, images))
    assert torch.equal(model.decoder.layers[0].weight, before) and model.updates == 0
    model.train().losses("discriminator", batch_of(model, images))
    assert torch.equal(model.decoder.layers[0].weight, model.generator.layers[0].weight)
    z = torch.randn(2, 3)
    close(model.decode(z), torch.sigmoid(model.generator(z)))
    nn.init.zeros_(model.generator.layers[0].weight)
    close(model.eval().decode(z), torch.sigmoid(model.decoder(z)))


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (3, 64, 64)])
def test_images_of_any_shape(network, shape):
    model = build_model(replace(TINY, network=network, image_shape=shape)).train()
    images = torch.rand(3, *shape)
    model.start_at(images)
    for player in model.players():
        model.losses(player, batch_of(model, images)).loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    model.eval()
    drawn = model.generate(2, torch.Generator().manual_seed(0))
    assert drawn.shape == (2, *shape) and drawn.min() >= 0 and drawn.max() <= 1
    assert model.score(images, 0)["coverage"] <= 1


def test_a_generator_of_one_image_covers_little():
    model = build_model(TINY).eval()
    for parameter in [*model.decoder.buffers()]:
        parameter.zero_()
    assert model.score(torch.tensor(TEST), 0)["coverage"] < 0.1
    images = iter([torch.tensor(TRAIN[:500])])
    model.generate = lambda count, generator: next(images)
    assert model.score(torch.tensor(TEST), 0)["coverage"] > 0.9


def test_it_learns():
    config = RunConfig(
        "digits",
        replace(TINY, hidden=(64, 64), latent_dim=16),
        ObjectiveConfig(),
        TrainingConfig(epochs=15, batch_size=64, learning_rate=2e-3, warmup_steps=50),
    )
    training = Training(build_model(config.model), config, TRAIN, TEST)
    events = [event for event in training.events() if hasattr(event, "test")]
    assert events[-1].test["coverage"] > 3 * events[0].test["coverage"]
    assert 0.3 < events[-1].test["fake_score"] < events[-1].test["real_score"] < 0.7


def test_a_loss_that_is_not_finite_names_step_player_and_remedy():
    config = RunConfig("digits", TINY, ObjectiveConfig(), TrainingConfig(epochs=1, batch_size=64))
    training = Training(build_model(config.model), config, TRAIN, TEST)
    with torch.no_grad():
        training.model.discriminator.layers[-1].bias.fill_(np.inf)
    sentence = (
        "every term of the loss must stay finite, but the discriminator became inf at step 1 of "
        "20: lower the learning rate, or choose the stabiliser r1"
    )
    assert issubclass(TrainingDivergedError, ValueError)
    assert_refuses(sentence, lambda: list(training.events()))


def test_it_is_what_the_registry_builds():
    assert type(build_model(TINY)) is GAN
