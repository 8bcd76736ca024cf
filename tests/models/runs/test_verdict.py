"""A finished model that is worse than a constant image is called so; others are not."""

import re
from dataclasses import replace

import pytest

from models.config import override
from models.presets import preset
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.runs.verdict import verdict
from models.storage.card import Card
from models.storage.checkpoint import read
from tests.helpers.command_line import call, train
from tests.helpers.paths import SHIPPED


def judged(distortion, rate, constant, error=0.1):
    scores = {"distortion": [distortion, error], "collapsed_distortion": constant}
    scores |= {} if rate is None else {"rate": [rate, 0.1]}
    return verdict(Card(preset("digits-2d"), metrics=scores))


@pytest.mark.parametrize(
    ("distortion", "rate", "constant", "words"),
    [
        (4e8, 7e5, 147_503.14, "diverged: D is 400,000,000 nats/image, and 147,503 for the mean"),
        (265.4, 60.0, -42.76, "diverged: D is 265.40 nats/image, and -42.76 for the mean"),
        (27.51, 56.7, 27.18, "no better than the mean image: D is 27.51 nats/image, and 27.18"),
        (23591.0, None, 23411.0, "no better than the mean image: D is 23,591"),
        (27.20, 0.0, 27.18, ""),  # collapsed, which has its own diagnosis
        (20.9, 3.2, 27.18, ""),
        (-50.0, 3.2, -42.76, ""),
    ],
)
def test_a_model_is_held_against_the_best_constant_image(distortion, rate, constant, words):
    found = judged(distortion, rate, constant)
    assert (words in found) if words else found == ""
    assert not words or "lower the learning rate (0.003)" in found


def test_a_linear_start_did_not_begin_at_the_mean_image():
    scores = {"distortion": [4e8, 0.1], "rate": [7e5, 0.1], "collapsed_distortion": 27.18}
    found = verdict(Card(override(preset("digits-2d"), start="linear"), metrics=scores))
    assert "for the mean image; lower" in found and "began" not in found


def test_noise_is_no_verdict():
    assert "diverged" not in judged(30.0, 2.0, 27.18, error=0.6)


def test_a_model_that_does_not_know_the_mean_image_is_not_judged():
    assert verdict(Card(preset("digits-2d"), metrics={"distortion": [4e8, 1.0]})) == ""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_has_no_verdict_but_what_is_to_have_one(path):
    card = read(path).card
    scores = {"collapsed_distortion": 206.0 if "mnist" in path.stem else 27.18}
    found = verdict(replace(card, metrics={**card.metrics, **scores}))
    assert bool(found) == (path.stem == "digits-gan-collapsing"), found


DIVERGING = ("--learning-rate", 1, "--likelihood", "gaussian", "--sigma", 0.004, "--epochs", 4)


def test_a_training_that_diverged_with_finite_numbers_ends_with_a_verdict(tmp_path):
    """How far is chance: the numbers grow and shrink from epoch to epoch."""
    wrong = (
        r"(the training diverged|the model is no better than the mean image): D is [\d,]{7,} nats"
    )
    lines = train(tmp_path, *DIVERGING).splitlines()
    assert re.match(f"Verdict: {wrong}", lines[-2])
    assert "lower the learning rate (1)" in lines[-2] and lines[-1].startswith("Done: ")
    (run,) = list_runs(tmp_path)
    assert re.search(f"verdict +{wrong}", call("evaluate", run.model_path))
    table = call("sweep", "--runs-dir", tmp_path, "--betas", "1", *DIVERGING)
    assert re.search(f": {wrong}", table)


def test_training_begins_at_the_mean_image(tmp_path):
    """Which is what the sentence says, and why a D far above is a divergence."""
    for name in ("digits-2d", "digits-ae", "digits-multirate"):
        config = override(preset(name), threads=1, learning_rate=1e-7, epochs=1)
        run = Run.create(tmp_path, config)
        list(execute(run))
        metrics = read(run.model_path).card.metrics
        assert metrics["distortion"][0] == pytest.approx(metrics["collapsed_distortion"], rel=0.05)


@pytest.mark.parametrize(
    ("coverage", "stabiliser", "words"),
    [
        (0.13, "none", "only 13 % of the test images have a new image near them"),
        (0.13, "r1", "at its beginning; train longer"),
        (0.85, "none", ""),
    ],
)
def test_a_generator_that_covers_little_is_called_so(coverage, stabiliser, words):
    config = override(preset("digits-gan"), stabiliser=stabiliser)
    found = verdict(Card(config, steps=2000, metrics={"coverage": coverage}))
    assert (words in found and "after 2,000 steps" in found) if words else found == ""
    assert ("choose the stabiliser r1" in found) == (bool(words) and stabiliser == "none")
