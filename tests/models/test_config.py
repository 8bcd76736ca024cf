"""Settings: every limit has its sentence, and nothing but a ValueError comes out of any JSON."""

import json
import math
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import (
    PRESETS,
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
    preset,
)

NUMBERS = [
    (ModelConfig, "latent_dim", 1, 256),
    (ModelConfig, "sigma", 1 / 256, 10.0),
    (ObjectiveConfig, "beta", 0.0, 1e4),
    (ObjectiveConfig, "kl_warmup_steps", 0, 1_000_000),
    (TrainingConfig, "epochs", 1, 10_000),
    (TrainingConfig, "batch_size", 1, 100_000),
    (TrainingConfig, "learning_rate", 1e-7, 1.0),
    (TrainingConfig, "final_learning_rate", 0.0, 1.0),
    (TrainingConfig, "warmup_steps", 0, 1_000_000),
    (TrainingConfig, "seed", 0, 2**31 - 1),
    (TrainingConfig, "threads", 1, 256),
]
CHOICES = [
    (ModelConfig, "family", ["vae", "autoencoder"]),
    (ModelConfig, "network", ["mlp", "conv"]),
    (ModelConfig, "activation", ["relu", "silu"]),
    (
        ModelConfig,
        "likelihood",
        ["bernoulli", "gaussian", "gaussian-shared", "gaussian-optimal", "gaussian-pixel"],
    ),
    (TrainingConfig, "precision", ["float32", "bfloat16"]),
]
LISTS = [(ModelConfig, "image_shape"), (ModelConfig, "hidden")]
SWITCHES = [(TrainingConfig, "binarize")]
PARTS = (ModelConfig, ObjectiveConfig, TrainingConfig)


def refuses(sentence, make, *args, **kwargs):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make(*args, **kwargs)


def test_every_setting_is_in_one_table():
    tabled = [(row[0], row[1]) for table in (NUMBERS, CHOICES, LISTS, SWITCHES) for row in table]
    assert sorted((part.__name__, item.name) for part in PARTS for item in fields(part)) == sorted(
        (part.__name__, name) for part, name in tabled
    )


def test_every_setting_has_one_sentence_of_help():
    for part in PARTS:
        for item in fields(part):
            assert item.metadata["help"].endswith("."), item.name


@pytest.mark.parametrize(("part", "name", "minimum", "maximum"), NUMBERS)
def test_limits_are_inclusive_and_say_so(part, name, minimum, maximum):
    for limit in (minimum, maximum):
        assert getattr(part(**{name: limit}), name) == limit
    below = minimum - 1 if minimum == 0 or isinstance(minimum, int) else minimum / 2
    refuses(f"{name} must be at least {minimum:g}, got {below:g}", part, **{name: below})
    above = 2 * maximum
    refuses(f"{name} must be at most {maximum:g}, got {above:g}", part, **{name: above})


@pytest.mark.parametrize(("part", "name", "minimum", "maximum"), NUMBERS)
def test_a_number_is_a_finite_number(part, name, minimum, maximum):
    whole = isinstance(minimum, int)
    noun = "a whole number" if whole else "a number"
    for value in (True, None, "1", [1], {}, *([1.0, math.nan] if whole else [])):
        refuses(f"{name} must be {noun}, got {value!r}", part, **{name: value})
    for value in () if whole else (math.nan, math.inf, -math.inf):
        refuses(f"{name} must be finite, got {value}", part, **{name: value})
    refuses(
        f"{name} must be at most {maximum:g}, got more than 64 bits hold",
        part,
        **{name: 10**5000},
    )
    refuses(
        f"{name} must be at least {minimum:g}, got more than 64 bits hold",
        part,
        **{name: -(10**5000)},
    )


@pytest.mark.parametrize(("part", "name", "choices"), CHOICES)
def test_a_choice_is_one_of_the_named(part, name, choices):
    for choice in choices:
        assert getattr(part(**{name: choice}), name) == choice
    for wrong in ("", "x", choices[0].upper()):
        refuses(f"{name} must be one of {', '.join(choices)}, got {wrong!r}", part, **{name: wrong})
    for value in (None, 1, True, [choices[0]]):
        refuses(f"{name} must be text, got {value!r}", part, **{name: value})


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"image_shape": [1, 8, 8]}, "image_shape must be a list of whole numbers, got [1, 8, 8]"),
        ({"hidden": 512}, "hidden must be a list of whole numbers, got 512"),
        ({"hidden": (8, True)}, "every entry of hidden must be a whole number, got True"),
        ({"hidden": (8, 8.0)}, "every entry of hidden must be a whole number, got 8.0"),
        ({"hidden": (8, 0)}, "every entry of hidden must be at least 1, got 0"),
        ({"hidden": (4097,)}, "every entry of hidden must be at most 4096, got 4097"),
        ({"hidden": ()}, "hidden must have 1 to 6 entries, got 0"),
        ({"hidden": (8,) * 7}, "hidden must have 1 to 6 entries, got 7"),
        ({"image_shape": (1, 65, 8)}, "every entry of image_shape must be at most 64, got 65"),
        ({"image_shape": (1, 8, 7)}, "images must be 8 to 64 pixels a side, got (8, 7)"),
        (
            {"image_shape": (2, 8, 8)},
            "image_shape must be (1 or 3 channels, height, width), got (2, 8, 8)",
        ),
        (
            {"image_shape": (8, 8)},
            "image_shape must be (1 or 3 channels, height, width), got (8, 8)",
        ),
        (
            {"network": "conv", "image_shape": (1, 64, 15), "hidden": (8,) * 4},
            "hidden must have few enough entries to halve 15 pixels that often, got 4",
        ),
    ],
)
def test_shapes_and_widths(given_settings, sentence):
    refuses(sentence, ModelConfig, **given_settings)


