"""Presets: found by name, and equal to themselves after a journey as JSON."""

import json

import pytest

from models.config import (
    RunConfig,
)
from models.data.load import load
from models.families.registry import build_model
from models.presets import PRESETS, preset
from models.training.trainer import Training
from tests.helpers.sentences import assert_refuses


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_json_round_trip(config):
    document = config.to_json()
    travelled = json.loads(json.dumps(document, allow_nan=False))
    assert travelled == document, "to_json must hold JSON values only: lists, no tuples"
    assert RunConfig.from_json(travelled) == config


def test_presets_by_name():
    assert preset("digits-2d") is PRESETS["digits-2d"]
    assert_refuses(f"preset must be one of {', '.join(PRESETS)}, got 'x'", preset, "x")


@pytest.mark.slow
def test_the_quick_digits_are_as_good_in_a_quarter_of_the_steps():
    """The long preset ends at 24.1 nats after 4000 steps, for which its checkpoint ships."""
    train, test = load("digits", "train").images, load("digits", "test").images
    quick = preset("digits-2d-quick")
    training = Training(build_model(quick.model), quick, train, test)
    *_, last = training.events()
    assert last.test["distortion"] + last.test["rate"] < 24.4
    assert 4 * training.total_steps == preset("digits-2d").total_steps(len(train))
