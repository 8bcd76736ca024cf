"""A user's own trained model: real networks, saved and loaded by their own code, and refusals."""

import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.adapter import browser_decoder
from models.adapter.errors import AdapterError
from models.adapter.measure import measure_model
from models.adapter.source import read_adapter, read_images
from models.data.load import load
from models.export.interpreter import run_layers
from models.export.layers import decoder_layers, module_layers
from models.metrics.likelihood import elbo
from models.metrics.statistics import estimate
from models.storage.checkpoint import read
from tests.helpers.node import evaluate

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "explorer" / "adapters"
DIGITS = load("digits", "test")

MY_VAE = '''"""Somebody's own code: a network, and how they load it."""

from pathlib import Path

import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(32, 2), nn.Linear(32, 2)
        self.decoder = nn.Sequential(
            nn.Linear(2, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 64), nn.Sigmoid()
        )

    def encode(self, images):
        found = self.body(images)
        return self.mean(found), self.log_variance(found)

    def decode(self, z):
        return self.decoder(z).view(-1, 1, 8, 8)


def load():
    model = VAE()
    path = Path(__file__).with_name("vae.pt")
    model.load_state_dict(torch.load(path, weights_only=True))
    return model
'''

PYTHAE = '''"""Stands for pythae 0.1.2: the same folder, names and outputs, nothing else of it."""

import json
from pathlib import Path

import torch
from torch import nn


class ModelOutput(dict):
    __getattr__ = dict.__getitem__


class Encoder(nn.Module):
    def __init__(self, pixels, latent_dim):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(pixels, 512), nn.ReLU())])
        self.embedding, self.log_var = nn.Linear(512, latent_dim), nn.Linear(512, latent_dim)

    def forward(self, x):
        out = self.layers[0](x.flatten(1))
        return ModelOutput(embedding=self.embedding(out), log_covariance=self.log_var(out))


class Decoder(nn.Module):
    def __init__(self, input_dim, latent_dim):
        super().__init__()
        self.input_dim = input_dim
        last = nn.Linear(512, torch.tensor(input_dim).prod().item())
        first = nn.Sequential(nn.Linear(latent_dim, 512), nn.ReLU())
        self.layers = nn.ModuleList([first, nn.Sequential(last, nn.Sigmoid())])

    def forward(self, z):
        out = self.layers[1](self.layers[0](z))
        return ModelOutput(reconstruction=out.reshape(len(z), *self.input_dim))


class VAE(nn.Module):
    def __init__(self, input_dim, latent_dim):
        super().__init__()
        self.encoder = Encoder(torch.tensor(input_dim).prod().item(), latent_dim)
        self.decoder = Decoder(input_dim, latent_dim)


class AutoModel:
    @classmethod
    def load_from_folder(cls, folder):
        config = json.loads((Path(folder) / "model_config.json").read_text())
        model = VAE(config["input_dim"], config["latent_dim"])
        stored = torch.load(Path(folder) / "model.pt", weights_only=True)
        model.load_state_dict(stored["model_state_dict"])
        return model
'''


@pytest.fixture(autouse=True)
def forget_modules(monkeypatch):
    """What an adapter imports is gone after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.split(".")[0] in ("my_vae", "pythae", "latent_adapter"):
            del sys.modules[name]


def roughen(model, seed=0):
    """Weights and running statistics that nothing has left at its start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                centre = 0.0 if "running_var" in name else 0.5
                value += 0.3 * (torch.rand(value.shape, generator=generator) - centre)
    return model


def run_source(source):
    """The names that a source file defines."""
    namespace = {"__file__": str(ROOT / "nowhere" / "my_vae.py"), "__name__": "my_vae"}
    exec(compile(source, "my_vae", "exec"), namespace)
    return namespace


@pytest.fixture
def plain(tmp_path):
    """The plain example, beside a network that was saved with torch.save; and the network."""
    (tmp_path / "my_vae.py").write_text(MY_VAE)
    network = roughen(run_source(MY_VAE)["VAE"]())
    torch.save(network.state_dict(), tmp_path / "vae.pt")
    return Path(shutil.copy(EXAMPLES / "plain.py", tmp_path)), network.eval()


