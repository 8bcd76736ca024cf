"""A folder of many runs: pages look at it once, show a part of it, and cost little more."""

import json
import statistics
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from explorer import page_queue
from explorer.services import catalogue, families, rate_distortion, run_folders
from explorer.views.families import compare
from explorer.widgets.text import plain
from models.config import override
from models.runs.folder import Run
from models.runs.index import RunIndex
from models.storage.checkpoint import read, write
from tests.helpers.app_test import choose, open_view, said, settle
from tests.helpers.checkpoints import copies, make_run
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE

PAGES = ["latent_map", "train", "trade_off", "collapse", "families", "lessons"]


TIMED = """
import time
import streamlit as st
from explorer import page_queue
from explorer.views.{} import page
start = time.thread_time()
with page_queue.turn():
    page.show()
st.session_state.seconds = time.thread_time() - start
"""


@pytest.fixture
def many(no_runs):
    return copies(no_runs, 120)


@pytest.fixture
def opened(monkeypatch):
    """Paths of the checkpoints that were opened."""
    paths, original = [], catalogue._checkpoint

    def note(path, changed):
        paths.append(path)
        return original(path, changed)

    monkeypatch.setattr(catalogue, "_checkpoint", note)
    return paths


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_what_it_shows_and_not_what_it_lists(many, opened, page):
    open_view(page)
    assert len(set(opened)) <= 4


def options(at, name):
    (found,) = [each.options for each in at.selectbox if each.key == f"control-{name}"]
    return found


def test_a_list_of_models_is_short_and_has_the_chosen_one(many):
    shipped = len(catalogue.on_map()) - len(many)
    assert len(options(open_view("latent_map"), "model")) == shipped + catalogue.OFFERED
    at = open_view("latent_map", model=many[0])
    assert len(options(at, "model")) == shipped + catalogue.OFFERED + 1
    assert at.query_params["model"] == many[0] and "not possible" not in said(at)
    Run(run_folders.listing().by_id[many[1]].run.folder).relabel(pinned=True, title="kept")
    assert any("kept" in label for label in options(open_view("latent_map"), "model"))


def test_the_table_has_pages_and_can_be_searched(many):
    at = open_view("train")
    titles = at.dataframe[0].value["title"].tolist()
    assert titles == [f"run {number}" for number in range(119, 94, -1)]
    assert len(options(at, "own")) == 25 and "120 of 120 runs" in said(at)
    at.text_input("find-runs").set_value("RUN 7")
    at = settle(at)
    titles = at.dataframe[0].value["title"].tolist()
    assert titles == [f"run {number}" for number in range(119, -1, -1) if "7" in str(number)]
    assert "21 of 120 runs" in said(at)
    at.text_input("find-runs").set_value("nothing")
    assert "has these words" in said(settle(at))


def test_a_link_to_a_run_of_another_page_shows_it(many):
    at = open_view("train", own=many[3])
    assert at.query_params["own"] == many[3] and len(options(at, "own")) == 26
    at = choose(at, "own", many[-1])
    assert len(options(at, "own")) == 25


@pytest.fixture
def many_scored(no_runs):
    """Three hundred runs: a hundred of one β with seeds of their own, and two of each other β."""
    names = copies(no_runs, 300)
    report = (families.SHIPPED / "digits-2d-beta-1.json").read_text()
    (no_runs / ".scores").mkdir()
    for number, name in enumerate(names):
        run = Run(no_runs / name)
        stored = read(run.model_path)
        change = {"seed": number} if number >= 200 else {"beta": 2.0 + number // 2}
        config = override(stored.card.config, **change)
        run.config_path.write_text(
            json.dumps(run.document() | {"title": f"run {number}", "config": config.to_json()})
        )
        card = replace(stored.card, config=config, title=f"run {number}")
        write(run.model_path, card, stored.weights, stored.codes)
        (no_runs / ".scores" / f"{name}.json").write_text(report)
    return names


def test_the_table_of_families_has_pages_and_counts_every_seed(many_scored, opened):
    at = open_view("families", families="compare")
    (table,) = at.table
    assert len(table.value) == compare.PAGE + 1 and len(set(opened)) <= 8
    seeds = table.value["seeds"].tolist()
    row = table.value.iloc[seeds.index("100")]
    assert row["trainings that collapsed"].startswith("0 of 100")


def test_a_page_looks_at_the_folder_once(many, monkeypatch):
    looks, original = [], RunIndex.look
    monkeypatch.setattr(RunIndex, "look", lambda self: looks.append(1) or original(self))
    at = AppTest.from_file(str(ROOT / "explorer/navigation.py"), default_timeout=PATIENCE)
    settle(at)
    assert len(looks) == 1
    with page_queue.turn():
        assert run_folders.listing() is run_folders.listing()
        run_folders.look_again()
        run_folders.listing()
    assert len(looks) == 3


def test_a_model_that_is_damaged_behind_a_good_card_is_said_when_it_is_opened(no_runs):
    run = Run(no_runs / make_run(no_runs))
    data = bytearray(run.model_path.read_bytes())
    data[-8:] = bytes(8)
    run.model_path.write_bytes(data)
    at = open_view("latent_map", model=run.id)
    (warning,) = at.warning
    assert plain("cannot be opened: the file's content must match its checksum") in warning.value
    assert run.id not in catalogue.list_models()[0]


@pytest.mark.slow
@pytest.mark.promise
def test_a_thousand_runs_cost_a_page_little(tmp_path, no_runs, monkeypatch):
    """Processor time of a rerun, with a full page of the table and with a thousand."""
    copies(no_runs, 1000)
    copies(tmp_path / "few", 30)
    folders = {"few": tmp_path / "few", "many": no_runs}
    for page in PAGES:
        seconds = {}
        for name, folder in folders.items():
            monkeypatch.setenv("LATENT_RUNS_DIR", str(folder))
            at = settle(AppTest.from_string(TIMED.format(page), default_timeout=PATIENCE))
            seconds[name] = [settle(at).session_state.seconds for _ in range(7)]
        few, thousand = (statistics.median(seconds[name]) for name in ("few", "many"))
        print(f"{page}: {1e3 * few:.0f} ms with 30 runs, {1e3 * thousand:.0f} ms with 1,000")
        assert thousand < 1.2 * few + 0.02, page


def test_convergence_is_checked_when_it_is_asked_for_and_once(no_runs, opened, monkeypatch):
    checked, original = [], rate_distortion.check
    monkeypatch.setattr(
        rate_distortion, "check", lambda models: checked.append(1) or original(models)
    )
    group = next(
        name
        for name, group in rate_distortion.groups(catalogue.list_models()[0]).items()
        if "digits-2d-beta-1" in group.runs
    )
    at = open_view("trade_off", group=group)
    assert not checked and "models like" not in said(at)
    at.session_state["converged"] = True
    assert plain("β = 0.1 to 4, 3 models like") in said(settle(at))
    settle(at)
    assert len(checked) == 1
