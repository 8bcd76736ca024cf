"""A user's runs: their labels, and model files from elsewhere."""

import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from explorer.assets import store
from explorer.jobs.job import JobError
from explorer.services import catalogue, rate_distortion, run_library
from explorer.widgets.text import plain
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig, override
from models.presets import PRESETS
from models.runs.folder import Run, list_runs
from models.runs.label import Label
from models.runs.train import execute
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import CheckpointError
from tests.helpers.app_test import open_view, press, said, settle, told
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import ROOT

SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(),
    TrainingConfig(epochs=2, batch_size=64, warmup_steps=5),
)


SHIPPED = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"


RUDE = "![x](http://y) <b>=1+1 %{x} *a*"


def trained(runs_dir, title="small", **changes):
    run = Run.create(runs_dir, override(SMALL, **changes), title)
    list(execute(run))
    return run


def box(at, kind, name):
    """The widget of a field of a label."""
    return next(w for w in getattr(at, kind) if w.key.startswith(f"label-{name}-"))


def titles(at):
    return at.dataframe[0].value["title"].tolist()


def test_a_run_is_renamed_everywhere_at_once(no_runs):
    run = Run(no_runs / make_run(no_runs, title="old"))
    config = (run.folder / "config.json").read_bytes()
    at = open_view("train")
    assert box(at, "text_input", "title").placeholder == "old"
    box(at, "text_input", "title").set_value(RUDE)
    at = settle(at)
    assert run.title == RUDE and titles(at) == [RUDE]
    entry = catalogue.list_models()[0][run.id]
    assert catalogue.title(entry) == f"noise · {RUDE}"
    assert catalogue.checkpoint(entry).card.title == entry.card.title == RUDE
    assert rate_distortion.point(run.id, catalogue.checkpoint(entry).card).title == RUDE
    assert (run.folder / "config.json").read_bytes() == config
    box(at, "text_input", "title").set_value("")
    at = settle(at)
    entry = catalogue.list_models()[0][run.id]
    assert titles(at) == ["old"] and catalogue.title(entry) == "noise · old"


def test_a_title_that_cannot_be_shown_is_cleaned(no_runs):
    make_run(no_runs)
    at = open_view("train")
    box(at, "text_input", "title").set_value("a\u202eb\0\tc")
    at = settle(at)
    assert box(at, "text_input", "title").value == "ab c" and titles(at) == ["ab c"]


def test_pinned_runs_come_first(no_runs):
    names = []
    for i in range(3):
        run = Run.create(no_runs, SMALL, str(i))
        names.append(run.folder.rename(no_runs / f"2026010{i + 1}-000000-aaaaaa").name)
    at = open_view("train", own=names[0])
    assert titles(at) == ["2", "1", "0"]
    box(at, "checkbox", "pinned").set_value(True)
    at = settle(at)
    assert titles(at) == ["0", "2", "1"]
    assert at.dataframe[0].value["pinned"].tolist() == ["★", "", ""]
    box(at, "checkbox", "pinned").set_value(False)
    assert titles(settle(at)) == ["2", "1", "0"]


def test_the_run_that_is_labelled_stays_the_one_that_is_shown(no_runs):
    first, second = make_run(no_runs, title="first"), make_run(no_runs, title="second")
    at = open_view("train")
    shown = at.selectbox(key="control-own").value
    assert shown in (first, second)
    box(at, "checkbox", "pinned").set_value(True)
    at = settle(at)
    box(at, "checkbox", "pinned").set_value(False)
    at = settle(at)
    box(at, "text_input", "title").set_value("renamed")
    at = settle(at)
    assert at.selectbox(key="control-own").value == shown == at.query_params["own"]
    assert not at.toast


def test_a_note_is_kept_with_its_lines_and_shown_in_the_list(no_runs):
    run_id = make_run(no_runs)
    at = open_view("train")
    box(at, "text_area", "note").set_value("collapsed\n\n<b>then not</b>")
    at = settle(at)
    assert Run(no_runs / run_id).label == Label("", "collapsed\n<b>then not</b>", False)
    assert at.dataframe[0].value["note"].tolist() == ["collapsed · <b>then not</b>"]
    assert box(open_view("train"), "text_area", "note").value == "collapsed\n<b>then not</b>"


def test_what_another_page_has_written_is_shown(no_runs):
    run_id = make_run(no_runs)
    at = open_view("train")
    run_library.relabel(run_id, title="from elsewhere", note="n", pinned=True)
    at = settle(at)
    assert box(at, "text_input", "title").value == "from elsewhere"
    assert box(at, "checkbox", "pinned").value and titles(at) == ["from elsewhere"]