def measured(path):
    return measure_model(read_adapter(path), path.stem)


# --- the examples --------------------------------------------------------------------------------


def test_the_plain_example_opens_a_saved_network(plain):
    path, network = plain
    found = measured(path)
    x = torch.tensor(DIGITS.images)
    mean, log_variance = network.encode(x)
    np.testing.assert_allclose(found.codes.mean, mean.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(found.codes.log_variance, log_variance.detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(found.codes.labels, DIGITS.labels)
    assert found.decoding == "", "the browser has its very layers"
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(3))
    shown = run_layers(*decoder_layers(found.model), z)
    np.testing.assert_allclose(shown, network.decode(z).detach().flatten(1), atol=1e-5)


def test_bernoulli_scores_are_those_of_the_formula(plain):
    path, network = plain
    found = measured(path)
    x = torch.tensor(DIGITS.images)
    noise = torch.randn(len(x), 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean, log_variance = network.encode(x)
        p = network.decode(mean + torch.exp(log_variance / 2) * noise).double()
    each = -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    rate = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
    metrics = found.card.metrics
    assert metrics["distortion"] == pytest.approx(list(estimate(each)), rel=1e-4)
    assert metrics["rate"] == pytest.approx(list(estimate(rate)), rel=1e-4)
    assert metrics["negative_elbo"][0] == pytest.approx((each + rate).mean().item(), rel=1e-4)
    np.testing.assert_allclose(found.codes.distortion, elbo(found.model, x).distortion, rtol=1e-5)


def test_the_pythae_example_opens_a_folder_of_that_shape(tmp_path):
    (tmp_path / "pythae" / "models").mkdir(parents=True)
    (tmp_path / "pythae" / "__init__.py").touch()
    (tmp_path / "pythae" / "models" / "__init__.py").write_text(PYTHAE)
    network = roughen(run_source(PYTHAE)["VAE"]((1, 8, 8), 3))
    folder = tmp_path / "final_model"
    folder.mkdir()
    settings = {"name": "VAEConfig", "input_dim": [1, 8, 8], "latent_dim": 3}
    (folder / "model_config.json").write_text(json.dumps(settings))
    torch.save({"model_state_dict": network.state_dict()}, folder / "model.pt")
    found = measured(Path(shutil.copy(EXAMPLES / "pythae_folder.py", tmp_path)))
    expected = network.encoder(torch.tensor(DIGITS.images)).embedding.detach().numpy()
    np.testing.assert_allclose(found.codes.mean, expected, atol=1e-5)
    assert found.card.config.model.likelihood == "gaussian-optimal"
    assert found.decoding == ""


def test_the_pythae_example_opens_a_folder_of_pythae_itself(tmp_path):
    models = pytest.importorskip("pythae.models")
    network = models.VAE(models.VAEConfig(input_dim=(1, 8, 8), latent_dim=3)).eval()
    network.save(str(tmp_path / "final_model"))
    found = measured(Path(shutil.copy(EXAMPLES / "pythae_folder.py", tmp_path)))
    expected = network.encoder(torch.tensor(DIGITS.images)).embedding.detach().numpy()
    np.testing.assert_allclose(found.codes.mean, expected, atol=1e-5)
    assert found.decoding == ""


# --- likelihoods and data ------------------------------------------------------------------------


def functions(latents=2, **more):
    """An adapter whose decoder is a small network that is not named; and nothing else."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 2 * latents))
    decoder = nn.Sequential(nn.Linear(latents, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    return {
        "data": "digits",
        "encode": lambda x: encoder(x).chunk(2, 1),
        "decode": decoder,
    } | more


def test_the_fitted_sigma_is_the_best_one():
    best = measure_model(functions(), "own")
    sigma, pixels = best.card.config.model.sigma, 64
    expected = 0.5 * pixels * (1 + math.log(2 * math.pi * sigma**2))
    assert best.card.metrics["distortion"][0] == pytest.approx(expected, abs=1e-3)
    for factor in (0.95, 1.05):
        other = measure_model(functions(likelihood="gaussian", sigma=factor * sigma), "own")
        assert other.card.metrics["distortion"][0] > expected + 0.1
    assert any(f"σ = {sigma:.4g}" in note for note in best.notes)


def test_images_labels_and_settings_of_the_adapter():
    images = (torch.rand(12, 9, 11, generator=torch.Generator().manual_seed(0)) * 255).byte()
    own = {
        "encode": lambda x: (x[:, 0, 0, :3], x[:, 0, 1, :3]),
        "decode": lambda z: torch.sigmoid(z.sum(1)).view(-1, 1, 1, 1).expand(-1, 1, 9, 11),
        "images": images,
        "labels": ["cat", "dog", "cat"] * 4,
        "title": "pets\u202e",
        "beta": 4,
    }
    found = measure_model(own, "unused")
    assert found.images.class_names == ("cat", "dog")
    assert found.images.images.max() <= 1
    assert found.card.title == "pets"
    assert found.card.config.objective.beta == 4
    assert not any("β" in note for note in found.notes)
    assert any("divided by 255" in note for note in found.notes)


def test_data_that_is_named_on_the_command_line_goes_first(tmp_path):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    assert len(read_images(functions(), "own")) == 500
    assert len(read_images(functions(), "own", str(tmp_path / "few.npz"))) == 12


def test_a_path_in_the_file_is_looked_for_beside_it_too(tmp_path, monkeypatch):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    source = "def encode(x): ...\ndef decode(z): ...\ndata = 'few.npz'\n"
    (tmp_path / "own.py").write_text(source)
    monkeypatch.chdir(ROOT)
    assert len(read_images(read_adapter(tmp_path / "own.py"), "own")) == 12


def test_images_may_have_colours():
    images = np.random.default_rng(0).random((20, 3, 9, 8))
    own = {
        "encode": lambda x: (x.mean((2, 3)), 0 * x.mean((2, 3))),
        "decode": lambda z: torch.sigmoid(z)[:, :, None, None].expand(-1, 3, 9, 8),
        "images": images,
    }
    found = measure_model(own, "colours")
    assert found.model.config.image_shape == (3, 9, 8)
    sample = found.model.sample(torch.zeros(2, 3), torch.Generator().manual_seed(0))
    assert sample.shape == (2, 3, 9, 8)
    shown = in_browser(found.model, torch.tensor(found.codes.mean[:2]))
    expected = 1 / (1 + np.exp(-found.codes.mean[:2]))
    np.testing.assert_allclose(shown.reshape(2, 3, 72).mean(2), expected, atol=1e-5)


def test_progress_is_reported_to_its_end():
    told = []
    measure_model(functions(), "own", report=lambda what, share: told.append((what, share)))
    assert {what for what, share in told if share == 1} == {"fitting σ", "measuring D and R"}
    for what in ("fitting σ", "measuring D and R"):
        shares = [share for name, share in told if name == what]
        assert len(shares) > 1 and shares == sorted(shares)


def test_a_deviation_in_place_of_a_log_variance_is_suspected():
    def encode(x):
        return x[:, 0, 2:3, 2], 1 + x[:, 0, 3:4, 3]

    found = measure_model(functions(1, encode=encode), "own")
    assert any("ln σ²" in note for note in found.notes)


# --- the browser's decoder -----------------------------------------------------------------------


def in_browser(model, z):
    """What the browser's decoder makes of codes."""
    layers, arrays = decoder_layers(model)
    images = evaluate(
        "decoder",
        """
        const weights = given.arrays.map((array) => Float32Array.from(array));
        const { decode } = script.buildDecoder(given.layers, weights);
        return given.z.map((z) => [...decode(z)]);
        """,
        {"layers": layers, "arrays": [a.ravel().tolist() for a in arrays], "z": z.tolist()},
    )
    return np.array(images)


class Upsampling(nn.Module):
    """Reshapes between its modules, as many do."""

    def __init__(self):
        super().__init__()
        self.start = nn.Linear(2, 6 * 2 * 2, bias=False)
        self.rest = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(6, 5, 3, padding=1), nn.BatchNorm2d(5),
            nn.LeakyReLU(0.1), nn.Dropout(0.5), nn.Upsample(scale_factor=2),
            nn.Conv2d(5, 1, 5, padding=2, bias=False), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, z):
        return self.rest(self.start(z).view(-1, 6, 2, 2))


class Named(nn.Module):
    """Its modules are named, and used in their order."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 64)
        self.link = nn.Sigmoid()

    def forward(self, z):
        return self.link(self.third(self.second(self.first(z)))).view(-1, 1, 8, 8)


class Functional(nn.Module):
    """Uses a function that no module shows."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 16), nn.Linear(16, 64)

    def forward(self, z):
        return torch.sigmoid(self.second(torch.relu(self.first(z)))).view(-1, 1, 8, 8)


SHARED = nn.Tanh()
EXACT = {
    "transposed": lambda: nn.Sequential(
        nn.Linear(2, 12), nn.BatchNorm1d(12, affine=False), nn.ELU(0.7), nn.Unflatten(1, (3, 2, 2)),
        nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid(),
    ),
    "upsampled": Upsampling,
    "shared": lambda: nn.Sequential(
        nn.Linear(2, 8), SHARED, nn.Linear(8, 8), SHARED, nn.Linear(8, 64), nn.Sigmoid(),
        nn.Unflatten(1, (1, 8, 8)),
    ),
    "named": Named,
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_known_layers_are_decoded_exactly(name):
    decoder = roughen(EXACT[name]()).eval()
    found = measure_model(functions(decode=decoder, decoder=decoder), "own")
    assert found.decoding == ""
    z = 2 * torch.randn(20, 2, generator=torch.Generator().manual_seed(7))
    expected = decoder(z).detach().flatten(1).numpy()
    assert expected.std(0).max() > 0.01, "the codes make a difference"
    np.testing.assert_allclose(in_browser(found.model, z), expected, atol=1e-4)


def test_what_the_modules_do_not_show_is_noticed():
    decoder = roughen(Functional()).eval()
    found = measure_model(functions(decode=decoder, decoder=decoder), "own")
    assert "between decoded grid points" in found.decoding
    assert "does more than the layers" in found.decoding


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.GELU(), "known kind, got GELU"),
        (nn.Conv2d(2, 2, 3, groups=2), "no groups"),
        (nn.Conv2d(1, 1, (3, 5)), "square kernel"),
        (nn.Conv2d(1, 1, 3, padding="same"), "padding"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "padding"),
        (nn.ConvTranspose2d(1, 1, 3, dilation=2), "dilation"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), "whole factor"),
        (nn.Upsample(scale_factor=1.5), "whole factor"),
        (nn.Upsample(size=8), "whole factor"),
        (nn.Conv2d(3, 1, 3), "whole square images of 3 channels, got 2"),
        (nn.BatchNorm1d(2, track_running_stats=False), "known kind, got BatchNorm1d"),
    ],
)
def test_layers_without_a_word_are_refused(layer, sentence):
    with pytest.raises(ValueError, match=sentence):
        module_layers(nn.Sequential(layer), 2, (1, 8, 8))


