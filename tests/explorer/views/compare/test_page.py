"""Runs side by side, and the same runs in the trade-off."""

import csv
import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from explorer import state
from explorer.assets import store
from explorer.figures import theme, training
from explorer.services import comparison
from explorer.widgets.text import plain
from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig, override
from models.metrics.statistics import paired_difference
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.card import Card
from models.storage.checkpoint import read
from tests.helpers.app_test import charts, column, open_view, press, said, settle, told
from tests.helpers.browser_page import assert_fits
from tests.helpers.browser_page import settle as settle_page
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

SHIPPED = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"


SMALL = RunConfig(
    "digits",
    ModelConfig(image_shape=(1, 8, 8), hidden=(8,)),
    ObjectiveConfig(),
    TrainingConfig(epochs=2, batch_size=64, warmup_steps=5),
)


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
    return {run.title: run.id for run in list_runs(three)}


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
    assert "no plane shows them" in said(at) and "no history: 2 of 2" in said(at)


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


def plane(at):
    traces = json.loads(store.fetch(told(at)["figure"]))["data"]
    return {trace["name"]: trace for trace in traces}


def test_the_link_opens_the_plane_with_these_runs_marked(runs):
    ids = [runs["one"], runs[RUDE]]
    at = open_view("train", runs=",".join([*ids, "digits-autoencoder"]))
    shown = " ".join(element.proto.body for element in at.get("html"))
    link = re.search(r'href="(\./trade-off[^"]*)"', shown)[1]
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


def cell(page, text):
    """A cell of the list of runs, which is drawn on a canvas and written below it."""
    return page.locator("[data-testid=stDataFrame] [role=gridcell]", has_text=text)


@pytest.mark.browser
@pytest.mark.slow
def test_by_keyboard_a_run_is_renamed_pinned_and_compared(visit, server, runs_dir, tmp_path):
    first, second = trained(runs_dir, "first"), trained(runs_dir, "second", beta=4.0)
    page = visit(f"own={first.id}&runs={first.id},{second.id}", screen="train")
    page.get_by_role("textbox", name="Title of the run").wait_for()
    settle_page(page)
    page.get_by_role("textbox", name="Title of the run").fill(RUDE)
    page.keyboard.press("Enter")
    wait(lambda: first.title == RUDE)
    page.get_by_role("columnheader", name=RUDE).wait_for()
    settle_page(page)
    page.get_by_role("textbox", name="Note").fill("two\nlines")
    page.keyboard.press("Control+Enter")
    wait(lambda: first.label.note == "two\nlines")
    cell(page, "two · lines").wait_for(state="attached")
    settle_page(page)
    page.get_by_role("checkbox", name="Pinned").press("Space")
    wait(lambda: first.label.pinned)
    cell(page, "★").wait_for(state="attached")
    settle_page(page)
    assert page.locator("[data-testid=stTable] img, [data-testid=stTable] a").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "runs.csv")
    head = next(csv.reader((tmp_path / "runs.csv").read_text().splitlines()))
    assert head == ["run", RUDE, "second"]
    assert_fits(page, "runs")
    link = page.get_by_role("link", name="Mark them in the plane")
    assert link.get_attribute("href").endswith(f"{first.id}%2C{second.id}")
    page = visit(f"runs={first.id},{second.id}", screen="trade-off")
    page.wait_for_function(
        "() => document.querySelector('.rates')?.betaSlider?.chart?._fullData?.length"
    )
    settle_page(page)
    page.get_by_role("button", name="Show all runs equally").press("Enter")
    page.get_by_text("Marked:").wait_for(state="detached")
    page.wait_for_function("() => !location.search.includes('runs=')")
