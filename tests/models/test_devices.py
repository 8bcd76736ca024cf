"""Whatever trains or scores makes its tensors where the model is, with the processor's numbers."""

import json

import numpy as np
import pytest
import torch

from explorer.report.page import report_page
from models.audit.audit import audit
from models.audit.subject import stored_model
from models.config import override
from models.data.load import load
from models.devices import device_of, find_device, finest
from models.families.generate import generate
from models.judge.score import RealImages, score_checkpoint
from models.judge.train import train_judge
from models.runs.evaluation import evaluate_checkpoint
from models.runs.folder import Run
from models.runs.scores import store_scores
from models.runs.train import execute
from models.runs.train_together import train_together
from models.storage.checkpoint import read, restore
from models.sweeps.convergence import training_terms
from tests.helpers.command_line import assert_refusal, call
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS
from tests.helpers.other_device import other_device
from tests.helpers.paths import ROOT

CHECKPOINTS = ROOT / "checkpoints"
TRAINED = {
    **{family: {"family": family, **more} for family, more in SETTINGS.items()},
    "learned sigma": {"likelihood": "gaussian-pixel"},
    "convolutions": {"network": "conv", "hidden": (8,), "likelihood": "gaussian-optimal"},
    "multirate convolutions": {"family": "multirate", "network": "conv", "hidden": (8,)},
    "binarised": {"training": {"binarize": True}},
    "linear start": {"hidden": (), "training": {"start": "linear"}},
    "bfloat16": {"training": {"precision": "bfloat16"}},
    "channels last": {"network": "conv", "hidden": (8,), "training": {"layout": "channels_last"}},
    "free bits": {"objective": {"free_bits": 0.1}},
}


def settings(name):
    more = dict(TRAINED[name])
    training = {"epochs": 1, "batch_size": 256, **more.pop("training", {})}
    return tiny(training=training, **more)


def trained(folder, config, device):
    """A run trained on a device, or here in its place."""
    run = Run.create(folder, config, "a run")
    for _ in execute(run, device=device):
        pass
    return run


def same_runs(first, second):
    """The same weights and scores; but attention has a kernel of its own here."""
    first, second = (read(run.model_path) for run in (first, second))
    same_scores(first.card.metrics, second.card.metrics)
    for name, weights in first.weights.items():
        assert name.startswith("prior.") or np.allclose(
            weights, second.weights[name], rtol=1e-5, atol=1e-6
        ), name