@pytest.mark.parametrize("latents", [1, 2])
def test_between_grid_points_is_near_the_decoder_and_says_how_near(latents):
    own = functions(latents)
    found = measure_model(own, "own")
    assert "between decoded grid points" in found.decoding
    z = torch.randn(30, latents, generator=torch.Generator().manual_seed(7)).clamp(-3.9, 3.9)
    shown = in_browser(found.model, z)
    np.testing.assert_allclose(shown, own["decode"](z).detach().flatten(1), atol=2e-3)
    (layer,), (images,) = found.model.browser_layers
    np.testing.assert_allclose(
        shown, browser_decoder.interpolate(layer, images, z.numpy()), atol=1e-5
    )
    assert (np.array(layer["low"]) <= found.codes.mean.min(0)).all()
    assert (np.array(layer["high"]) >= found.codes.mean.max(0)).all()


def test_a_steep_decoder_is_said_to_be_far_between_grid_points():
    def steep(z):
        return torch.sigmoid(300 * torch.sin(20 * z.sum(1))).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    text = measure_model(functions(decode=steep), "own").decoding
    assert float(text.split(" at most")[0].split()[-1]) > 0.3


def test_in_more_dimensions_the_nearest_decoded_code_is_shown():
    own = functions(3)
    found = measure_model(own, "own")
    assert "nearest of 500 decoded test codes, not the spot itself" in found.decoding
    at = torch.tensor(found.codes.mean[[3, 77, 499]])
    expected = own["decode"](at).detach().flatten(1)
    np.testing.assert_allclose(in_browser(found.model, at), expected, atol=1e-6)
    np.testing.assert_allclose(in_browser(found.model, at + 1e-4), expected, atol=1e-6)


