"""The exported layout, read by the browser's own decoder, against torch."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.capabilities import LIKELIHOODS
from models.config import ACTIVATIONS, ModelConfig
from models.export.layers import decoder_layers
from models.export.pack import pack, pack_model
from models.families.registry import build_model
from models.latents.codes import Codes
from models.objectives.distributions import normal_log_prob
from models.storage.checkpoint import read, restore

SHIPPED = sorted((Path(__file__).parents[2] / "checkpoints").glob("*.safetensors"))
DECODER = Path(__file__).parents[2] / "explorer/browser/numerics/decoder.js"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def page():
    """An empty page that knows decoder.js."""
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.add_script_tag(content=DECODER.read_text().replace("export function", "function"))
        yield page
        browser.close()


def decode_in_browser(page, model, z):
    layers, arrays = decoder_layers(model)
    packed = base64.b64encode(pack({"layers": layers}, arrays)).decode()
    result = page.evaluate(
        """([packed, z]) => {
            const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
            const { header, numbers } = unpack(bytes);
            const { decode, used } = buildDecoder(header.layers, numbers);
            return { image: [...decode(Float32Array.from(z))], left: numbers.length - used };
        }""",
        [packed, z.tolist()],
    )
    assert result["left"] == 0
    return np.array(result["image"])


def roughen(model, seed):
    """Larger weights than a fresh model's, so that a wrong index cannot hide."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


@pytest.mark.browser
@settings(max_examples=25)
@given(
    network=st.sampled_from(("mlp", "conv")),
    hidden=st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
    shape=st.tuples(st.sampled_from((1, 3)), st.integers(8, 23), st.integers(8, 23)),
    latent_dim=st.integers(1, 9),
    activation=st.sampled_from(ACTIVATIONS),
    likelihood=st.sampled_from(list(LIKELIHOODS)),
    seed=st.integers(0, 99),
)
def test_browser_decodes_what_torch_decodes(
    page, network, hidden, shape, latent_dim, activation, likelihood, seed
):
    config = ModelConfig(
        network=network,
        hidden=hidden,
        image_shape=shape,
        latent_dim=latent_dim,
        activation=activation,
        likelihood=likelihood,
    )
    model = roughen(build_model(config, seed), seed)
    z = torch.randn(latent_dim, generator=torch.Generator().manual_seed(seed))
    expected = model.decode(z[None])[0].detach().flatten().numpy()
    np.testing.assert_allclose(decode_in_browser(page, model, z), expected, atol=1e-4)


@pytest.mark.browser
def test_browser_densities_are_the_distributions(page):
    generator = torch.Generator().manual_seed(0)
    means, log_variances = torch.randn(2, 50, 3, generator=generator)
    z = torch.randn(3, generator=generator)
    prior, aggregate = page.evaluate(
        """([z, means, logVariances]) => {
            const at = Float32Array.from(z);
            const q = buildAggregate(3, Float32Array.from(means), Float32Array.from(logVariances));
            return [logPrior(at), q(at)];
        }""",
        [z.tolist(), means.flatten().tolist(), log_variances.flatten().tolist()],
    )
    each = normal_log_prob(z, means, log_variances).sum(1)
    assert prior == pytest.approx(normal_log_prob(z, 0.0, 0.0).sum().item(), abs=1e-5)
    assert aggregate == pytest.approx((each.logsumexp(0) - np.log(50)).item(), abs=1e-5)


def test_layout_is_as_documented():
    layers, arrays = decoder_layers(build_model(ModelConfig(hidden=(3,), image_shape=(1, 8, 8))))
    packed = pack({"layers": layers}, arrays)
    length = int.from_bytes(packed[:4], "little")
    assert length % 4 == 0
    assert json.loads(packed[4 : 4 + length]) == {"layers": layers, "halves": 0}
    numbers = np.frombuffer(packed, "<f4", offset=4 + length)
    np.testing.assert_array_equal(numbers, np.concatenate([array.ravel() for array in arrays]))


@pytest.mark.parametrize("half", [False, True])
def test_a_packed_model_holds_decoder_and_codes(half):
    model = build_model(ModelConfig(hidden=(3,), image_shape=(1, 8, 8)))
    generator = np.random.default_rng(0)
    mean, log_variance = generator.normal(size=(2, 5, 2)).astype(np.float32)
    codes = Codes(mean, log_variance, np.arange(5.0), np.array([0, 1, 1, 0, 300]))
    packed = pack_model(model, codes, ["a", "b"], half)
    length = int.from_bytes(packed[:4], "little")
    header = json.loads(packed[4 : 4 + length])
    layers, weights = decoder_layers(model)
    size = sum(array.size for array in weights)
    assert header == {
        "layers": layers,
        "image_shape": [1, 8, 8],
        "latent_dim": 2,
        "class_names": ["a", "b"],
        "arrays": [["mean", 10], ["log_variance", 10], ["distortion", 5], ["label", 5]],
        "halves": size if half else 0,
    }
    start = 4 + length + (2 * (size + size % 2) if half else 4 * size)
    numbers = np.frombuffer(packed, "<f4", offset=start)
    expected = (mean.ravel(), log_variance.ravel(), codes.distortion, codes.labels)
    np.testing.assert_array_equal(numbers, np.concatenate(expected).astype(np.float32))


@pytest.mark.browser
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_weights_of_half_precision_change_no_level(page, path):
    stored = read(path)
    model = restore(stored)
    z = stored.codes.mean[17]
    packed = base64.b64encode(pack_model(model, stored.codes, (), half=True)).decode()
    image = page.evaluate(
        """([packed, z]) => {
            const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
            const { header, numbers } = unpack(bytes);
            return [...buildDecoder(header.layers, numbers).decode(Float32Array.from(z))];
        }""",
        [packed, z.tolist()],
    )
    expected = model.decode(torch.from_numpy(z[None]))[0].detach().flatten().numpy()
    np.testing.assert_allclose(image, expected, atol=1 / 255)


def test_unknown_layer_is_named():
    model = build_model(ModelConfig())
    model.decoder.layers.append(nn.GELU())
    with pytest.raises(ValueError, match="known kind, got GELU"):
        decoder_layers(model)
