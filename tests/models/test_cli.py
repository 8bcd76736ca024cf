"""The command line: works, refuses in one sentence, stops when told, survives being killed."""

import json
import os
import random
import re
import signal
import subprocess
import sys
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
from models.storage.checkpoint import read, write
from models.storage.tensors import read_tensors
from models.training.control import Change, read_changes
from tests.helpers.paths import ROOT
from tests.helpers.processes import finish, python

COMMANDS = {
    "": "Train, evaluate and export variational autoencoders.",
    "train": "Train a model, or resume a run.",
    "sweep": "Train a run for every beta and seed",
    "steer": "Pause, continue or change a run while it is trained.",
    "evaluate": "Score a model on the test set",
    "project": "Compute a t-SNE map in this process",
    "data": "Download data sets and look at them.",
    "data show": "Show what a data set holds",
    "data download": "Download a data set through torchvision.",
}
"""What the help of every command begins with."""


@pytest.fixture(autouse=True)
def surroundings():
    """Commands set signal handlers and threads, and no test may leave them behind."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def call(*arguments, status=0) -> str:
    """What a command prints; to stderr if it must fail."""
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.stderr if status else result.stdout


def train(runs, *arguments, status=0) -> str:
    return call("train", "--runs-dir", runs, "--threads", 1, *arguments, status=status)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    """A run of two epochs made by the command line."""
    runs = tmp_path_factory.mktemp("runs")
    output = runs / "copy.safetensors"
    out = train(runs, "--epochs", 2, "--title", "two epochs", "--output", output)
    (run,) = list_runs(runs)
    assert run.id in out and "epoch   2/2  test D" in out and "nats/image" in out
    assert output.read_bytes() == run.model_path.read_bytes()
    return run


# --- train ---------------------------------------------------------------------------------------


def test_train_makes_a_run_and_says_what_it_did(trained):
    card = read(trained.model_path).card
    assert card.title == "two epochs" and card.steps == 40
    assert card.config == override(preset("digits-2d"), epochs=2, threads=1)
    assert card.command.startswith("python -m models ")
    assert len(trained.history.rows()) == 2


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
    "family unknown": (["--family", "gan"], "family must be one of vae, autoencoder"),
    "network unknown": (["--network", "vit"], "network must be one of mlp, conv"),
    "activation unknown": (["--activation", "tanh"], "activation must be one of relu, silu"),
    "likelihood unknown": (["--likelihood", "poisson"], "likelihood must be one of bernoulli"),
    "precision unknown": (["--precision", "float8"], "precision must be one of float32"),
    "binarized Gaussian": (["--binarize", "--likelihood", "gaussian"], "bernoulli likelihood"),
    "device unknown": (["--device", "tpu"], "device must be cpu or cuda"),
    "autosave NaN": (["--autosave", "nan"], "autosave must be at least 0 and finite"),
    "autosave negative": (["--autosave", -1], "autosave must be at least 0 and finite"),
    "output nowhere": (["--output", "none/a.safetensors"], "in a folder that exists"),
    "data unknown": (["--data", "imagenet"], "data must be one of digits, mnist"),
    "data with NUL": (["--data", "a\0b"], "data must be one of digits, mnist"),
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


def assert_refusal(text: str, phrase: str) -> None:
    """One line that begins with Error, and neither a trace nor a page of help."""
    assert text.startswith("Error: ") and text.endswith(".\n") and text.count("\n") == 1, text
    assert phrase and phrase in text and len(text) < 400 and text[:-1].isprintable(), text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_that_is_not_there_is_refused(tmp_path):
    assert_refusal(train(tmp_path, "--device", "cuda", status=1), "torch finds no GPU")
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_used_gets_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    assert_refusal(train(tmp_path / "file" / "runs", status=1), "cannot be used: not a directory")


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


# --- evaluate, data, project ---------------------------------------------------------------------

UNITS = r"[\d.]+ ± [\d.]+ nats/image"


def test_evaluate_prints_numbers_with_units(trained):
    table = call("evaluate", trained.model_path, "--samples", 8, "--images", 40)
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in table.splitlines())
    assert lines["model"] == "two epochs" and lines["data"] == "digits test"
    for name in ("distortion", "rate", "negative elbo"):
        assert re.fullmatch(UNITS, lines[name]), lines
    assert re.fullmatch(r"[\d.]+ [\d.]+ nats", lines["kl per dimension"])
    assert re.fullmatch(r"0\.\d{5}", lines["squared error per pixel"])
    for name in ("collapsed distortion", "entropy floor"):
        assert re.fullmatch(r"[\d.]+ nats/image", lines[name])
    assert lines["bound is for"] == "40 images, binarised with seed 0"
    assert re.fullmatch("-" + UNITS, lines["iw bound k8"])


def test_evaluate_prints_json(trained):
    by_id = call("evaluate", trained.id, "--runs-dir", trained.folder.parent, "--json")
    report = json.loads(by_id)
    stored = read(trained.model_path).card.metrics
    assert report["images"] == 500
    assert report["distortion"] == pytest.approx(stored["distortion"], rel=1e-5)
    distortion, rate, total = (report[name][0] for name in ("distortion", "rate", "negative_elbo"))
    assert total == pytest.approx(distortion + rate)
    assert report["entropy_floor"] < distortion < report["collapsed_distortion"] * 1.1
    assert call("evaluate", trained.model_path, "--json") == by_id  # the same noise, the same bits


def test_autoencoder_is_evaluated_without_a_rate(tmp_path):
    train(tmp_path, "--preset", "digits-ae", "--epochs", 1)
    (run,) = list_runs(tmp_path)
    report = json.loads(call("evaluate", run.model_path, "--samples", 4, "--json"))
    assert "distortion" in report and not {"rate", "iw_bound_k4"} & set(report)


def test_evaluate_refuses_in_one_sentence(trained, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"PK\3\4")
    pictures = tmp_path / "wide.npz"
    np.savez(pictures, images=np.random.default_rng(0).random((20, 8, 9)))
    good = trained.model_path
    for arguments, phrase in (
        ([bad], "a zip archive"),
        (["nothing", "--runs-dir", tmp_path], "must be one of the runs folder"),
        ([tmp_path, "--runs-dir", tmp_path], "must be one of the runs folder"),
        (["a\0b", "--runs-dir", tmp_path], "must be one of the runs folder"),
        (["x" * 300, "--runs-dir", tmp_path], "cannot be used: file name too long"),
        ([good, "--data", "none"], "data must be one of"),
        ([good, "--data", pictures], "must have the model's shape (1, 8, 8), got (1, 8, 9)"),
        ([good, "--samples", -1], "samples must be at least 0"),
        ([good, "--samples", 4, "--images", 1], "images at least 2"),
        ([good, "--seed", -1], "seed must be 0 to"),
        ([good, "--seed", 2**70], "seed must be 0 to"),
    ):
        assert_refusal(call("evaluate", *arguments, status=1), phrase)


def test_run_without_a_checkpoint_yet_is_refused(tmp_path):
    run = Run.create(tmp_path, preset("digits-2d"))
    assert_refusal(call("evaluate", run.id, "--runs-dir", tmp_path, status=1), "cannot be read")


def test_data_show_says_what_there_is():
    train_line, test_line = call("data", "show", "digits").splitlines()
    expected = f"10 classes, fingerprint {load_digits('train').fingerprint}"
    assert train_line == f"digits train: 1297 images, 1×8×8, {expected}"
    assert test_line.startswith("digits test: 500 images, 1×8×8, 10 classes, fingerprint ")
    assert_refusal(call("data", "show", "none", status=1), "a .zip of images or a folder of images")
    assert_refusal(call("data", "download", "imagenet", status=1), "got 'imagenet'")


def test_project_writes_positions_and_reports(trained, tmp_path):
    checkpoint = read(trained.model_path)
    small, output = tmp_path / "small.safetensors", tmp_path / "map.safetensors"
    few = replace(
        checkpoint.codes,
        **{name: getattr(checkpoint.codes, name)[:30]
           for name in ("mean", "log_variance", "distortion", "labels")},
    )  # fmt: skip
    write(small, checkpoint.card, checkpoint.weights, few)
    shares = [float(line) for line in call("project", small, output).split()]
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] == 1
    tensors, *_ = read_tensors(output)
    assert tensors["positions"].shape == (30, 2) and tensors["positions"].std() > 0
    write(small, checkpoint.card, checkpoint.weights, None)
    for arguments, phrase in (
        ([small, output], "must hold the codes"),
        ([tmp_path / "none", output], "cannot be read"),
        ([trained.model_path, output, "--perplexity", "nan"], "perplexity must be at least 1"),
        ([trained.model_path, output, "--perplexity", 0], "perplexity must be at least 1"),
        ([trained.model_path, output, "--seed", -1], "seed must be 0 to"),
    ):
        assert_refusal(call("project", *arguments, status=1), phrase)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command):
    out = call(*command.split(), "--help")
    assert "Usage:" in out and COMMANDS[command] in out and "Traceback" not in out


# --- signals -------------------------------------------------------------------------------------


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


def wait_for(condition, process, seconds=60) -> None:
    """Waits until something has happened on disk, or the process is gone."""
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_signal_stops_soon_and_keeps_everything(number, pictures, tmp_path):
    process = begin(tmp_path, "--data", pictures, "--threads", 1, "--epochs", 10_000)
    wait_for(lambda: any(run.history.rows() for run in list_runs(tmp_path)), process)
    start = time.monotonic()
    process.send_signal(number)
    (run,) = list_runs(tmp_path)
    wait_for(run.model_path.exists, process)
    assert time.monotonic() - start < 2  # all is kept
    out = finish(process)
    assert time.monotonic() - start < 5  # and the process is gone
    assert "Stopped and kept" in out and f"--resume {run.id}" in out
    card = read(run.model_path).card
    assert card.steps == int(read_tensors(run.state_path)[0]["step"][0]) > 0


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
    assert run.config() == config
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
    assert [row["step"] for row in run.history.rows()] == [
        row["step"] for row in whole.history.rows()
    ]
    assert not [name for name in os.listdir(run.folder) if name.startswith(".")]


def test_resumed_run_keeps_its_settings(trained):
    arguments = ("--resume", trained.id, "--beta", 2)
    error = call("train", "--runs-dir", trained.folder.parent, *arguments, status=1)
    assert_refusal(error, "a resumed run must keep its settings, got --beta")


def test_a_training_is_steered_from_another_command(tmp_path):
    process = python(
        "-m", "models", "train", "--runs-dir", str(tmp_path), "--epochs", "5000", "--threads", "1"
    )  # fmt: skip
    while not list_runs(tmp_path) or not list_runs(tmp_path)[0].history.rows():
        assert process.poll() is None
        time.sleep(0.05)
    (run,) = list_runs(tmp_path)
    assert "order hold" in call("steer", run.id, "--hold", "--runs-dir", tmp_path)
    while not run.model_path.exists():
        time.sleep(0.05)
    held = len(run.history.rows())
    call("steer", run.id, "--beta", 4, "--learning-rate", 1e-3, "--runs-dir", tmp_path)
    while not read_changes(run.folder):
        time.sleep(0.05)
    assert len(run.history.rows()) == held
    call("steer", run.id, "--go", "--runs-dir", tmp_path)
    while len(run.history.rows()) == held:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert "Stopped and kept" in finish(process)
    assert read_changes(run.folder) == [Change(20 * held, 4.0, 1e-3)]


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        ([], "must be given"),
        (["--hold", "--go"], "must be given"),
        (["--beta", -3], "beta must be 0 to 10000, got -3"),
        (["--learning-rate", 7], "learning_rate must be at most 1, got 7"),
    ],
)
def test_orders_that_cannot_be_are_one_sentence(arguments, phrase, trained):
    runs = trained.folder.parent
    assert phrase in call("steer", trained.id, *arguments, "--runs-dir", runs, status=1)
    assert not (trained.folder / "wish.json").exists()
    assert "one of the runs folder" in call("steer", "x", "--go", "--runs-dir", runs, status=1)


@pytest.mark.parametrize(
    ("given", "status", "phrase"),
    [
        ("", 0, None),
        ('["data", "show", "digits"]\n', 0, "1297 images"),
        ('["data", "show", "nowhere"]\n', 1, "Error: "),
    ],
    ids=["end", "command", "refusal"],
)
def test_a_waiting_command_line_takes_its_arguments_from_standard_input(given, status, phrase):
    found = subprocess.run(
        [sys.executable, "-m", "models", "-"], input=given, text=True, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert found.returncode == status
    assert (phrase or "") in found.stdout and bool(found.stdout) == bool(phrase)