def test_the_browser_gets_no_more_than_it_can_hold(monkeypatch):
    monkeypatch.setattr(browser_decoder, "MAX_NUMBERS", 64 * 100)
    assert "nearest of 100 " in measure_model(functions(3), "own").decoding
    assert "10 × 10 of them" in measure_model(functions(2), "own").decoding
    assert "100 of them" in measure_model(functions(1), "own").decoding


# --- the checkpoint ------------------------------------------------------------------------------


def test_what_is_written_is_a_checkpoint_of_this_decoder(tmp_path, plain):
    path, _ = plain
    measured(path).write(tmp_path / "first.safetensors")
    measured(path).write(tmp_path / "again.safetensors")
    undecoded = {name: value for name, value in read_adapter(path).items() if name != "decoder"}
    measure_model(undecoded, "plain").write(tmp_path / "other.safetensors")
    first, again, other = (
        read(tmp_path / f"{name}.safetensors") for name in ("first", "again", "other")
    )
    assert first.card == measured(path).card
    assert first.fingerprint == again.fingerprint != other.fingerprint
    np.testing.assert_allclose(first.codes.mean, measured(path).codes.mean, rtol=1e-3, atol=1e-3)


# --- refusals ------------------------------------------------------------------------------------


def two(value):
    return lambda x: (value(x), value(x))


