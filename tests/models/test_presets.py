"""Presets: found by name, and equal to themselves after a journey as JSON."""

import json

import pytest

from models.config import (
    RunConfig,
)
from models.presets import PRESETS, preset
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