def test_as_many_halvings_as_the_image_has():
    for side, halvings in ((8, 3), (15, 3), (16, 4), (64, 6)):
        ModelConfig(network="conv", image_shape=(3, side, 64), hidden=(8,) * halvings)


def test_binarize_is_a_switch_for_bernoulli_pixels():
    for value in (1, 0, None, "true"):
        refuses(f"binarize must be true or false, got {value!r}", TrainingConfig, binarize=value)
    refuses(
        "binarize must go with the bernoulli likelihood, got gaussian",
        RunConfig,
        model=ModelConfig(likelihood="gaussian"),
        training=TrainingConfig(binarize=True),
    )


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_json_round_trip(config):
    document = config.to_json()
    travelled = json.loads(json.dumps(document, allow_nan=False))
    assert travelled == document, "to_json must hold JSON values only: lists, no tuples"
    assert RunConfig.from_json(travelled) == config


def test_absent_settings_take_their_defaults():
    assert RunConfig.from_json({}) == RunConfig()
    document = {"training": {"seed": 3}, "model": {"hidden": [5]}}
    assert RunConfig.from_json(document) == RunConfig(
        model=ModelConfig(hidden=(5,)), training=TrainingConfig(seed=3)
    )


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (None, "RunConfig must be a JSON object, got NoneType"),
        ([], "RunConfig must be a JSON object, got list"),
        ({"modle": {}}, "RunConfig has no setting 'modle'"),
        ({"model": {"latent": 2}}, "ModelConfig has no setting 'latent'"),
        ({"model": {"__class__": 2}}, "ModelConfig has no setting '__class__'"),
        ({1: 2}, "RunConfig has no setting '1'"),
        ({"model": None}, "ModelConfig must be a JSON object, got NoneType"),
        ({"data": 3}, "data must be text, got 3"),
        ({"objective": {"beta": False}}, "beta must be a number, got False"),
        (
            {"model": {"image_shape": "abc"}},
            "image_shape must be a list of whole numbers, got 'abc'",
        ),
        (
            {"model": {"hidden": [[8]]}},
            "every entry of hidden must be a whole number, got [8]",
        ),
    ],
)
def test_a_strangers_document(document, sentence):
    refuses(sentence, RunConfig.from_json, document)


def test_a_group_is_a_group():
    refuses("model must be a group of settings, got {}", RunConfig, model={})
    with pytest.raises(ValueError, match=r"^model must be a group of settings, got Objective"):
        RunConfig(model=ObjectiveConfig())


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "document",
    [
        {"x" * 10**6: 1},
        {"data": nested(900)},
        {"data": [0] * 10**6},
        {"model": {"family": "x" * 10**6}},
        {"model": {"hidden": "x" * 10**6}},
        {"model": {"hidden": ["x" * 10**6]}},
        {"model": {"image_shape": [8] * 10**5}},
        {"objective": {"beta": "x" * 10**6}},
        {"training": {"binarize": "x" * 10**6}},
    ],
)
def test_a_sentence_stays_a_sentence(document):
    with pytest.raises(ValueError) as refusal:
        RunConfig.from_json(document)
    assert len(str(refusal.value)) < 200


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
names = st.sampled_from([item.name for part in (*PARTS, RunConfig) for item in fields(part)])
groups = st.dictionaries(names, documents, max_size=3)
near_misses = st.dictionaries(names, documents | groups, max_size=4)


@given(documents | near_misses)
def test_any_json_is_a_config_or_a_value_error(document):
    try:
        config = RunConfig.from_json(document)
    except ValueError:
        return
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(st.sampled_from(PARTS), st.data())
def test_one_setting_replaced_by_anything(part, data):
    name = data.draw(st.sampled_from([item.name for item in fields(part)]))
    document = part().to_json() | {name: data.draw(documents)}
    try:
        config = part.from_json(document)
    except ValueError:
        return
    assert config.to_json() == document


def test_presets_by_name():
    assert preset("digits-2d") is PRESETS["digits-2d"]
    refuses(f"preset must be one of {', '.join(PRESETS)}, got 'x'", preset, "x")


def test_settings_are_frozen_and_checked_when_replaced():
    config = preset("mnist-2d")
    with pytest.raises(AttributeError):
        config.data = "digits"
    refuses("latent_dim must be at least 1, got 0", replace, config.model, latent_dim=0)
