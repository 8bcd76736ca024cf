"""The command evaluate: numbers with units, JSON, refusals of one sentence."""

import json
import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.cli.app import app
from models.cli.train import fit_to_data
from models.config import override
from models.data.builtin import load_digits
from models.metrics.disentanglement.scores import PROBES, SCORES
from models.metrics.likelihood import elbo, summarize
from models.presets import preset
from models.runs.folder import Run, list_runs
from models.runs.status import write_failure
from models.runs.train import execute
from models.storage.checkpoint import read, restore, write
from tests.helpers.command_line import assert_refusal, call, train
from tests.helpers.factor_runs import known_codes, make_factor_run

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
    assert lines["scores are for"] == "all 500 test images, grey, under a Bernoulli"
    assert lines["bound is for"] == "the first 40 test images, binarised with seed 0"


def test_all_costs_have_one_sign_and_differences_are_paired(trained):
    words = ("evaluate", trained.model_path, "--samples", 8, "--images", 40)
    table = call(*words)
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in table.splitlines())
    for name in (
        "negative elbo, those images",
        "negative iw bound, k = 8",
        "gain of the bound, paired",
    ):
        assert re.fullmatch(UNITS, lines[name]), lines
    report = json.loads(call(*words, "--json"))
    total, bound, gain = (
        report[name] for name in ("negative_elbo_same_images", "negative_iw_bound_k8", "gain")
    )
    assert total[0] - bound[0] == pytest.approx(gain[0], abs=1e-4) and gain[0] > 0
    assert gain[1] < total[1], "paired by image, the error is that of the difference"


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


def test_scores_have_one_seed_whatever_the_run_was_trained_with(tmp_path):
    """Card and evaluate draw the same z: runs of two seeds are paired by image and noise."""
    train(tmp_path, "--preset", "digits-2d", "--epochs", 1, "--seed", 5)
    (run,) = list_runs(tmp_path)
    stored = read(run.model_path)
    scores = elbo(restore(stored), torch.tensor(load_digits("test").images), seed=0)
    assert stored.codes.distortion == pytest.approx(scores.distortion.numpy(), rel=1e-4)
    report = json.loads(call("evaluate", run.model_path, "--json"))
    assert report["distortion"] == pytest.approx(stored.card.metrics["distortion"], rel=1e-5)


def test_several_draws_steady_d(trained):
    def distortion(*options):
        report = json.loads(call("evaluate", trained.model_path, "--json", *options))
        return report["distortion"][0]

    one = [distortion("--seed", seed, "--draws", 1) for seed in range(4)]
    many = [distortion("--seed", seed, "--draws", 25) for seed in range(4)]
    assert np.std(many) < 0.6 * np.std(one)
    assert np.mean(many) == pytest.approx(np.mean(one), abs=3 * np.std(one))


def test_a_run_of_an_older_version_is_measured_again(trained, tmp_path):
    """Its card and map have one draw of z: `--store` brings them to what new runs have."""
    path, new = tmp_path / "old.safetensors", read(trained.model_path)
    x = torch.tensor(load_digits("test").images)
    terms = elbo(restore(new), x, draws=1)
    card = replace(new.card, metrics={**summarize(terms), "collapse_spectrum": [3.0]})
    codes = replace(new.codes, distortion=terms.distortion.numpy())
    write(path, card, new.weights, codes)
    assert read(path).card.metrics["distortion"] == summarize(terms)["distortion"], "old ones open"
    call("evaluate", path, "--store")
    found = read(path)
    assert found.card.metrics["distortion"] == pytest.approx(new.card.metrics["distortion"])
    assert found.card.metrics["collapse_spectrum"] == [3.0]
    np.testing.assert_allclose(found.codes.distortion, new.codes.distortion, rtol=1e-5)
    assert all(np.array_equal(found.weights[name], new.weights[name]) for name in new.weights)


def test_scores_are_not_stored_of_other_images(trained, tmp_path):
    checkpoint, path = read(trained.model_path), tmp_path / "moved.safetensors"
    card = replace(checkpoint.card, data_fingerprint="0" * 16)
    write(path, card, checkpoint.weights, checkpoint.codes)
    assert_refusal(call("evaluate", path, "--store", status=1), "must be those that the model was")
    for option in (["--draws", 9], ["--seed", 1], ["--data", "digits"]):
        text = call("evaluate", trained.model_path, "--store", *option, status=1)
        assert_refusal(text, "leave out --data, --seed, --beta and --draws")


