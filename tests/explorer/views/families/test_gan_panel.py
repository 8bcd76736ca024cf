"""The plane of a GAN's codes: the browser gets the generator, and a sphere of draws."""

import numpy as np
import pytest
import torch

from models.export.interpreter import run_layers
from models.export.map_file import decoder_file
from models.families.registry import build_model
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import read_tensors
from tests.helpers.app_test import component_data, open_view, press, said
from tests.helpers.configs import tiny


@pytest.mark.parametrize(("latents", "words"), [(4, "√4 = 2.00"), (2, "from −3 to 3")])
def test_the_plane_of_codes_is_a_sphere_of_draws(no_runs, latents, words):
    config = tiny(family="gan", latent_dim=latents, training={"epochs": 1})
    run = Run.create(no_runs, config, "tiny")
    list(execute(run))
    at = open_view("families", **{"see": "gan", "seen-gan": run.id})
    vectors = plane_of(at)
    assert words in said(at)
    if latents == 2:
        assert vectors is None
        return
    assert np.allclose(np.array(vectors) @ np.array(vectors).T, 4 * np.eye(3))
    assert not np.allclose(vectors, plane_of(press(at, "Draw again")))


def plane_of(at):
    (element,) = at.get("bidi_component")
    return component_data(element)["vectors"]


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize(("network", "shape"), [("mlp", (1, 8, 8)), ("conv", (3, 9, 13))])
def test_the_browser_gets_the_generator(network, shape, likelihood, tmp_path):
    config = tiny(
        family="gan", latent_dim=4, network=network, image_shape=shape, likelihood=likelihood
    )
    state = build_model(config.model, seed=3).state_dict()
    write(tmp_path / "a", Card(config), {n: v.numpy() for n, v in state.items()}, None)
    stored = read(tmp_path / "a")
    (tmp_path / "b").write_bytes(decoder_file(stored))
    tensors, document, _ = read_tensors(tmp_path / "b")
    z = torch.randn(3, 4)
    weights = [tensors[f"layers.{i}"] for i in range(len(tensors))]
    found = torch.sigmoid(run_layers(document["layers"], weights, z))
    assert document["layers"][-1]["activation"] == "sigmoid"
    expected = restore(stored).decode(z).detach().flatten(1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
