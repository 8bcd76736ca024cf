"""The page of families: a panel runs the weights of its model; the table is sorted and honest."""

import json
import os

import numpy as np
import pytest

from explorer.services import families, job_queue
from explorer.services.families import SHIPPED
from models.judge.report import SampleReport
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from tests.helpers.app_test import charts, choose, column, open_view, press, said
from tests.helpers.checkpoints import make_run
from tests.helpers.paths import ROOT

CHECKPOINTS = ROOT / "checkpoints"


def table(at):
    (found,) = at.table
    return found.value


class Scoring:
    """Starts nothing, and remembers what it was asked for."""

    def __init__(self):
        self.asked, self.progress = {}, None

    def start(self, key, words):
        self.asked[key] = words
        return True

    def get(self, key):
        return self.progress


@pytest.fixture
def scoring(monkeypatch, no_runs):
    found = Scoring()
    monkeypatch.setattr(job_queue, "scoring", lambda: found)
    return found


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_every_report_that_ships_is_of_the_model_that_ships(path):
    report = SampleReport.read(path)
    model = read(CHECKPOINTS / f"{path.stem}.safetensors")
    assert report.fingerprint == model.fingerprint and report.data == model.card.config.data
    assert report.count >= 500


def test_every_shipped_model_with_a_prior_has_a_report():
    models = (read(path) for path in CHECKPOINTS.glob("*.safetensors"))
    with_prior = [m for m in models if m.card.config.model.capabilities.has_prior]
    reports = {SampleReport.read(path).fingerprint for path in SHIPPED.glob("*.json")}
    assert {m.fingerprint for m in with_prior} <= reports


def test_the_panel_runs_the_weights_of_its_model(shown, no_runs):
    """One weight moved: everything that is decoded changes, and the test image does not."""
    original = read(CHECKPOINTS / "digits-2d-beta-1.safetensors")
    run = Run.create(no_runs, original.card.config, "mine")
    write(run.model_path, original.card, original.weights, original.codes)
    assert "prior standard deviations" in said(open_view("families", **{"seen-vae": run.id}))
    first = {caption: pictures[-1].copy() for caption, pictures in shown.items()}
    weights = {name: value.copy() for name, value in original.weights.items()}
    [v for name, v in weights.items() if "decoder" in name and name.endswith("bias")][-1][27] += 2
    write(run.model_path, original.card, weights, original.codes)
    open_view("families", **{"seen-vae": run.id})
    changed = {c for c in first if not np.array_equal(first[c], shown[c][-1])}
    assert "Decoded draws of the prior N(0, I)" in changed
    assert "the image x" in first and "the image x" not in changed


def test_an_autoencoder_says_that_it_has_no_prior(no_runs):
    at = open_view("families", **{"seen-vae": "digits-autoencoder"})
    assert "has no prior" in said(at) and "±" not in said(at)


def test_the_table_is_sorted_by_what_is_needed(no_runs):
    at = open_view("families", families="compare")
    rows = table(at)
    distance = [float(text.split("\xa0")[0].replace("\\", "")) for text in rows["Fréchet distance"]
                if text[0].isdigit()]  # fmt: skip
    assert distance[:-1] == sorted(distance[:-1]) and distance[-1] < distance[0]
    assert rows["model"].iloc[-1] == "**real images**"
    autoencoder = rows[rows["model"].str.startswith("Autoencoder")].iloc[0]
    assert autoencoder["Fréchet distance"] == "has none"
    collapsing = rows[rows["model"] == "GAN that collapses"].iloc[0]["trainings that collapsed"]
    assert " of " in collapsing and collapsing.endswith("%") and "family" not in rows
    assert "quality-over-seconds" in charts(at)
    at = choose(at, "need", "compress")
    rows = table(at)
    assert "Fréchet distance" not in rows
    errors = [float(text.split("\xa0")[0].replace("\\", "")) for text in rows.iloc[:, 2]
              if text[0].isdigit()]  # fmt: skip
    assert errors == sorted(errors) and len(errors) >= 6


def test_what_has_no_score_is_scored_by_a_button(scoring, no_runs):
    name = make_run(no_runs, title="mine")
    at = open_view("families", families="compare")
    assert "not measured" in list(table(at)["Fréchet distance"])
    at = press(at, "Score the images of 1 model")
    words = scoring.asked["digits"]
    assert words[:3] == ("judge", "score", str((no_runs / name / "model.safetensors").resolve()))
    report = json.loads((SHIPPED / "digits-2d-beta-1.json").read_text())
    (no_runs / ".scores" / f"{name}.json").write_text(json.dumps(report))
    at = open_view("families", families="compare")
    assert "not measured" not in list(table(at)["Fréchet distance"])
    assert not [button for button in at.button if button.label.startswith("Score")]


def test_a_report_older_than_its_model_counts_for_nothing(no_runs):
    name = make_run(no_runs, title="mine")
    (no_runs / ".scores").mkdir()
    kept = no_runs / ".scores" / f"{name}.json"
    kept.write_text((SHIPPED / "digits-2d-beta-1.json").read_text())
    entry = families.models_of("digits")[name]
    assert families.report(entry) is not None
    os.utime(kept, (1, 1))
    assert families.report(entry) is None


def test_a_model_that_draws_one_image_is_called_collapsed_and_one_that_is_not_scored_is_offered(
    scoring, no_runs
):
    link = {"families": "modes", "drawn-model": "digits-2d-beta-4"}
    at = open_view("families", **link)
    (verdict,) = at.error
    assert verdict.value.startswith("**Collapsed: it draws only some kinds of images.**")
    assert "1 of 10 classes is drawn" in verdict.value
    bars = charts(at)["class-shares"]["data"]
    assert max(column(bars[0], "y")) == 1.0 and max(column(bars[1], "y")) < 0.15
    name = make_run(no_runs, title="mine")
    at = open_view("families", **link | {"drawn-model": name})
    assert not at.error and not at.success
    press(at, "Score the images of 1 model")
    assert name in " ".join(scoring.asked["digits"])
