"""The user's runs: their labels, model files from elsewhere, and several of them side by side."""

import csv
import json
import os
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from explorer import state
from explorer.assets import store
from explorer.figures import theme, training
from explorer.jobs.job import JobError
from explorer.services import catalogue, comparison, rate_distortion, run_library, warm_up
from explorer.widgets.text import plain
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig, override
from models.metrics.statistics import paired_difference
from models.presets import PRESETS
from models.runs.folder import Run, list_runs
from models.runs.label import Label
from models.runs.train import execute
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from models.storage.tensors import CheckpointError
from tests.helpers.app_test import (
    UNITLESS,
    charts,
    column,
    component_data,
    open_view,
    press,
    said,
    settle,
)
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

UNITLESS.add("epoch")
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


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A folder with runs of two β and of another likelihood, by title."""
    folder = tmp_path_factory.mktemp("three")
    trained(folder, "one")
    trained(folder, RUDE, beta=4.0)
    trained(folder, "gaussian", likelihood="gaussian", sigma=0.5)
    return folder


@pytest.fixture
def runs(three, monkeypatch):
    """The ids of `three` by title; no test changes them."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(three))
    monkeypatch.setattr(warm_up, "start", lambda: None)
    return {run.title: run.id for run in list_runs(three)}


def box(at, kind, name):
    """The widget of a field of a label."""
    return next(w for w in getattr(at, kind) if w.key.startswith(f"label-{name}-"))


def titles(at):
    return at.dataframe[0].value["title"].tolist()


# --- labels --------------------------------------------------------------------------------------


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
    assert catalogue.checkpoint(entry).card.title == catalogue.card(entry).title == RUDE
    assert rate_distortion.point(run.id, catalogue.checkpoint(entry)).title == RUDE
    assert (run.folder / "config.json").read_bytes() == config
    box(at, "text_input", "title").set_value("")
    at = settle(at)
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
    sentence = "The run could not be labelled: no space left on device."
    assert [error.value for error in at.error] == [plain(sentence)]
    assert titles(at) == ["old"] and box(at, "text_input", "title").value == ""


# --- model files ---------------------------------------------------------------------------------


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


def told(at):
    """What Python tells the trade-off's component."""
    (element,) = at.get("bidi_component")
    return component_data(element)


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
    def refuse(self, *_):
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


# --- side by side --------------------------------------------------------------------------------


def table(at):
    """The comparison: the first column, and a column for every run."""
    (found,) = at.table
    return found.value


def test_without_two_runs_the_page_says_what_would_be_seen(runs):
    for link in ({}, {"runs": runs["one"]}):
        at = open_view("train", **link)
        assert not at.table and "side by side" in said(at)


def test_runs_are_chosen_in_order_and_named_in_the_link(runs):
    at = open_view("train")
    chooser = at.multiselect[0]
    assert list(chooser.proto.default) == chooser.indices, "what a browser falls back to"
    assert {"one", "gaussian", RUDE} < set(chooser.options)
    assert sum(option.endswith(" (shipped)") for option in chooser.options) > 0
    chooser.set_value([runs[RUDE], runs["one"]])
    at = settle(at)
    assert at.query_params["runs"] == f"{runs[RUDE]},{runs['one']}"
    assert table(at).columns.tolist() == ["setting or score", plain(RUDE), "one"]
    at.multiselect[0].set_value([])
    at = settle(at)
    assert "runs" not in at.query_params and not at.table


def test_settings_that_differ_are_marked_by_a_sign_and_a_colour(runs):
    at = open_view("train", runs=f"{runs['one']},{runs[RUDE]}")
    rows = {row[0]: tuple(row[1:]) for row in table(at).itertuples(index=False)}
    assert rows["**≠ β**"] == ("1", ":blue-background[**4**]")
    assert [name for name in rows if "≠" in name] == ["**≠ β**"]
    at.toggle(key="compare-all").set_value(True)
    rows = {row[0]: tuple(row[1:]) for row in table(settle(at)).itertuples(index=False)}
    assert rows["epochs"] == ("2", "2") and rows["activation"] == ("relu", "relu")
    flat = sum(len(part) for part in SMALL.to_json().values() if isinstance(part, dict)) + 1
    scored = len(comparison.scores([None])) + 3
    assert len(rows) == flat + scored, "every setting, every score, three differences"