def test_a_deleted_run_comes_back_with_its_label(no_runs):
    run_id = make_run(no_runs)
    run_library.relabel(run_id, title="mine", note="n")
    at = press(open_view("train"), "Delete")
    assert plain("The run “mine” was deleted.") in said(at)
    at = press(at, "Undo")
    assert Run(no_runs / run_id).label == Label("mine", "n", False) and titles(at) == ["mine"]


@pytest.mark.parametrize("run_id", ["", "..", "../runs", "nothing"])
def test_only_runs_are_labelled(no_runs, run_id):
    make_run(no_runs)
    with pytest.raises(ValueError, match="one of the runs folder"):
        run_library.relabel(run_id, title="x")


def test_a_full_disk_is_said_in_one_sentence(no_runs, monkeypatch):
    make_run(no_runs, title="old")
    at = open_view("train")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    box(at, "text_input", "title").set_value("new")
    at = settle(at)
    sentence = "The run could not be labelled: no space left on device (label.json)."
    assert [error.value for error in at.error] == [plain(sentence)]
    assert titles(at) == ["old"] and box(at, "text_input", "title").value == ""


def uploader(at):
    return next(each for each in at.file_uploader if each.key.startswith("model-file"))


def upload(at, data, name="model.safetensors"):
    uploader(at).set_value([(name, data, "application/octet-stream")])
    return settle(at)


def test_a_model_file_becomes_a_run(no_runs):
    data = SHIPPED.read_bytes()
    at = upload(open_view("train"), data)
    (run,) = list_runs(no_runs)
    assert run.model_path.read_bytes() == data, "nothing of it had to be changed"
    assert run.config() == read(SHIPPED).card.config
    assert run.title == read(SHIPPED).card.title and titles(at) == [run.title]
    assert [line.value for line in at.success] == [plain(f"“{run.title}” was added to your runs.")]
    assert uploader(at).value == [] and at.query_params["own"] == run.id
    assert "neither a film nor curves" in said(at)
    assert run.id in catalogue.list_models()[0]
    assert [each.name for each in no_runs.iterdir() if each.name.startswith(".incoming")] == []
    assert not settle(at).success, "it is said once"
    runs = json.loads(store.fetch(told(open_view("trade_off"))["figure"]))["data"]
    assert run.id in next(trace for trace in runs if trace["name"] == "runs")["customdata"]


def test_the_same_file_twice_is_two_runs(no_runs):
    first, second = (run_library.take_in(SHIPPED.read_bytes(), "a.safetensors") for _ in range(2))
    assert {run.id for run in list_runs(no_runs)} == {first.id, second.id}


def edited(tmp_path, title=None, **settings):
    """The shipped model's bytes with another title, or other settings of the run."""
    found, path = read(SHIPPED), tmp_path / "edited.safetensors"
    card = found.card if title is None else replace(found.card, title=title)
    write(path, replace(card, config=replace(card.config, **settings)), found.weights, found.codes)
    return path.read_bytes()


def test_without_a_title_the_file_gives_its_name(no_runs, tmp_path):
    run = run_library.take_in(edited(tmp_path, title=""), "../my\u202e model.safetensors")
    assert run.title == "my model" == read(run.model_path).card.title


PATHS = {
    "/home/somebody/faces.npz": "faces.npz",
    "C:\\data\\faces.npz": "faces.npz",
    "..": "images",
    "/etc/": "etc",
    "own-0123456789ab": "own-0123456789ab",
    "mnist": "mnist",
}


@pytest.mark.parametrize(("given", "kept"), PATHS.items())
def test_paths_of_another_machine_are_forgotten(no_runs, tmp_path, given, kept):
    run = run_library.take_in(edited(tmp_path, data=given), "a.safetensors")
    assert run.config().data == read(run.model_path).card.config.data == kept
    again, found = read(SHIPPED), read(run.model_path)
    assert found.fingerprint == again.fingerprint, "weights and codes are the same"


def test_a_path_that_a_run_here_has_too_is_kept(no_runs, tmp_path):
    Run.create(no_runs, replace(SMALL, data="/data/faces"), "mine")
    run = run_library.take_in(edited(tmp_path, data="/data/faces"), "a.safetensors")
    assert run.config().data == "/data/faces"


def without(part):
    """The shipped model without its codes, or with a weight that does not fit."""

    def build(tmp_path):
        found, path = read(SHIPPED), tmp_path / "bad.safetensors"
        weights = dict(found.weights)
        if part == "shape":
            name = sorted(weights)[0]
            weights[name] = np.zeros((3, 3), np.float32)
        if part == "weight":
            del weights[sorted(weights)[0]]
        write(path, found.card, weights, None if part == "codes" else found.codes)
        return path.read_bytes()

    return build


