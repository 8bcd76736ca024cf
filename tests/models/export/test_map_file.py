"""The file of a map: safetensors that Python and the browser read alike."""

import base64

import numpy as np
import pytest
import torch

from models.config import MIN_SIGMA, ModelConfig, RunConfig
from models.export.layers import decoder_layers
from models.export.map_file import map_file
from models.families.registry import build_model
from models.latents.codes import Codes
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read, restore
from models.storage.tensors import read_tensors
from tests.helpers.node import evaluate
from tests.helpers.paths import MAPPED


def contents(data, tmp_path):
    """Tensors and document of a file, checked as every untrusted file is."""
    path = tmp_path / "file.safetensors"
    path.write_bytes(data)
    return read_tensors(path)[:2]


def checkpoint_of(codes, names=(), **settings):
    """A checkpoint of a small untrained model with these codes."""
    config = ModelConfig(**{"hidden": (3,), "image_shape": (1, 8, 8)} | settings)
    weights = {n: v.numpy() for n, v in build_model(config).state_dict().items()}
    return Checkpoint(Card(RunConfig("digits", config), class_names=names), weights, codes, "")


def some_codes(labels):
    mean, log_variance = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    return Codes(mean, log_variance, np.arange(5.0), labels)


@pytest.mark.parametrize("half", [False, True])
def test_a_map_file_holds_decoder_and_codes(half, tmp_path):
    codes = some_codes(np.array([0, 1, 1, 0, 300]))
    stored = checkpoint_of(codes, ("a", "b"))
    tensors, document = contents(map_file(stored, half=half), tmp_path)
    layers, weights = decoder_layers(restore(stored))
    assert document == {
        "layers": layers,
        "image_shape": [1, 8, 8],
        "latent_dim": 2,
        "class_names": ["a", "b"],
        "noise": "bernoulli",
    }
    for place, weight in enumerate(weights):
        kept = tensors.pop(f"layers.{place}")
        assert kept.dtype == (np.float16 if half else np.float32)
        np.testing.assert_allclose(kept, weight, atol=1e-3 if half else 0)
    assert tensors.keys() == {"mean", "log_variance", "distortion", "labels"}
    for name, kept in tensors.items():
        np.testing.assert_array_equal(kept, getattr(codes, name))


def test_a_map_file_leaves_out_what_an_autoencoder_without_labels_lacks(tmp_path):
    codes = Codes(np.zeros((3, 2)), None, np.zeros(3), None)
    tensors, _ = contents(map_file(checkpoint_of(codes, family="autoencoder")), tmp_path)
    assert {name for name in tensors if not name.startswith("layers.")} == {"mean", "distortion"}


def test_layers_of_another_decoder_take_the_place_of_its_own(tmp_path):
    layer = {"type": "linear", "inputs": 2, "outputs": 64}
    weights = [np.ones((64, 2)), np.zeros(64)]
    data = map_file(checkpoint_of(some_codes(None)), ([layer], weights))
    tensors, document = contents(data, tmp_path)
    assert document["layers"] == [layer]
    np.testing.assert_array_equal(tensors["layers.0"], weights[0])


@pytest.mark.parametrize(
    ("likelihood", "noise"),
    [
        ("bernoulli", "bernoulli"),
        ("gaussian", "gaussian"),
        ("gaussian-shared", "gaussian"),
        ("gaussian-optimal", "gaussian"),
        ("gaussian-pixel", "none"),
    ],
)
def test_a_map_file_says_how_to_draw_from_the_likelihood(likelihood, noise, tmp_path):
    stored = checkpoint_of(some_codes(None), likelihood=likelihood, sigma=0.3)
    tensors, document = contents(map_file(stored), tmp_path)
    assert document["noise"] == noise
    assert ("sigma" in tensors) == (noise == "gaussian")
    if noise == "gaussian":
        sigma = stored.weights.get("likelihood.log_sigma")
        expected = 0.3 if sigma is None else np.exp(sigma)
        assert tensors["sigma"] == pytest.approx(max(expected, MIN_SIGMA))
        assert tensors["sigma"].shape == (1,)


def test_a_weight_beyond_half_precision_stays_single(tmp_path):
    stored = checkpoint_of(some_codes(None))
    stored.weights["decoder.layers.0.bias"][0] = 1e5
    tensors, _ = contents(map_file(stored, half=True), tmp_path)
    assert tensors["layers.1"].dtype == np.float32
    assert tensors["layers.1"][0] == 1e5


def test_a_file_with_a_number_that_is_not_finite_is_refused():
    stored = checkpoint_of(some_codes(None))
    stored.weights["decoder.layers.0.bias"][0] = np.nan
    with pytest.raises(ValueError, match=r"every number of 'layers\.1' must be finite"):
        map_file(stored)


DECODE = """
    const { decode } = script.readModel(Buffer.from(given.file, "base64"));
    const times = Array.from({ length: 600 }, (_, n) => {
        const start = performance.now();
        decode(given.z[n % given.z.length]);
        return performance.now() - start;
    });
    const images = given.z.map((z) => [...decode(z)]);
    return { images, times: times.slice(200).sort((a, b) => a - b) };
"""


@pytest.mark.browser
@pytest.mark.parametrize(("half", "tolerance"), [(False, 1e-4), (True, 1 / 255)])
@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.stem)
def test_shipped_models_decode_as_in_torch_within_a_millisecond(path, half, tolerance):
    stored = read(path)
    model = restore(stored)
    z = stored.codes.mean[:40]
    file = base64.b64encode(map_file(stored, half=half)).decode()
    answer = evaluate("decoder", DECODE, {"file": file, "z": z.tolist()})
    expected = model.decode(torch.from_numpy(z)).detach().flatten(1).numpy()
    np.testing.assert_allclose(answer["images"], expected, atol=tolerance)
    p50, p95 = (answer["times"][int(share * 400)] for share in (0.5, 0.95))
    print(f"{path.stem}: one decode {p50:.3f} ms, p95 {p95:.3f} ms")
    assert p50 <= 1, "ms; the p95 is that of whatever else runs on this machine"


@pytest.mark.browser
def test_the_browser_reads_every_array_as_it_was_written():
    codes = some_codes(np.array([0, 1, 1, 0, 255]))
    file = base64.b64encode(map_file(checkpoint_of(codes, ("a", "b")), half=True)).decode()
    body = """
        const { header, arrays } = script.readModel(Buffer.from(given, "base64"));
        const lists = Object.entries(arrays).map(([name, values]) => [name, [...values]]);
        return { header, arrays: Object.fromEntries(lists) };
    """
    found = evaluate("decoder", body, file)
    assert found["header"]["class_names"] == ["a", "b"]
    assert found["arrays"].keys() == {"mean", "log_variance", "distortion", "labels"}
    for name, values in found["arrays"].items():
        np.testing.assert_array_equal(values, getattr(codes, name).ravel())