def test_scores_are_those_of_the_cards_and_differences_are_paired(runs, three):
    at = open_view("train", runs=f"{runs['one']},{runs[RUDE]}")
    rows = {row[0]: tuple(row[1:]) for row in table(at).itertuples(index=False)}
    one, other = (read(three / runs[name] / "model.safetensors") for name in ("one", RUDE))
    for key, name in (("distortion", "D"), ("rate", "R"), ("negative_elbo", "−ELBO")):
        cells = [plain(comparison.text(tuple(c.card.metrics[key]))) for c in (one, other)]
        assert rows[plain(f"{name}, nats")] == tuple(cells)
        mean, error = (
            other.card.metrics[key][0] - one.card.metrics[key][0],
            (other.card.metrics[key][1] ** 2 + one.card.metrics[key][1] ** 2) ** 0.5,
        )
        (row,) = (r for r in comparison.differences([one, other]) if r.name.startswith(f"{name} −"))
        assert row.cells[0] is None and row.cells[1][0] == pytest.approx(mean, abs=2e-3)
        assert 0 < row.cells[1][1] < error or name == "R", "pairing takes out what images share"
        assert rows[plain(row.name)] == ("–", plain(comparison.text(row.cells[1], True)))


def test_only_what_can_be_compared_is_subtracted(runs, three):
    one, gaussian = (read(three / runs[name] / "model.safetensors") for name in ("one", "gaussian"))
    (row,) = comparison.differences([one, gaussian])
    assert row.name == "R − that of the first, nats"
    moved = replace(one, card=replace(one.card, data_fingerprint="f" * 16))
    assert comparison.differences([one, moved]) == []
    assert comparison.differences([one, None]) == [] and comparison.differences([None, one]) == []
    at = open_view("train", runs=f"{runs['one']},{runs['gaussian']}")
    assert "cannot be compared" in said(at)


def test_a_paired_error_is_that_of_the_mean_difference():
    generator = np.random.default_rng(0)
    hard = generator.normal(20, 5, 1000)
    first = hard + 1 + generator.normal(0, 0.1, 1000)
    mean, error = paired_difference(first, hard)
    assert mean == pytest.approx(1, abs=0.02) and error == pytest.approx(0.1 / 1000**0.5, rel=0.1)
    assert paired_difference(hard, hard) == (0.0, 0.0)
    for other in (hard[:9], hard[:, None]):
        with pytest.raises(ValueError, match="same two or more images"):
            paired_difference(hard, other)


def test_curves_of_all_lie_in_one_chart_for_each_score(runs, three):
    at = open_view("train", runs=f"{runs['one']},{runs[RUDE]},digits-2d-beta-1")
    drawn = charts(at)
    for score, terms in (("D", ["distortion"]), ("R", ["rate"]), ("ELBO", ["distortion", "rate"])):
        traces = drawn[f"compared-{score}"]["data"]
        assert [trace["name"] for trace in traces] == ["one", theme.plain_text(RUDE)]
        assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in traces}) == 2
        for trace, name in zip(traces, ("one", RUDE), strict=True):
            recorded = Run(three / runs[name]).history.rows()
            values = [sum(row[f"test_{term}"] for term in terms) for row in recorded]
            assert column(trace, "x") == [1, 2]
            assert column(trace, "y") == pytest.approx(values)
    assert "no history: 1 of 3" in said(at)


def test_ten_curves_are_told_apart():
    lines = [(str(i), np.arange(1, 4), np.ones(3)) for i in range(state.MAX_RUNS)]
    traces = training.compared_curves("D", lines).data
    assert len({trace.line.color for trace in traces}) == len(theme.PALETTE) == state.MAX_RUNS
    assert all(a.line.dash != b.line.dash for a, b in pairwise(traces))


