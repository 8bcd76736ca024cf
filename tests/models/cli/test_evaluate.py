"""The command evaluate: numbers with units, JSON, refusals of one sentence."""

import json
import re

import numpy as np
import pytest

from models.presets import preset
from models.runs.folder import Run, list_runs
from models.storage.checkpoint import read
from tests.helpers.command_line import assert_refusal, call, train

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
