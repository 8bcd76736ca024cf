"""The decoder from settings and weights alone is the restored model's, layer by layer."""

import subprocess
import sys

import numpy as np
import pytest

from models.config import ModelConfig
from models.export.layers import decoder_layers
from models.export.stored_layers import stored_layers
from models.families.registry import build_model
from models.storage.checkpoint import read, restore
from tests.helpers.paths import MAPPED, ROOT

GOLDEN = sorted((ROOT / "tests" / "models" / "golden").glob("*.safetensors"))
assert GOLDEN and MAPPED


def assert_equal_layers(config, weights, model):
    layers, arrays = stored_layers(config, weights)
    expected_layers, expected = decoder_layers(model)
    assert layers == expected_layers
    assert len(arrays) == len(expected)
    for found, wanted in zip(arrays, expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("path", [*GOLDEN, *MAPPED], ids=lambda path: path.stem)
def test_a_stored_decoder_is_that_of_the_restored_model(path):
    stored = read(path)
    assert_equal_layers(stored.card.config.model, stored.weights, restore(stored))


@pytest.mark.parametrize("activation", ["relu", "silu"])
@pytest.mark.parametrize("hidden", [(5,), (6, 4), (3, 4, 5)])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13)])
def test_a_convolution_of_any_size_is_described_as_torch_has_it(activation, hidden, shape):
    config = ModelConfig(
        network="conv", hidden=hidden, image_shape=shape, activation=activation, latent_dim=3
    )
    model = build_model(config, seed=3).eval()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    assert_equal_layers(config, weights, model)


def test_a_missing_weight_is_named():
    with pytest.raises(KeyError, match=r"decoder\.layers\.0\.weight"):
        stored_layers(ModelConfig(), {})


def test_a_map_is_made_without_torch():
    code = """
import sys
from models.export.map_file import map_file
from models.storage.checkpoint import read
map_file(read(sys.argv[1]))
print("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(MAPPED[0])],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
