"""The commands of the judge, as a user calls them."""

import json

import pytest

from tests.helpers.command_line import assert_refusal, call
from tests.helpers.paths import ROOT

GOOD = ROOT / "checkpoints/digits-2d-beta-1.safetensors"
COLLAPSED = ROOT / "checkpoints/digits-2d-beta-4.safetensors"
AUTOENCODER = ROOT / "checkpoints/digits-autoencoder.safetensors"


@pytest.mark.slow
def test_a_collapsed_model_is_told_from_a_good_one():
    good, collapsed = (
        json.loads(call("judge", "score", model, "--count", 200, "--json"))["scores"]
        for model in (GOOD, COLLAPSED)
    )
    distance = next(name for name in good if name.endswith("frechet"))
    value, _, floor, _ = good[distance]
    assert floor < value < collapsed[distance][0] / 3


def test_the_table_has_units_and_the_floor():
    out = call("judge", "score", GOOD, "--count", 100)
    assert "this model" in out and "real images" in out
    assert "for 1000 images, 1 pass through the network for each" in out


def test_what_cannot_be_scored_is_refused():
    assert_refusal(call("judge", "score", AUTOENCODER, status=1), "must have a prior")
    too_few = call("judge", "score", GOOD, "--count", 5, status=1)
    assert_refusal(too_few, "count must be 40 to 20000, got 5")