def test_a_run_without_a_model_has_its_settings_alone(no_runs):
    begun = Run.create(no_runs, override(SMALL, data="/secret/place/faces"), "begun")
    broken = break_run(no_runs)
    at = open_view("train", runs=f"{begun.id},{broken}")
    rows = {row[0]: tuple(row[1:]) for row in table(at).itertuples(index=False)}
    assert rows["D, nats"] == ("–", "–") and "secret" not in repr(rows)
    assert "the trade-off shows none" in said(at) and "no history: 2 of 2" in said(at)


def test_runs_that_are_gone_are_said_once(runs):
    at = open_view("train", runs=f"gone,{runs['one']},../../etc,{runs[RUDE]}")
    assert [toast.value for toast in at.toast] == ["2 of the “runs” in the link are not here."]
    assert at.query_params["runs"] == f"{runs['one']},{runs[RUDE]}"


def test_the_table_is_given_away_without_formulas(three):
    configs = [override(SMALL, beta=beta) for beta in (1.0, 4.0)]
    cards = [Card(config, data_name="-1+1") for config in configs]
    rows = [*comparison.settings(configs), *comparison.scores(cards)]
    names = ["=cmd|' /C calc'!A0", "+1", "@x", "-2", 'a,"b"\n', "＝1"]
    rows = [replace_cells(row, len(names)) for row in rows]
    read_back = list(csv.reader(comparison.to_csv(names, rows).splitlines(keepends=True)))
    assert read_back[0][1:] == ["'=cmd|' /C calc'!A0", "'+1", "'@x", "'-2", 'a,"b"\n', "'＝1"]
    assert not any(cell.startswith(tuple("=+-@")) for line in read_back for cell in line)
    found = {line[0]: line[1:] for line in read_back}
    assert found["β"][0] == "1.0" and found["test images"][0] == "'-1+1"
    assert {len(line) for line in read_back} == {7}


def replace_cells(row, count):
    """The row with its first cell for every one of `count` runs."""
    return row._replace(cells=row.cells[:1] * count)


def test_the_csv_holds_scores_and_errors_as_numbers(three):
    card = read(SHIPPED).card
    found = dict(
        line
        for line in csv.reader(comparison.to_csv(["a"], comparison.scores([card])).splitlines())
    )
    mean, error = card.metrics["distortion"]
    assert float(found["D, nats"]) == mean and float(found["D, nats, standard error"]) == error


# --- in the trade-off ----------------------------------------------------------------------------


def plane(at):
    traces = json.loads(store.fetch(told(at)["figure"]))["data"]
    return {trace["name"]: trace for trace in traces}


def test_the_link_opens_the_plane_with_these_runs_marked(runs):
    ids = [runs["one"], runs[RUDE]]
    at = open_view("train", runs=",".join([*ids, "digits-autoencoder"]))
    links = [element.proto.url for element in at.get("link_button")]
    link = next(link for link in links if link.startswith("./trade-off"))
    assert link == f"./trade-off?runs={ids[0]}%2C{ids[1]}"
    at = open_view("trade_off", runs=",".join(ids))
    drawn = plane(at)
    assert sorted(drawn["chosen runs"]["customdata"]) == sorted(ids)
    assert drawn["other runs"]["opacity"] == theme.FAINT < 1 == drawn["chosen runs"]["opacity"]
    assert "text" not in drawn["other runs"]["mode"]
    texts = drawn["chosen runs"]["text"]
    assert any("&lt;b&gt;" in text or "http" in text for text in texts)
    assert not any("<b>" in text for text in texts)
    assert plain(f"Marked: “{RUDE}”, “one”.") in said(at) or plain(f"“one”, “{RUDE}”.") in said(at)
    at = press(at, "Show all runs equally")
    assert "runs" in plane(at) and "runs" not in at.query_params and "Marked" not in said(at)


