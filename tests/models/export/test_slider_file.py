"""The file of β's slider: safetensors that Python and the browser read alike."""

import numpy as np
import pytest

from models.config import ModelConfig
from models.export.layers import gated_layers
from models.export.slider_file import slider_file
from models.families.registry import build_model
from models.latents.rate_curve import RateDistortionCurve
from models.storage.tensors import read_tensors


def contents(data, tmp_path):
    """Tensors and document of a file, checked as every untrusted file is."""
    path = tmp_path / "file.safetensors"
    path.write_bytes(data)
    return read_tensors(path)[:2]


@pytest.mark.parametrize("with_originals", [False, True])
def test_a_slider_file_holds_the_test_set_at_every_beta(with_originals, tmp_path):
    model = build_model(ModelConfig(family="multirate", hidden=(3,), image_shape=(1, 8, 8)))
    generator = np.random.default_rng(0)
    rates = RateDistortionCurve(
        np.array([0.1, 1.0, 10.0]), generator.normal(size=(3, 5, 2)), generator.random(3),
        generator.random((3, 2)), np.ones((3, 2)), np.array([0, 1, 2, 1, 0]),
    )  # fmt: skip
    originals = generator.random((4, 1, 8, 8)) if with_originals else None
    prior = generator.normal(size=(6, 2))
    tensors, document = contents(slider_file(model, rates, originals, prior), tmp_path)
    layers, weights = gated_layers(model)
    assert (document["layers"], document["latent_dim"]) == (layers, 2)
    assert sum(name.startswith("layers.") for name in tensors) == len(weights)
    assert ("originals" in tensors) == with_originals
    for name in ("betas", "mean", "distortion", "rate", "labels"):
        np.testing.assert_allclose(tensors[name], getattr(rates, name), rtol=1e-6)
    np.testing.assert_allclose(tensors["prior"], prior, rtol=1e-6)
