"""The command sample: new images of every family with a prior, the same for the same seed."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from models.capabilities import FAMILIES
from models.export.new_images import image_sheet
from models.families.registry import build_model
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from tests.helpers.command_line import assert_refusal, call
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS

ABLE = [name for name, family in FAMILIES.items() if family.has_prior]


def file_of(folder, family="vae", **settings):
    config = tiny(family=family, **SETTINGS[family] | settings)
    path = folder / f"{family}.safetensors"
    state = build_model(config.model).state_dict()
    write(path, Card(config), {name: value.numpy() for name, value in state.items()}, None)
    return path


@pytest.mark.parametrize("family", ABLE)
def test_every_family_with_a_prior_draws(family, tmp_path):
    path, output = file_of(tmp_path, family), tmp_path / "new.npz"
    steps = ["--steps", 3] if FAMILIES[family].samples_in_steps else []
    said = call("sample", path, "--count", 5, "--seed", 7, "--output", output, *steps)
    assert "5 new images" in said
    images = np.load(output)["images"]
    assert images.shape == (5, 8, 8) and images.min() >= 0 and images.max() <= 1
    model, generator = restore(read(path)), torch.Generator().manual_seed(7)
    expected = model.generate(5, generator, steps=3 if steps else None)
    assert np.array_equal(images, expected[:, 0].detach().numpy())


def test_a_picture_shows_the_images_row_by_row(tmp_path):
    images = np.zeros((5, 3, 8, 8))
    images[4, 0] = 1
    picture = np.asarray(Image.open(io.BytesIO(image_sheet(images))))
    assert picture.shape == (2 * 33 - 1, 3 * 33 - 1, 3)
    assert (picture[33:, 33:65] == [255, 0, 0]).all() and (picture[:32, :32] == 0).all()
    assert (picture[33:, 66:] == 128).all(), "no image"
    output = tmp_path / "deep" / "new.png"
    call("sample", file_of(tmp_path, image_shape=(3, 9, 13)), "--count", 4, "--output", output)
    assert Image.open(io.BytesIO(output.read_bytes())).size == (2 * 27 - 1, 2 * 19 - 1)


REFUSALS = {
    "no prior": ("autoencoder", [], "a model must have a prior to make new images"),
    "steps": ("vae", ["--steps", 5], "steps must be left out for a model of family vae"),
    "no step": ("ddpm", ["--steps", 0], "steps must be 1 to 1,000, got 0"),
    "none": ("vae", ["--count", 0], "count must be 1 to 100,000, got 0"),
    "too many": ("vae", ["--count", 2501], "a picture must be of at most 2,500 images"),
    "another kind": ("vae", ["--output", "a.jpg"], "output must be a file NAME.png or NAME.npz"),
    "seed": ("vae", ["--seed", -1], "seed must be"),
}


@pytest.mark.parametrize(("family", "given", "phrase"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(family, given, phrase, tmp_path):
    path = file_of(tmp_path, family)
    output = [] if "--output" in given else ["--output", tmp_path / "new.png"]
    assert_refusal(call("sample", path, *given, *output, status=1), phrase)
    assert not (tmp_path / "new.png").exists()