BAD = {
    "empty": (lambda _: b"", "cut short"),
    "seven bytes": (lambda _: b"1234567", "cut short"),
    "cut short": (lambda _: SHIPPED.read_bytes()[:-9], "bytes differ|checksum|cut short"),
    "damaged": (lambda _: SHIPPED.read_bytes()[:-1] + b"\x7f", "checksum"),
    "zip": (lambda _: b"PK\x03\x04" + bytes(200), "zip archive"),
    "pickle": (lambda _: b"\x80\x04" + bytes(b"a" * 200), "got a pickle"),
    "web page": (lambda _: b"<!DOCTYPE html>" + bytes(200), "web page"),
    "lfs": (lambda _: b"version https://git-lfs.github.com/spec/v1\n", "git-lfs"),
    "no codes": (without("codes"), "codes of a test set"),
    "other shape": (without("shape"), "must have shape"),
    "missing weight": (without("weight"), "is missing"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_model_is_refused_in_one_sentence(no_runs, tmp_path, what):
    build, expected = BAD[what]
    data = build(tmp_path)
    at = open_view("train")
    at = upload(at, data, "<b>bad.safetensors")
    (error,) = at.error
    assert re.search(expected, error.value.replace("\\", ""))
    assert error.value.startswith(plain("“<b>bad.safetensors” was not added: the "))
    assert error.value.endswith(".") and str(tmp_path) not in error.value
    assert list_runs(no_runs) == [] and list(no_runs.iterdir()) == []
    assert uploader(at).value == [] and not settle(at).error


def test_a_file_that_is_too_large_is_not_even_read(no_runs, monkeypatch):
    monkeypatch.setattr(run_library, "MAX_UPLOAD", 1000)
    monkeypatch.setattr(run_library, "read", lambda path: pytest.fail("it was read"))
    with pytest.raises(CheckpointError, match=r"at most 0 MiB, got 0\.1 MiB"):
        run_library.take_in(SHIPPED.read_bytes(), "a")
    assert not no_runs.exists()


def test_a_full_disk_leaves_no_half_run(no_runs, monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "create", refuse)
    with pytest.raises(JobError, match="The model could not be saved: no space left on device"):
        run_library.take_in(SHIPPED.read_bytes(), "a")
    assert list(no_runs.iterdir()) == []


def test_what_is_downloaded_has_the_last_title(no_runs, tmp_path):
    run = run_library.take_in(SHIPPED.read_bytes(), "a.safetensors")
    assert run_library.model_bytes(run) == SHIPPED.read_bytes()
    run.relabel(title="the best")
    path = tmp_path / "given.safetensors"
    path.write_bytes(run_library.model_bytes(run))
    given, before = read(path), read(SHIPPED)
    assert given.card == replace(before.card, title="the best")
    assert given.fingerprint == before.fingerprint
    assert restore(given).latent_dim == 2
    assert run_library.take_in(path.read_bytes(), "b").title == "the best"


@pytest.mark.parametrize("score", [[20.0], [1.0, 2.0, 3.0], 20.0, [], [20.0, -1.0]])
def test_a_card_with_odd_scores_hurts_no_page(no_runs, tmp_path, score):
    found, path = read(SHIPPED), tmp_path / "odd.safetensors"
    metrics = {**found.card.metrics, "distortion": score, "active_units": [1]}
    write(path, replace(found.card, metrics=metrics), found.weights, found.codes)
    run = run_library.take_in(path.read_bytes(), "odd")
    open_view("trade_off")
    at = open_view("train", runs=f"{run.id},digits-2d-beta-1")
    assert at.dataframe[0].value["D"].isna().all() or score == [20.0, -1.0]


@pytest.mark.browser
def test_a_file_is_uploaded_and_another_refused(visit, server, runs_dir, tmp_path):
    before = set(list_runs(runs_dir))
    page = visit("", screen="train")
    page.get_by_text("Add a model file").click()
    uploader = page.get_by_test_id("stFileUploader").filter(has_text="A .safetensors file")
    given = uploader.locator("input[type=file]")
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"PK\x03\x04" + bytes(200))
    given.set_input_files(bad)
    page.get_by_text(re.compile("“bad.safetensors” was not added: .* zip archive")).wait_for()
    assert set(list_runs(runs_dir)) == before
    settle_page(page)
    given.set_input_files(SHIPPED)
    page.get_by_text(re.compile("was added to your runs")).wait_for()
    (run,) = set(list_runs(runs_dir)) - before
    assert run.model_path.read_bytes() == SHIPPED.read_bytes()
    assert PRESETS["digits-2d"].model == run.config().model
