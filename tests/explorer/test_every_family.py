"""Every page opens with a model of every family, and says what the family has not."""

from dataclasses import replace

import pytest

from explorer.assets import store
from explorer.services import catalogue, run_library
from explorer.views.families.panels import PANELS
from models.capabilities import FAMILIES
from models.runs.folder import Run
from models.runs.train import execute
from tests.helpers.app_test import charts, component_data, open_view, said
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS

WITHOUT_CODES = [name for name, family in FAMILIES.items() if not family.has_codes]


@pytest.fixture(scope="module", params=WITHOUT_CODES)
def folder(request, tmp_path_factory):
    """A folder with two runs of a family without codes, of one epoch each."""
    folder = tmp_path_factory.mktemp("runs")
    config = tiny(family=request.param, training={"epochs": 1}, **SETTINGS[request.param])
    for seed in (0, 1):
        seeded = replace(config, training=replace(config.training, seed=seed))
        list(execute(Run.create(folder, seeded, f"tiny {seed}")))
    return folder


@pytest.fixture
def runs(folder, monkeypatch, no_runs):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(folder))
    found = [run.id for run in map(Run, sorted(folder.iterdir())) if run.config_path.exists()]
    assert set(found) <= catalogue.without_codes().keys() <= catalogue.all_models().keys()
    assert not set(found) & {*catalogue.list_models()[0], *catalogue.list_models()[1]}
    return found


@pytest.mark.parametrize(("view", "name"), [("latent_map", "model"), ("collapse", "collapsed")])
def test_pages_of_codes_say_that_there_are_none_and_show_another(runs, view, name):
    if view == "latent_map" and catalogue.is_on_map(catalogue.all_models()[runs[0]]):
        return
    at = open_view(view, **{name: runs[0]})
    assert "an image has no code z. Another model is shown instead" in said(at).replace("\\", "")
    assert any(f"own={runs[0]}" in block.proto.body for block in at.get("html"))


def test_the_trade_off_says_what_it_leaves_out(runs):
    text = said(open_view("trade_off", runs=",".join(runs))).replace("\\", "")
    assert f"Not in the plane: {len(catalogue.without_codes())} models (" in text
    assert "are not here" in text


def test_the_train_page_shows_scores_and_curves_and_compares(runs):
    at = open_view("train", own=runs[0], runs=",".join(runs))
    family = Run(catalogue.all_models()[runs[0]].path.parent).config().model.family
    scores = catalogue.all_models()[runs[0]].card.metrics
    drawn = charts(at)
    films = [component_data(e) for e in at.get("bidi_component") if "film-own" in e.proto.id]
    assert [film["url"] for film in films[0]["films"]] == [store.film_url(runs[0])]
    assert any(key.startswith("run-") for key in drawn) and "compared-" in " ".join(drawn)
    assert ("D" in said(at)) or "distortion" not in scores, family
    shown = "".join(block.proto.body for block in at.get("html"))
    assert f"./?model={runs[0]}" not in shown
    key = next((key for key, p in PANELS.items() if p.is_of(FAMILIES[family])), None)
    assert f'href="./families{f"?see={key}&amp;seen-{key}={runs[0]}" if key else ""}"' in shown
    table = at.dataframe[0].value
    assert table["D"].isna().all() == ("distortion" not in scores)


def test_a_model_file_can_be_added_and_given_away(runs, monkeypatch, tmp_path):
    data = run_library.model_bytes(Run(catalogue.all_models()[runs[0]].path.parent))
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "other"))
    run = run_library.take_in(data, "given.safetensors")
    assert run.id in catalogue.without_codes()
    at = open_view("train", own=run.id)
    assert "It was uploaded" in said(at).replace("\\", "")


def test_the_other_pages_open(runs):
    assert "lesson" in said(open_view("lessons")).lower()
