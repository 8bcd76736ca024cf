"""The Train form: its fields are those of the settings, and its run is what was chosen."""

import pytest

from explorer import state
from explorer.services import training_form
from models.config import (
    override,
)
from models.data.builtin import DATA_SETS
from models.data.load import load
from models.presets import PRESETS

NAMES = [
    pytest.param(name, marks=[] if name == "digits" else pytest.mark.mnist(name))
    for name in DATA_SETS
]
"""Built-in data sets; tests with those that do not ship are marked."""


@pytest.mark.parametrize("name", NAMES)
def test_training_sets_are_as_large_as_said(name):
    train, test = load(name, "train"), load(name, "test")
    assert training_form.data_size(name) == (len(train), len(test), train.image_shape)
    assert training_form.BUILT_IN.keys() == set(DATA_SETS)


@pytest.mark.parametrize("name", PRESETS)
def test_without_a_choice_the_plan_is_the_preset(name):
    assert training_form.plan(name, {}) == PRESETS[name]


def test_every_choice_lands_in_its_setting():
    chosen = {
        "data": "digits", "network": "conv", "hidden": "4,8", "latent_dim": 3,
        "likelihood": "gaussian", "sigma": 0.5, "beta": 2.0, "kl_warmup_steps": 7, "epochs": 9,
        "batch_size": 33, "learning_rate": 0.01, "seed": 5,
    }  # fmt: skip
    of_a_gan = {"stabiliser": "r1"}
    assert {*chosen, *of_a_gan} == {item.name for item in training_form.FIELDS}
    expected = override(
        PRESETS["digits-2d"], network="conv", hidden=(4, 8), latent_dim=3, likelihood="gaussian",
        sigma=0.5, beta=2.0, kl_warmup_steps=7, epochs=9, batch_size=33, learning_rate=0.01, seed=5,
    )  # fmt: skip
    assert training_form.plan("digits-2d", chosen | of_a_gan) == expected
    collapsing = "digits-gan-collapsing"
    expected = override(PRESETS[collapsing], **of_a_gan)
    assert training_form.plan(collapsing, of_a_gan) == expected != PRESETS[collapsing]


def test_what_does_not_matter_is_passed_over():
    assert (
        training_form.plan("digits-ae", {"beta": 4.0, "kl_warmup_steps": 9}) == PRESETS["digits-ae"]
    )
    assert training_form.plan("digits-multirate", {"beta": 4.0}) == PRESETS["digits-multirate"]
    assert training_form.plan("digits-2d", {"sigma": 4.0}) == PRESETS["digits-2d"]
    assert not training_form.plan("mnist-2d", {"likelihood": "gaussian"}).training.binarize


@pytest.mark.parametrize("item", training_form.FIELDS, ids=lambda item: item.name)
def test_limits_of_the_form_are_within_those_of_the_setting(item):
    if item.kind not in (int, float):
        return
    low, high = state.LIMITS[item.link]
    assert item.minimum <= low < high <= item.maximum
    for preset in PRESETS:
        assert low <= training_form.preset_value(preset, item.name) <= high
