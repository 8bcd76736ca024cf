"""The interval of β*: awaited, then written; the same as on the command line."""

from concurrent.futures import Future
from dataclasses import replace

import pytest

from explorer.services import collapse_prediction
from explorer.views.collapse_interval import sentence
from models.data.load import load
from models.presets import PRESETS
from models.theory.collapse_threshold import PopulationThreshold, population_threshold
from tests.helpers.app_test import choose, open_view, said

CONFIG = PRESETS["digits-2d"]


@pytest.fixture
def estimate():
    """Of the digits; after that no page has to wait for it."""
    return collapse_prediction.population(CONFIG).result()


@pytest.mark.parametrize("view", ["train", "collapse"])
def test_the_interval_stands_where_collapse_is_predicted(view, estimate, no_runs, desk):
    found = population_threshold(load("digits", "train").images)
    assert found == estimate
    assert sentence(found) in said(open_view(view, model="digits-2d-beta-4"))


def test_until_it_is_known_the_page_says_that_it_follows(monkeypatch, no_runs, desk):
    future = Future()
    monkeypatch.setattr(collapse_prediction, "population", lambda config: future)
    at = open_view("train")
    assert "follows in a few seconds" in said(at)
    future.set_result(PopulationThreshold(3.0, 0.1, 0.05))
    assert sentence(future.result()) in said(at.run())


def test_without_a_prediction_there_is_no_interval(estimate, no_runs, desk):
    at = choose(open_view("train"), "likelihood", "gaussian-pixel")
    assert "in general" not in said(at) and "follows" not in said(at)


def test_a_set_that_is_gone_has_none(no_runs):
    assert (
        collapse_prediction.population(replace(CONFIG, data="own-0123456789abcdef")).result()
        is None
    )


def test_the_sentence_gives_the_interval_or_says_that_the_images_are_too_few():
    enough = "For images like these in general, β* is 3.00 (95 % interval 2.80 to 3.20)."
    assert sentence(PopulationThreshold(3.0, 0.1, 0.05)) == enough
    assert "too few" in sentence(PopulationThreshold(3.0, 0.1, 2.0))
