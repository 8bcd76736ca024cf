"""A user's trained model is measured: real networks, saved and loaded by their own code."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from models.adapter.definitions import run_file
from models.export.interpreter import run_layers
from models.export.layers import decoder_layers
from models.metrics.likelihood import elbo, evaluation_noise
from models.metrics.statistics import estimate
from models.storage.checkpoint import read
from tests.helpers.adapters import (
    DIGITS,
    EXAMPLES,
    PYTHAE,
    functions,
    in_browser,
    measure,
    measured,
    roughen,
    run_source,
)


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
    noise = evaluation_noise(len(x), 2)
    with torch.no_grad():
        mean, log_variance = network.encode(x)
        draws = mean + torch.exp(log_variance / 2) * noise
        p = torch.stack([network.decode(z) for z in draws]).double()
    each = -(x * p.log() + (1 - x) * (1 - p).log()).sum((2, 3, 4)).mean(0)
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


def test_the_fitted_sigma_is_the_best_one():
    best = measure(functions())
    sigma, pixels = best.card.config.model.sigma, 64
    expected = 0.5 * pixels * (1 + math.log(2 * math.pi * sigma**2))
    assert best.card.metrics["distortion"][0] == pytest.approx(expected, abs=1e-3)
    for factor in (0.95, 1.05):
        other = measure(functions(likelihood="gaussian", sigma=factor * sigma))
        assert other.card.metrics["distortion"][0] > expected + 0.1
    assert any(f"σ = {sigma:.4g}" in note for note in best.notes)


def test_images_may_have_colours():
    images = np.random.default_rng(0).random((20, 3, 9, 8))
    own = {
        "encode": lambda x: (x.mean((2, 3)), 0 * x.mean((2, 3))),
        "decode": lambda z: torch.sigmoid(z)[:, :, None, None].expand(-1, 3, 9, 8),
        "images": images,
    }
    found = measure(own, "colours")
    assert found.model.config.image_shape == (3, 9, 8)
    sample = found.model.sample(torch.zeros(2, 3), torch.Generator().manual_seed(0))
    assert sample.shape == (2, 3, 9, 8)
    shown = in_browser(found.model, torch.tensor(found.codes.mean[:2]))
    expected = 1 / (1 + np.exp(-found.codes.mean[:2]))
    np.testing.assert_allclose(shown.reshape(2, 3, 72).mean(2), expected, atol=1e-5)


def test_progress_is_reported_to_its_end():
    told = []
    measure(functions(), report=lambda what, share: told.append((what, share)))
    assert {what for what, share in told if share == 1} == {"fitting σ", "measuring D and R"}
    for what in ("fitting σ", "measuring D and R"):
        shares = [share for name, share in told if name == what]
        assert len(shares) > 1 and shares == sorted(shares)


def test_a_deviation_in_place_of_a_log_variance_is_suspected():
    def encode(x):
        return x[:, 0, 2:3, 2], 1 + x[:, 0, 3:4, 3]

    found = measure(functions(1, encode=encode))
    assert any("ln σ²" in note for note in found.notes)


def test_what_is_written_is_a_checkpoint_of_this_decoder(tmp_path, plain):
    path, _ = plain
    measured(path).write(tmp_path / "first.safetensors")
    measured(path).write(tmp_path / "again.safetensors")
    undecoded = {name: value for name, value in run_file(path).items() if name != "decoder"}
    measure(undecoded, "plain").write(tmp_path / "other.safetensors")
    first, again, other = (
        read(tmp_path / f"{name}.safetensors") for name in ("first", "again", "other")
    )
    assert first.card == measured(path).card
    assert first.fingerprint == again.fingerprint != other.fingerprint
    np.testing.assert_allclose(first.codes.mean, measured(path).codes.mean, rtol=1e-3, atol=1e-3)