def grey(value):
    return lambda z: torch.full((len(z), 1, 8, 8), value)


REFUSED = {
    "no tuple": ({"encode": lambda x: x[:, 0, 0]}, "mean and log_variance, got Tensor"),
    "three": ({"encode": lambda x: (x, x, x)}, "got 3 values"),
    "nothing": ({"encode": lambda x: None}, "got nothing"),
    "an array": ({"encode": two(lambda x: x[:, 0, 0].numpy())}, "torch tensor, got ndarray"),
    "one row": ({"encode": two(lambda x: x[0, 0, :2])}, r"shape \(8, Z\), one row an image"),
    "flat": ({"encode": two(lambda x: x[:, 0, 0, 0])}, r"shape \(2, Z\)"),
    "no latents": ({"encode": two(lambda x: x[:, 0, 0, :0])}, r"got \(2, 0\)"),
    "two sizes": ({"encode": lambda x: (x[:, 0, 0, :2], x[:, 0, 0, :3])}, "the same shape"),
    "NaN code": ({"encode": two(lambda x: x[:, 0, 0] / 0)}, "mean must be finite"),
    "257 latents": ({"encode": two(lambda x: torch.zeros(len(x), 257))}, "at most 256 latents"),
    "variance": ({"encode": two(lambda x: x[:, 0, 0] + 90)}, "return ln σ², not σ² or σ"),
    "failing": ({"encode": lambda x: x.nowhere}, "encode must not fail, .* AttributeError"),
    "decoded flat": ({"decode": lambda z: torch.zeros(len(z), 64)}, r"got \(8, 64\): reshape"),
    "one image": ({"decode": lambda z: torch.zeros(1, 1, 8, 8)}, r"got \(1, 1, 8, 8\)"),
    "NaN image": ({"decode": grey(math.nan)}, "finite images"),
    "too bright": ({"decode": grey(1.5)}, r"in \[0, 1\], got 1.5 to 1.5: end it with a sigmoid"),
    "negative": ({"decode": grey(-0.1)}, r"in \[0, 1\], got -0.1"),
    "decoded list": ({"decode": lambda z: [0]}, "torch tensor, got 1 values"),
    "bad far out": (
        {"decode": lambda z: (z.sum(1) > 2).float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8) * 9},
        r"in \[0, 1\], got 0 to 9",
    ),
    "noise": ({"encode": two(lambda x: torch.rand(len(x), 2))}, "encode must return the same"),
    "noisy image": ({"decode": lambda z: torch.rand(len(z), 1, 8, 8)}, "decode must return the"),
    "by batch": (
        {"encode": lambda x: ((x - x.mean(0))[:, 0, 3, 2:4] * 9, x[:, 0, 0, :2])},
        "for every batch",
    ),
    "likelihood": ({"likelihood": "poisson"}, "likelihood must be one of .*, got 'poisson'"),
    "pixel": ({"likelihood": "gaussian-pixel"}, "likelihood must be one of"),
    "no sigma": ({"likelihood": "gaussian"}, "sigma must be given"),
    "bad sigma": ({"likelihood": "gaussian", "sigma": -1}, "sigma must be at least"),
    "beta": ({"beta": math.nan}, "beta must be finite"),
    "device": ({"device": "abacus"}, "device must be one that torch has here"),
    "no device": ({"device": "meta"}, "device must be one that torch has here"),
    "decoder": ({"decoder": 3}, "decoder must be an nn.Module, got int"),
    "failing decoder": ({"decoder": lambda: 1 / 0}, "decoder must not fail, .*ZeroDivisionError"),
    "no data": ({"data": None}, "define data or images"),
    "unknown data": ({"data": "nowhere"}, "data must be one of"),
    "few images": ({"data": None, "images": np.zeros((9, 8, 8))}, "at least 10 images, got 9"),
    "large": ({"data": None, "images": np.zeros((10, 65, 8))}, "8 to 64 pixels"),
    "small": ({"data": None, "images": np.zeros((10, 7, 8))}, "8 to 64 pixels"),
    "channels": ({"data": None, "images": np.zeros((10, 2, 8, 8))}, "1 or 3"),
    "whole numbers": ({"data": None, "images": np.zeros((10, 8, 8), int)}, "float or uint8"),
    "range": ({"data": None, "images": np.full((10, 8, 8), 255.0)}, r"lie in \[0, 1\]"),
    "NaN pixel": ({"data": None, "images": np.full((10, 8, 8), math.nan)}, r"lie in \[0, 1\]"),
    "ragged": ({"data": None, "images": [[1], [1, 2]]}, "images must be an array"),
    "objects": ({"data": None, "images": np.array([{}] * 10)}, "numbers or texts, got objects"),
    "labels": (
        {"data": None, "images": np.zeros((10, 8, 8)), "labels": [1, 2]},
        "one for each of 10 images",
    ),
    "classes": (
        {"data": None, "images": np.zeros((10, 8, 8)), "labels": [5] * 10, "class_names": ["a"]},
        "labels must lie in 0 to 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_sentence(name):
    wrong, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        measure_model(functions(**wrong), "own")
    assert "\n" not in str(caught.value) and str(ROOT) not in str(caught.value)


@pytest.mark.parametrize("kind", [nn.Dropout(0.5), nn.BatchNorm1d(64)])
def test_a_model_left_in_training_is_refused(kind):
    encoder = nn.Sequential(nn.Flatten(), kind, nn.Linear(64, 4))
    with pytest.raises(AdapterError, match=r"call model.eval\(\)"):
        measure_model(functions(encode=lambda x: encoder(x).chunk(2, 1)), "own")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def encode(x): ...", "but decode is missing"),
        ("encode = 1\ndef decode(z): ...", "but encode is not a function"),
        ("import nothing_of_that_name", r"ModuleNotFoundError: .*\(own.py, line 1\)"),
        ("x = 1\ny = 1 / 0", r"ZeroDivisionError: division by zero \(own.py, line 2\)"),
        ("def encode(", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, source, sentence):
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=sentence):
        read_adapter(tmp_path / "own.py")


def test_only_a_python_file_is_run(tmp_path):
    (tmp_path / "own.txt").write_text("raise SystemExit")
    for name in ("own.txt", "nowhere.py", "."):
        with pytest.raises(AdapterError, match="the adapter must be a Python file"):
            read_adapter(tmp_path / name)


def test_a_function_that_fails_later_says_where(tmp_path):
    source = "def encode(x):\n    return x.nowhere\ndef decode(z): ...\ndata = 'digits'\n"
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=r"encode must not fail.*\(own.py, line 2\)"):
        measured(tmp_path / "own.py")