def same_scores(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if not isinstance(value, str):
            assert np.allclose(value, second[name], rtol=1e-3), name


def test_the_other_device_is_strict():
    with other_device(has_float64=False) as name:
        there, generator = torch.ones(3, device=name), torch.Generator(name)
        assert there.device == torch.device(name) and (there + 1.0).sum().item() == 6
        wrong = {
            "mixed": lambda: there + torch.ones(3),
            "mixed, inside": lambda: torch.nn.functional.linear(there, torch.ones(2, 3)),
            "indexed by it": lambda: torch.ones(3)[there.long()],
            "NumPy": there.numpy,
            "float64": there.double,
            "a generator of here": lambda: there.normal_(generator=torch.Generator()),
            "its generator here": lambda: torch.randn(3, generator=generator),
        }
        for what, action in wrong.items():
            with pytest.raises((RuntimeError, TypeError)):
                action()
                pytest.fail(what)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_run_is_trained_there_as_here(name, tmp_path):
    config = settings(name)
    with other_device() as device:
        there = trained(tmp_path / "there", config, device)
        there_scores = evaluate_checkpoint(there.model_path, device=device)
        if config.model.capabilities.has_prior:
            model = restore(read(there.model_path)).to(device)
            drawn = torch.cat([each.cpu() for each in generate(model, 20)])
            assert drawn.isfinite().all()
    if name.startswith("bfloat16"):  # the other device computes in float32 all the same
        config = override(config, precision="float32")
    here = trained(tmp_path / "here", config, "cpu")
    same_runs(there, here)
    same_scores(evaluate_checkpoint(here.model_path), there_scores)


@pytest.mark.slow
def test_a_stack_is_trained_there_as_here(tmp_path):
    """Two β together, and what a sweep checks of them after it."""
    known = {}
    with other_device() as device:
        for place in (device, "cpu"):
            configs = [tiny(objective={"beta": b}, training={"epochs": 1}) for b in (0.5, 2.0)]
            runs = known[place] = [Run.create(tmp_path / place, each) for each in configs]
            for news in train_together(runs, device=place):
                assert not any(isinstance(each, Exception) for each in news.values()), news
        for there, here in zip(*known.values(), strict=True):
            same_runs(there, here)
        terms = [training_terms(runs, device=place) for place, runs in known.items()]
    assert np.array_equal(terms[0], terms[1])


@pytest.mark.slow
def test_a_judge_is_trained_and_scores_there_as_here(tmp_path):
    training, test = load("digits", "train"), load("digits", "test")
    path = CHECKPOINTS / "digits-multirate.safetensors"
    path = path if path.exists() else CHECKPOINTS / "digits-2d-multirate.safetensors"
    with other_device() as device:
        files = [train_judge(training, test, updates=3, device=each) for each in (device, "cpu")]
        assert files[0].card.accuracy == files[1].card.accuracy
        for name, weights in files[0].weights.items():
            assert np.array_equal(weights, files[1].weights[name])
        real = [RealImages(training, test, device=each) for each in (device, "cpu")]
        found = [
            score_checkpoint(path, count=60, real=each, device=place)
            for each, place in zip(real, (device, "cpu"), strict=True)
        ]
    assert found[0].scores == found[1].scores


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits-2d-beta-1", "digits-2d-multirate", "digits-autoencoder"])
def test_an_audit_is_the_same_there(name):
    path = CHECKPOINTS / f"{name}.safetensors"
    with other_device() as device:
        pages = [report_page(audit(stored_model(path, device=each))) for each in (device, "cpu")]
    assert pages[0] == pages[1]


@pytest.mark.slow
def test_a_bound_and_stored_scores_are_the_same_there(tmp_path):
    copy = tmp_path / "model.safetensors"
    copy.write_bytes((CHECKPOINTS / "digits-2d-beta-1.safetensors").read_bytes())
    with other_device() as device:
        bounds = [
            evaluate_checkpoint(copy, samples=3, images=20, device=each) for each in (device, "cpu")
        ]
        store_scores(copy, device=device)
        there = read(copy).card.metrics
        store_scores(copy)
    assert bounds[0] == bounds[1] and read(copy).card.metrics == there


COMMANDS = {
    "train": ["train"],
    "sweep": ["sweep", "--betas", "1"],
    "evaluate": ["evaluate", CHECKPOINTS / "digits-2d-beta-1.safetensors"],
    "sample": ["sample", CHECKPOINTS / "digits-2d-beta-1.safetensors"],
    "judge train": ["judge", "train"],
    "judge score": ["judge", "score", CHECKPOINTS / "digits-2d-beta-1.safetensors"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_not_there_is_refused_in_a_sentence(command, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = call(*COMMANDS[command], "--device", "cuda", status=1)
    assert_refusal(said, "device must be cpu where torch finds no GPU, got 'cuda'")
    said = call(*COMMANDS[command], "--device", "tpu", status=1)
    assert_refusal(said, "device must be auto, cpu, cuda or mps, got 'tpu'")


def test_the_environment_names_the_device_of_all_commands(monkeypatch):
    monkeypatch.setenv("LATENT_DEVICE", "tpu")
    assert_refusal(call(*COMMANDS["evaluate"], status=1), "got 'tpu'")
    monkeypatch.setenv("LATENT_DEVICE", "auto")
    assert "distortion" in json.loads(call(*COMMANDS["evaluate"], "--json"))


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    for cuda, mps, found in [(1, 1, "cuda"), (1, 0, "cuda"), (0, 1, "mps"), (0, 0, "cpu")]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=cuda: bool(there))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=mps: bool(there))
        assert find_device("auto") == found


def test_a_model_says_where_it_is():
    with other_device() as device:
        assert device_of(torch.nn.Linear(2, 1).to(device)) == torch.device(device)


@pytest.mark.slow
@pytest.mark.parametrize("family", SETTINGS)
def test_a_device_without_float64_trains_and_scores_every_family(family, tmp_path, monkeypatch):
    for module in ("denoising", "quantization"):
        name = f"models.objectives.{module}.finest"
        monkeypatch.setattr(name, lambda device: finest(torch.device("mps")))
    config = settings(family)
    with other_device(has_float64=False) as device:
        run = trained(tmp_path, config, device)
        found = evaluate_checkpoint(run.model_path, device=device)
        if config.model.capabilities.has_posterior:
            audit(stored_model(run.model_path, device=device))
    assert found["images"] == 500
