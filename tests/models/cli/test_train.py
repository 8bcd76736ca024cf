"""The command train: makes runs, refuses in one sentence, stops when told, survives kills."""

import os
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.cli.app import app
from models.cli.train import fit_to_data
from models.config import ObjectiveConfig, override
from models.data.builtin import load_digits
from models.families.registry import build_model
from models.presets import PRESETS, preset
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.training import automatic
from tests.helpers.command_line import assert_refusal, call, train
from tests.helpers.processes import finish, python, wait


def test_train_makes_a_run_and_says_what_it_did(trained):
    card = read(trained.model_path).card
    assert card.title == "two epochs" and card.steps == 40
    assert card.config == override(preset("digits-2d"), epochs=2, threads=1)
    assert card.command.startswith("python -m models ")
    assert len(trained.history.rows()) == 2


def test_what_suits_the_machine_is_chosen_once_said_and_recorded(tmp_path, monkeypatch):
    chosen = []
    choose = automatic.choose
    monkeypatch.setattr(
        automatic, "choose", lambda *given: chosen.append(choose(*given)) or chosen[0]
    )
    small = ("--runs-dir", tmp_path, "--epochs", 1, "--hidden", 8, "--threads", "auto")
    said = call("train", *small, "--network", "conv", "--output", tmp_path / "copy.safetensors")
    (run,), (config,) = list_runs(tmp_path), chosen
    training = config.training
    assert f"Chosen for this machine: {training.precision}, {training.threads} thread" in said
    assert f"{training.layout} layout" in said and run.config() == config
    assert read(run.model_path).card.command.endswith(
        f"--precision {training.precision} --threads {training.threads} --layout {training.layout}"
    )
    call("train", "--runs-dir", tmp_path, "--resume", run.id)
    assert len(chosen) == 1 and run.config() == config


@pytest.mark.parametrize("has_it", [True, False])
def test_bfloat16_where_it_is_slow_is_said(has_it, tmp_path, monkeypatch):
    monkeypatch.setattr(automatic, "has_bfloat16", lambda device="cpu": has_it)
    words = ["train", "--runs-dir", str(tmp_path), "--epochs", "1", "--threads", "1"]
    result = CliRunner().invoke(app, [*words, "--precision", "bfloat16"])
    (run,) = list_runs(tmp_path)
    again = CliRunner().invoke(app, ["train", "--runs-dir", str(tmp_path), "--resume", run.id])
    for each in (result, again):
        assert each.exit_code == 0, each.output
        assert ("has no bfloat16 instructions, so" in each.stderr) == (not has_it)


def test_every_setting_reaches_the_run(tmp_path):
    train(
        tmp_path, "--preset", "digits-ae", "--family", "vae", "--network", "conv",
        "--hidden", "4,8", "--activation", "silu", "--latent-dim", 3, "--likelihood", "gaussian",
        "--sigma", 0.5, "--beta", 2, "--kl-warmup-steps", 7, "--epochs", 1, "--batch-size", 500,
        "--learning-rate", 0.001, "--warmup-steps", 3, "--seed", 5, "--precision", "bfloat16",
        "--no-binarize",
    )  # fmt: skip
    (run,) = list_runs(tmp_path)
    model = {"network": "conv", "hidden": (4, 8), "activation": "silu", "latent_dim": 3,
             "family": "vae", "likelihood": "gaussian", "sigma": 0.5}  # fmt: skip
    training = {"epochs": 1, "batch_size": 500, "learning_rate": 0.001, "warmup_steps": 3,
                "seed": 5, "precision": "bfloat16", "threads": 1}  # fmt: skip
    config = override(preset("digits-ae"), beta=2.0, kl_warmup_steps=7, **model, **training)
    assert run.config() == config and read(run.model_path).card.config == config
    (row,) = run.history.rows()
    assert row["step"] == 2


def test_every_remedy_reaches_the_run(tmp_path):
    train(
        tmp_path, "--hidden", "none", "--kl-warmup-steps", 0, "--cycles", 2, "--ramp", 0.25,
        "--free-bits", 0.5, "--capacity", 3, "--capacity-steps", 10, "--epochs", 1,
    )  # fmt: skip
    (run,) = list_runs(tmp_path)
    assert run.config().model.hidden == ()
    assert run.config().objective == ObjectiveConfig(
        cycles=2, ramp=0.25, free_bits=0.5, capacity=3.0, capacity_steps=10
    )


def test_image_shape_is_that_of_the_data():
    config = replace(preset("mnist-2d"), data="digits")
    assert fit_to_data(config, None).model.image_shape == (1, 8, 8)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_describes_a_model(name):
    config = fit_to_data(replace(preset(name), data="digits"), None)
    assert config == override(preset(name), data="digits", image_shape=(1, 8, 8))
    model = build_model(config.model)
    images = torch.tensor(load_digits("test").images[:5])
    if not config.model.capabilities.has_codes:
        drawn = model.generate(5, torch.Generator().manual_seed(0))
        assert drawn.shape == images.shape and drawn.isfinite().all()
        return
    with torch.no_grad():
        mean, log_variance = model.encode(images)
        decoded = model.decode(mean)
    assert mean.shape == (5, config.model.latent_dim) and mean.isfinite().all()
    assert (log_variance is None) == (config.model.family == "autoencoder")
    assert decoded.shape == images.shape and decoded.isfinite().all()