def test_autoencoder_is_evaluated_without_a_rate(tmp_path):
    train(tmp_path, "--preset", "digits-ae", "--epochs", 1)
    (run,) = list_runs(tmp_path)
    report = json.loads(call("evaluate", run.model_path, "--samples", 4, "--json"))
    assert "distortion" in report and not {"rate", "negative_iw_bound_k4"} & set(report)


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
        ([good, "--draws", 0], "draws must be at least 1, got 0"),
        ([good, "--seed", -1], "seed must be 0 to"),
        ([good, "--seed", 2**70], "seed must be 0 to"),
    ):
        assert_refusal(call("evaluate", *arguments, status=1), phrase)


@pytest.mark.parametrize(
    ("state", "phrase"),
    [
        ("waiting", "has not begun: train it with train --resume"),
        ("running", "is still being trained (epoch 1 of 200): wait for its end, or have it"),
        ("interrupted", "was interrupted before there was one: train it with train --resume"),
        ("failed", "failed before there was one: the loss grew"),
    ],
)
def test_a_run_without_a_model_says_why(tmp_path, state, phrase):
    run = Run.create(tmp_path, preset("digits-2d"))
    if state == "interrupted":
        run.state_path.touch()
    if state == "failed":
        write_failure(run, "the loss grew")
    with run.lock() if state == "running" else nullcontext():
        for name in (run.id, run.folder):
            text = call("evaluate", name, "--runs-dir", tmp_path, status=1)
            assert_refusal(text, f"a run must have a model, but {run.id} {phrase}")


def test_a_run_that_trains_on_is_scored_as_it_was_and_says_so(trained):
    with trained.lock():
        runner = CliRunner()
        result = runner.invoke(app, ["evaluate", str(trained.folder)])
    assert result.exit_code == 0 and result.stdout.startswith("model ")
    assert result.stderr == (
        f"note: {trained.id} is still being trained; this is its model after 40 updates\n"
    )


def test_a_file_that_is_not_there_is_called_so(tmp_path):
    text = call("evaluate", tmp_path / "gone.safetensors", status=1)
    assert_refusal(text, "model must be a checkpoint file, but there is no file ")


def test_images_that_were_moved_are_named(tmp_path):
    """Whether they are evaluated or trained on; runs of older versions read them from a file."""
    levels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    np.savez(tmp_path / "faces.npz", images=levels)
    runs = tmp_path / "runs"
    settings = {"data": str(tmp_path / "faces.npz"), "epochs": 1, "batch_size": 8, "threads": 1}
    run = Run.create(runs, fit_to_data(override(preset("digits-2d"), **settings), None))
    list(execute(run))
    (tmp_path / "faces.npz").rename(tmp_path / "portraits.npz")
    text = call("evaluate", run.id, "--runs-dir", runs, status=1)
    assert_refusal(text, f"there is no '{tmp_path}/faces.npz' any more: put them back, or give --d")
    text = call("train", "--resume", run.id, "--runs-dir", runs, status=1)
    assert_refusal(text, f"there is no '{tmp_path}/faces.npz' any more: put them back.")
    found = call("evaluate", run.id, "--runs-dir", runs, "--data", tmp_path / "portraits.npz")
    assert "12" in found


def test_known_factors_are_scored_on_request(tmp_path):
    name = make_factor_run(tmp_path, known_codes())
    lines = call("evaluate", name, "--runs-dir", tmp_path, "--factors").splitlines()
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines)
    assert rows["factors"] == "shape, size, angle, x, y"
    for label in (SCORES | PROBES).values():
        assert re.fullmatch(r"[01]\.\d{3} \(0 to 1\)", rows[label]), label
    plain = call("evaluate", name, "--runs-dir", tmp_path)
    assert "MIG" not in plain


def test_factors_that_nobody_knows_are_refused(trained):
    result = CliRunner().invoke(app, ["evaluate", str(trained.model_path), "--factors"])
    assert result.exit_code == 1
    assert_refusal(result.stderr, "factors must be known of at least 50 test images")


@pytest.mark.parametrize(
    "words",
    [("train", "--epochs", 1), ("sweep", "--betas", "1"), ("evaluate", "MODEL"), ("work", "RUN")],
    ids=lambda words: words[0],
)
def test_a_gpu_that_is_not_there_is_one_sentence(words, trained, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    names = {"MODEL": trained.model_path, "RUN": trained.id}
    words = [str(names.get(word, word)) for word in words]
    result = CliRunner().invoke(app, [*words, "--device", "cuda", "--runs-dir", str(tmp_path)])
    assert result.exit_code == 1 and result.stderr == (
        "Error: device must be cpu where torch finds no GPU, got 'cuda'.\n"
    )
    assert list_runs(tmp_path) == []
