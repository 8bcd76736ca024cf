"""New images come from the prior, repeat with their seed, and are refused where there is none."""

import pytest
import torch

from models.capabilities import FAMILIES
from models.config import ModelConfig
from models.families.generate import generate
from models.families.registry import build_model
from tests.helpers.families import SETTINGS

ABLE = [name for name in FAMILIES if FAMILIES[name].has_prior]


def model_of(family="vae", shape=(1, 8, 8), **settings):
    settings = SETTINGS[family] | {"hidden": (8,), "image_shape": shape} | settings
    return build_model(ModelConfig(family, **settings)).eval()


def images_of(model, count=5, **settings):
    return torch.cat(list(generate(model, count, **settings)))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13)])
@pytest.mark.parametrize("family", ABLE)
def test_images_repeat_with_their_seed(family, shape):
    model = model_of(family, shape)
    first = images_of(model, seed=1)
    assert first.shape == (5, *shape) and first.dtype == torch.float32
    assert first.min() >= 0 and first.max() <= 1 and not first.requires_grad
    assert torch.equal(first, images_of(model, seed=1))
    assert not torch.equal(first, images_of(model, seed=2))


@pytest.mark.parametrize("family", ABLE)
def test_a_model_in_training_makes_the_same_images_and_stays_in_training(family):
    model = model_of(family)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    in_evaluation = images_of(model)
    assert torch.equal(in_evaluation, images_of(model.train()))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_mean_of_drawn_pixels_is_the_image():
    model = model_of()
    torch.nn.init.zeros_(model.decoder.layers[-1].weight)
    mean, drawn = images_of(model, 4000), images_of(model, 4000, draw=True)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), mean.mean(0), atol=0.04, rtol=0)


def test_what_cannot_be_asked_for_is_refused_at_once():
    with pytest.raises(ValueError, match=r"must have a prior .* family autoencoder has none"):
        generate(model_of("autoencoder"), 5)
    with pytest.raises(ValueError, match="count must be 1 to 100,000, got 0"):
        generate(model_of(), 0)
    with pytest.raises(ValueError, match="steps must be left out for a model of family vae"):
        generate(model_of(), 5, steps=10)


def test_sampling_can_be_stopped_between_batches():
    batches = generate(model_of(), 100_000, batch_size=10)
    assert len(next(batches)) == 10