BAD = {
    "beta negative": (["--beta", -1], "beta must be at least 0"),
    "beta NaN": (["--beta", "nan"], "beta must be finite"),
    "beta infinite": (["--beta", "inf"], "beta must be finite"),
    "beta a million": (["--beta", 1e6], "beta must be at most 10000"),
    "latent_dim 0": (["--latent-dim", 0], "latent_dim must be at least 1"),
    "latent_dim a million": (["--latent-dim", 10**6], "latent_dim must be at most 256"),
    "latent_dim endless": (["--latent-dim", "9" * 400], "latent_dim must be at most 256"),
    "learning rate 0": (["--learning-rate", 0], "learning_rate must be at least"),
    "learning rate negative": (["--learning-rate", -1e-3], "learning_rate must be at least"),
    "learning rate 10": (["--learning-rate", 10], "learning_rate must be at most 1"),
    "learning rate NaN": (["--learning-rate", "nan"], "learning_rate must be finite"),
    "epochs 0": (["--epochs", 0], "epochs must be at least 1"),
    "epochs negative": (["--epochs", -3], "epochs must be at least 1"),
    "batch 0": (["--batch-size", 0], "batch_size must be at least 1"),
    "batch > N": (["--batch-size", 1298], "at most the 1297 training images, got 1298"),
    "too many parameters": (["--hidden", "4096,4096"], "at most 10,000,000 parameters"),
    "hidden empty": (["--hidden", ""], "whole numbers like 512,256"),
    "hidden words": (["--hidden", "wide"], "whole numbers like 512,256"),
    "hidden 0": (["--hidden", "0"], "every entry of hidden must be at least 1"),
    "hidden 7 layers": (["--hidden", "8,8,8,8,8,8,8"], "hidden must have 0 to 6 entries"),
    "too many halvings": (["--network", "conv", "--hidden", "8,8,8,8"], "halve 8 pixels"),
    "sigma 0": (["--sigma", 0], "sigma must be at least"),
    "warm-up negative": (["--kl-warmup-steps", -1], "kl_warmup_steps must be at least 0"),
    "cycles negative": (["--cycles", -1], "cycles must be at least 0"),
    "cycles beside a warm-up": (["--cycles", 4], "kl_warmup_steps must be 0 where"),
    "cycles of one step": (
        ["--cycles", 20, "--kl-warmup-steps", 0, "--epochs", 1],
        "fewer than the 20 steps, got 20",
    ),
    "ramp 0": (["--ramp", 0], "ramp must be at least 0.01"),
    "free bits negative": (["--free-bits", -0.5], "free_bits must be at least 0"),
    "capacity NaN": (["--capacity", "nan"], "capacity must be finite"),
    "capacity steps negative": (["--capacity-steps", -1], "capacity_steps must be at least 0"),
    "seed negative": (["--seed", -1], "seed must be at least 0"),
    "seed beyond 31 bits": (["--seed", 2**31], "seed must be at most"),
    "threads 0": (["--threads", 0], "threads must be at least 1"),
    "preset unknown": (["--preset", "large"], "preset must be one of digits-2d"),
    "family unknown": (["--family", "flow"], "family must be one of vae, autoencoder"),
    "network unknown": (["--network", "vit"], "network must be one of mlp, conv"),
    "activation unknown": (["--activation", "tanh"], "activation must be one of relu, silu"),
    "likelihood unknown": (["--likelihood", "poisson"], "likelihood must be one of bernoulli"),
    "precision unknown": (["--precision", "float8"], "precision must be one of float32"),
    "binarized Gaussian": (["--binarize", "--likelihood", "gaussian"], "bernoulli likelihood"),
    "device unknown": (["--device", "tpu"], "device must be auto, cpu, cuda or mps"),
    "autosave NaN": (["--autosave", "nan"], "autosave must be at least 0 and finite"),
    "autosave negative": (["--autosave", -1], "autosave must be at least 0 and finite"),
    "output nowhere": (["--output", "none/a.safetensors"], "in a folder that exists"),
    "data unknown": (["--data", "imagenet"], "data must be one of digits, sprites"),
    "data with NUL": (["--data", "a\0b"], "data must be one of digits, sprites"),
    "data missing": (["--preset", "mnist-2d", "--data-dir", "none"], "mnist must lie in none"),
    "run unknown": (["--resume", "20260101-000000-abcdef"], "must be one of the runs folder"),
    "run traversal": (["--resume", "../../etc"], "must be one of the runs folder"),
    "run NUL": (["--resume", "\0"], "must be one of the runs folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_parameter_gets_one_sentence_and_makes_no_run(case, tmp_path):
    arguments, phrase = BAD[case]
    assert_refusal(train(tmp_path, *arguments, status=1), phrase)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_that_is_not_there_is_refused(tmp_path):
    assert_refusal(train(tmp_path, "--device", "cuda", status=1), "torch finds no GPU")
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_used_gets_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    text = train(tmp_path / "file" / "runs", status=1)
    assert_refusal(text, f"{tmp_path}/file cannot be used: a file, not a folder")
    (tmp_path / "link").symlink_to(tmp_path / "disk that is not mounted")
    for folder in (tmp_path / "link", tmp_path / "link" / "runs"):
        text = train(folder, status=1)
        assert_refusal(text, f"{tmp_path}/link cannot be used: a link to a folder that does not")


def test_a_folder_that_is_named_by_nothing_is_the_usual_one(tmp_path, monkeypatch):
    """As where a shell's variable is empty; the working folder must not fill up with runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_RUNS_DIR", "")
    call("train", "--threads", 1, "--epochs", 1, "--runs-dir", "")
    assert os.listdir(tmp_path) == ["runs"] and len(list_runs("runs")) == 1


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_full_disk_names_the_file_and_leaves_no_empty_run(tmp_path, monkeypatch, writes):
    """Whether the settings or the first state no longer find room."""
    done = iter(range(writes))

    def fsync(_file, kept=os.fsync):
        if next(done, None) is None:
            raise OSError(28, "No space left on device")
        kept(_file)

    monkeypatch.setattr(os, "fsync", fsync)
    text = train(tmp_path / "runs", status=1)
    name = "config.json" if writes < 2 else "state.safetensors"
    assert_refusal(text, f"/{name} cannot be used: no space left on device")
    assert str(tmp_path) in text and os.listdir(tmp_path / "runs") == []


def test_no_line_is_broken_in_a_pipe(tmp_path):
    """Nor is a word in brackets taken for a style."""
    runs = tmp_path / ("long " * 40) / "[bold]runs"
    words = ("-m", "models", "train", "--runs-dir", str(runs), "--threads", "1", "--epochs", "1")
    chosen, first, *_, last = finish(python(*words)).splitlines()
    (run,) = list_runs(runs)
    assert chosen == "Chosen for this machine: float32."
    assert first == f"Run {run.id} in {runs}" and last == f"Done: {run.model_path}"


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["--epochs", "ten"], "Invalid value"),
        (["--colour", "red"], "No such option"),
        (["stray"], "unexpected extra argument"),
    ],
)
def test_words_that_make_no_command_are_refused(arguments, phrase, tmp_path):
    error = train(tmp_path, *arguments, status=2)
    assert phrase in error and "Traceback" not in error
    assert os.listdir(tmp_path) == []


def test_resumed_run_keeps_its_settings(trained):
    arguments = ("--resume", trained.id, "--beta", 2)
    error = call("train", "--runs-dir", trained.folder.parent, *arguments, status=1)
    assert_refusal(error, "a resumed run must keep its settings, got --beta")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> str:
    """Digits in a file: a process that need not import scikit-learn starts sooner."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=load_digits("train").images)
    return str(path)


def begin(runs, *arguments):
    """A training in a process of its own."""
    fixed = ("-m", "models", "train", "--runs-dir", str(runs), "--autosave", "0.2")
    return python(*fixed, *map(str, arguments))


def wait_for(condition, process) -> None:
    """Waits until something has happened on disk, or the process is gone."""
    wait(lambda: condition() or process.poll() is not None)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_signal_stops_soon_and_keeps_everything(number, pictures, tmp_path):
    process = begin(tmp_path, "--data", pictures, "--threads", 1, "--epochs", 10_000)
    wait_for(lambda: any(run.history.rows() for run in list_runs(tmp_path)), process)
    process.send_signal(number)
    out = finish(process)
    (run,) = list_runs(tmp_path)
    assert "Stopped and kept" in out and f"--resume {run.id}" in out
    card = read(run.model_path).card
    assert card.steps == int(read_tensors(run.state_path)[0]["step"][0]) > 0
    assert len(run.history.rows()) < 10_000, "long before its end"


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_and_resumed_training_ends_with_the_same_weights(kills, pictures, tmp_path):
    settings = {"data": pictures, "epochs": 30 * kills, "threads": 1}
    config = fit_to_data(override(preset("digits-2d"), **settings), None)
    whole = Run.create(tmp_path / "whole", config)
    for _ in execute(whole):
        pass
    runs, moments, steps = tmp_path / "killed", random.Random(kills), []
    arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
    for _ in range(kills):
        process = begin(runs, *arguments)
        wait_for(lambda: any(run.state_path.exists() for run in list_runs(runs)), process)
        (run,) = list_runs(runs)
        path, first = run.state_path, run.state_path.stat().st_mtime_ns
        wait_for(lambda path=path, first=first: path.stat().st_mtime_ns != first, process)
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        process.communicate()
        steps.append(int(read_tensors(run.state_path)[0]["step"][0]))
        arguments = ["--resume", run.id]
    call("train", "--runs-dir", runs, *arguments)
    assert steps == sorted(steps) and steps[0] > 0
    assert run.config() == override(config, data=run.config().data), "images lie in the library"
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
    assert [row["step"] for row in run.history.rows()] == [
        row["step"] for row in whole.history.rows()
    ]
    assert not [name for name in os.listdir(run.folder) if name.startswith(".")]
