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


def test_several_models_are_scored_into_a_folder(tmp_path):
    call("judge", "score", GOOD, COLLAPSED, "--count", 50, "--output", tmp_path)
    alone = json.loads(call("judge", "score", GOOD, "--count", 50, "--json"))
    kept = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert kept.keys() == {GOOD.stem, COLLAPSED.stem}
    assert kept[GOOD.stem]["scores"] == alone["scores"]


def test_several_models_need_a_folder_and_steps_a_family_that_takes_them(tmp_path):
    words = ("judge", "score", GOOD, COLLAPSED, "--output", tmp_path / "x.json")
    assert_refusal(call(*words, status=1), "output must be a folder for 2 models")
    assert_refusal(call("judge", "score", GOOD, "--steps", 5, status=1), "steps must be left out")