def test_the_plane_is_that_of_most_chosen_runs_and_others_are_named(runs):
    one, two, other = runs["gaussian"], runs["one"], runs[RUDE]
    at = open_view("trade_off", runs=f"{one},{two},{other}")
    assert sorted(plane(at)["chosen runs"]["customdata"]) == sorted([two, other])
    assert plain("with scores: “gaussian”.") in said(at)
    at = open_view("trade_off", runs=one)
    assert plane(at)["chosen runs"]["customdata"] == [one]


def test_what_is_not_in_the_plane_leaves_it_as_it_is(no_runs):
    run_id = make_run(no_runs, family="autoencoder")
    at = open_view("trade_off", runs=run_id)
    assert "None of the chosen runs is here" in said(at).replace("\\", "")
    assert "runs" in plane(at) and "chosen runs" not in plane(at)


def test_a_hostile_link_marks_nothing(no_runs):
    at = open_view("trade_off", runs="<b>,../..,\0")
    assert len(at.toast) == 1 and "runs" in plane(at) and "runs" not in at.query_params


# --- in the browser ------------------------------------------------------------------------------


@pytest.mark.browser
def test_by_keyboard_a_run_is_renamed_pinned_and_compared(visit, server, runs_dir, tmp_path):
    first, second = trained(runs_dir, "first"), trained(runs_dir, "second", beta=4.0)
    page = visit(f"own={first.id}&runs={first.id},{second.id}", screen="train")
    page.get_by_role("textbox", name="Title of the run").wait_for()
    settle_page(page)
    page.get_by_role("textbox", name="Title of the run").fill(RUDE)
    page.keyboard.press("Enter")
    wait(lambda: first.title == RUDE)
    page.get_by_role("textbox", name="Note").fill("two\nlines")
    page.keyboard.press("Control+Enter")
    wait(lambda: first.label.note == "two\nlines")
    settle_page(page)
    page.get_by_role("checkbox", name="Pinned").press("Space")
    wait(lambda: first.label.pinned)
    settle_page(page)
    page.get_by_role("columnheader", name=RUDE).wait_for()
    assert page.locator("[data-testid=stTable] img, [data-testid=stTable] a").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "runs.csv")
    head = next(csv.reader((tmp_path / "runs.csv").read_text().splitlines()))
    assert head == ["run", RUDE, "second"]
    assert_fits(page, "runs")
    link = page.get_by_role("link", name="Show in the trade-off")
    assert link.get_attribute("href").endswith(f"{first.id}%2C{second.id}")
    page = visit(f"runs={first.id},{second.id}", screen="trade-off")
    page.wait_for_function(
        "() => document.querySelector('.rates')?.betaSlider?.chart?._fullData?.length"
    )
    settle_page(page)
    page.get_by_role("button", name="Show all runs equally").press("Enter")
    page.get_by_text("Marked:").wait_for(state="detached")
    page.wait_for_function("() => !location.search.includes('runs=')")


@pytest.mark.browser
def test_a_file_is_uploaded_and_another_refused(visit, server, runs_dir, tmp_path):
    before = set(list_runs(runs_dir))
    page = visit("", screen="train")
    page.get_by_text("Add a model file").click()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"PK\x03\x04" + bytes(200))
    page.locator("[data-testid=stFileUploader] input[type=file]").last.set_input_files(bad)
    page.get_by_text(re.compile("“bad.safetensors” was not added: .* zip archive")).wait_for()
    assert set(list_runs(runs_dir)) == before
    settle_page(page)
    page.locator("[data-testid=stFileUploader] input[type=file]").last.set_input_files(SHIPPED)
    page.get_by_text(re.compile("was added to your runs")).wait_for()
    (run,) = set(list_runs(runs_dir)) - before
    assert run.model_path.read_bytes() == SHIPPED.read_bytes()
    assert PRESETS["digits-2d"].model == run.config().model
