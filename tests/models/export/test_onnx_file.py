"""The ONNX files give the numbers that torch gives, in a runtime of its own."""

import importlib.util

import numpy as np
import pytest
import torch

from models.config import ModelConfig
from models.export.onnx_file import onnx_files
from models.families.registry import build_model
from tests.helpers.families import SETTINGS

CONFIGS = {
    "vae": ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    "colour": ModelConfig(
        image_shape=(3, 9, 13), hidden=(4, 8), network="conv", latent_dim=3, likelihood="gaussian"
    ),
    "autoencoder": ModelConfig(family="autoencoder", image_shape=(1, 8, 8), hidden=(8,)),
    "pixel": ModelConfig(image_shape=(1, 8, 8), hidden=(8,), likelihood="gaussian-pixel"),
    "multirate": ModelConfig(family="multirate", image_shape=(1, 8, 8), hidden=(8,)),
    "vq-vae": ModelConfig(image_shape=(1, 8, 8), **({"family": "vq-vae"} | SETTINGS["vq-vae"])),
}


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_runtime_without_torch_gives_the_same(config):
    runtime = pytest.importorskip("onnxruntime", reason="needs models/export/requirements-onnx.txt")
    model = build_model(config, seed=1).eval().at(1.0)
    files = onnx_files(model)
    assert not any(b".py" in content for content in files.values()), "no path of this machine"
    sessions = {
        name: runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        for name, content in files.items()
    }
    generator = torch.Generator().manual_seed(0)
    for count in (1, 7):  # neither is the number that the exporter saw
        images = torch.rand(count, *config.image_shape, generator=generator)
        with torch.inference_mode():
            codes = [part.numpy() for part in model.encode(images) if part is not None]
            decoded = model.decode(torch.from_numpy(codes[0])).numpy()
        names = [output.name for output in sessions["encoder"].get_outputs()]
        assert names == ["mean", "log_variance"][: len(codes)]
        found = sessions["encoder"].run(None, {"images": images.numpy()})
        for ours, theirs in zip(codes, found, strict=True):
            np.testing.assert_allclose(theirs, ours, atol=1e-5)
        (again,) = sessions["decoder"].run(["images"], {"z": codes[0]})
        assert again.shape == images.shape
        np.testing.assert_allclose(again, decoded, atol=1e-5)


def test_without_the_packages_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"onnx and onnxscript must be installed .*pip install -r"):
        onnx_files(build_model(CONFIGS["vae"]))
