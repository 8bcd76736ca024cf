"""A GAN on the page of families: its panel runs both players, and its remedies can be trained."""

import json
import shutil

import numpy as np
import pytest

from explorer.services import families
from explorer.services.families import SHIPPED
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read, write
from models.training.remedies import NO_REMEDY, mode_remedies
from tests.helpers.app_test import charts, column, open_view, press, said
from tests.helpers.configs import tiny
from tests.helpers.families import SETTINGS

SETTING = {"family": "gan", "stabiliser": "none", "training": {"epochs": 2}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a GAN of two epochs."""
    folder = tmp_path_factory.mktemp("gan")
    list(execute(Run.create(folder, tiny(**SETTING, **SETTINGS["gan"]), "a small GAN")))
    return folder


@pytest.fixture
def gan(folder, monkeypatch, no_runs):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(folder))
    (path,) = folder.glob("*/config.json")
    return Run(path.parent)


def panel(run):
    return open_view("families", see="gan", **{"seen-gan": run.id})


def test_the_panel_shows_the_scores_of_both_kinds_and_how_they_changed(gan):
    at = panel(gan)
    drawn = charts(at)
    real, fake = (column(bars, "y") for bars in drawn["gan-scores"]["data"])
    assert sum(real) == pytest.approx(1) and sum(fake) == pytest.approx(1)
    steps = column(drawn["gan-course"]["data"][0], "x")
    assert steps == [row["step"] for row in gan.history.rows()] and len(steps) == 2
    assert "guessing gives 50 %" in said(at)


@pytest.mark.parametrize(("player", "moves"), [("decoder.", True), ("discriminator.", False)])
def test_one_weight_moved_changes_what_its_player_does(gan, shown, player, moves):
    original = read(gan.model_path)
    panel(gan)
    before = {caption: levels[-1].copy() for caption, levels in shown.items()}
    weights = {name: value.copy() for name, value in original.weights.items()}
    name = max(n for n in weights if n.startswith(player) and n.endswith("bias"))
    weights[name][-1] += 2
    try:
        write(gan.model_path, original.card, weights, None)
        panel(gan)
    finally:
        write(gan.model_path, original.card, original.weights, None)
    assert np.array_equal(before[""], shown[""][-1]) != moves, "the walk"
    scores = {caption for caption in shown if caption.startswith("D = ")}
    assert moves or scores - before.keys()


def test_remedies_are_the_same_run_with_one_thing_changed(gan):
    config = gan.config()
    first, *others = mode_remedies(config)
    assert (first.name, first.config) == (NO_REMEDY, config)
    names = {remedy.name: remedy.config for remedy in others}
    assert names["R1 penalty"].model.stabiliser == "r1"
    assert names["R1 penalty"].training == config.training
    assert names["smaller learning rate"].model == config.model
    assert names["smaller learning rate"].training.learning_rate < config.training.learning_rate
    again = mode_remedies(names["R1 penalty"])
    assert [remedy.name for remedy in again] == [NO_REMEDY, "smaller learning rate"]


def test_remedies_are_trained_by_a_button(gan, desk):
    at = open_view("families", families="modes", **{"drawn-model": gan.id})
    assert "one thing changed at a time" in said(at)
    press(at, "Train the remedies")
    assert len(desk.asked) == 3


def test_a_trained_remedy_stands_beside_the_model_as_it_was(gan, desk, shown):
    *_, remedy = mode_remedies(gan.config())
    trained = Run.create(gan.folder.parent, remedy.config, "a remedy", purpose="remedy")
    list(execute(trained))
    try:
        at = open_view("families", families="modes", **{"drawn-model": gan.id})
        assert f"**{NO_REMEDY}**" in said(at) and f"**{remedy.name}**" in said(at)
        as_it_was, changed = shown[""][-2:]
        assert as_it_was.shape == changed.shape and not np.array_equal(as_it_was, changed)
        assert [b.label for b in at.button if "Score" in b.label] == [
            "Score the images of 2 models"
        ]
        press(at, "Train the others")
        assert len(desk.asked) == 2
    finally:
        shutil.rmtree(trained.folder)


def test_a_verdict_stands_where_there_are_scores(gan):
    (gan.folder.parent / ".scores").mkdir(exist_ok=True)
    report = json.loads((SHIPPED / "digits-2d-beta-4.json").read_text())
    kept = gan.folder.parent / ".scores" / f"{gan.id}.json"
    kept.write_text(json.dumps(report))
    at = open_view("families", families="modes", **{"drawn-model": gan.id})
    assert at.error[0].value.startswith("**Collapsed")
    kept.unlink()


def test_the_services_draw_the_same_images_from_the_same_seed(gan):
    from explorer.services.catalogue import all_models
    from explorer.services.loaded_model import LoadedModel

    model = LoadedModel(all_models()[gan.id])
    first, second, other = (families.drawn(model, 3, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, second) and not np.array_equal(first, other)
    assert families.class_shares(model, 0)[0].sum() == pytest.approx(1)
