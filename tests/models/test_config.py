"""Settings: every limit has its sentence, and nothing but a ValueError comes out of any JSON."""

import json
import math
import re
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from models.config import (
    RUN_SETTINGS,
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
    override,
)
from models.families.registry import build_model
from models.presets import PRESETS, preset
from tests.helpers.sentences import assert_sentence

NUMBERS = [
    (ModelConfig, "latent_dim", 1, 256),
    (ModelConfig, "sigma", 1 / 256, 10.0),
    (ModelConfig, "beta_min", 1e-4, 1.0),
    (ModelConfig, "beta_max", 1.0, 1e4),
    (ObjectiveConfig, "beta", 0.0, 1e4),
    (ObjectiveConfig, "kl_warmup_steps", 0, 1_000_000),
    (ObjectiveConfig, "cycles", 0, 100),
    (ObjectiveConfig, "ramp", 0.01, 1.0),
    (ObjectiveConfig, "free_bits", 0.0, 100.0),
    (ObjectiveConfig, "capacity", 0.0, 1000.0),
    (ObjectiveConfig, "capacity_steps", 0, 1_000_000),
    (TrainingConfig, "epochs", 1, 10_000),
    (TrainingConfig, "batch_size", 1, 100_000),
    (TrainingConfig, "learning_rate", 1e-7, 1.0),
    (TrainingConfig, "final_learning_rate", 0.0, 1.0),
    (TrainingConfig, "warmup_steps", 0, 1_000_000),
    (TrainingConfig, "seed", 0, 2**31 - 1),
    (TrainingConfig, "threads", 1, 256),
]
CHOICES = [
    (ModelConfig, "family", ["vae", "autoencoder", "multirate"]),
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


def assert_refuses(sentence, make, *args, **kwargs):
    """A ValueError comes out, and says exactly this."""
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
            assert item.metadata["description"].help.endswith("."), item.name
            assert_sentence(item.metadata["description"].help.removesuffix("."))


@pytest.mark.parametrize(("part", "name", "minimum", "maximum"), NUMBERS)
def test_limits_are_inclusive_and_say_so(part, name, minimum, maximum):
    for limit in (minimum, maximum):
        assert getattr(part(**{name: limit}), name) == limit
    below = minimum - 1 if minimum == 0 or isinstance(minimum, int) else minimum / 2
    assert_refuses(f"{name} must be at least {minimum:g}, got {below:g}", part, **{name: below})
    above = 2 * maximum
    assert_refuses(f"{name} must be at most {maximum:g}, got {above:g}", part, **{name: above})


@pytest.mark.parametrize(("part", "name", "minimum", "maximum"), NUMBERS)
def test_a_number_is_a_finite_number(part, name, minimum, maximum):
    whole = isinstance(minimum, int)
    noun = "a whole number" if whole else "a number"
    for value in (True, None, "1", [1], {}, *([1.0, math.nan] if whole else [])):
        assert_refuses(f"{name} must be {noun}, got {value!r}", part, **{name: value})
    for value in () if whole else (math.nan, math.inf, -math.inf):
        assert_refuses(f"{name} must be finite, got {value}", part, **{name: value})
    assert_refuses(
        f"{name} must be at most {maximum:g}, got more than 64 bits hold",
        part,
        **{name: 10**5000},
    )
    assert_refuses(
        f"{name} must be at least {minimum:g}, got more than 64 bits hold",
        part,
        **{name: -(10**5000)},
    )


@pytest.mark.parametrize(("part", "name", "choices"), CHOICES)
def test_a_choice_is_one_of_the_named(part, name, choices):
    for choice in choices:
        assert getattr(part(**{name: choice}), name) == choice
    for wrong in ("", "x", choices[0].upper()):
        assert_refuses(
            f"{name} must be one of {', '.join(choices)}, got {wrong!r}", part, **{name: wrong}
        )
    for value in (None, 1, True, [choices[0]]):
        assert_refuses(f"{name} must be text, got {value!r}", part, **{name: value})


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"image_shape": [1, 8, 8]}, "image_shape must be a list of whole numbers, got [1, 8, 8]"),
        ({"hidden": 512}, "hidden must be a list of whole numbers, got 512"),
        ({"hidden": (8, True)}, "every entry of hidden must be a whole number, got True"),
        ({"hidden": (8, 8.0)}, "every entry of hidden must be a whole number, got 8.0"),
        ({"hidden": (8, 0)}, "every entry of hidden must be at least 1, got 0"),
        ({"hidden": (4097,)}, "every entry of hidden must be at most 4096, got 4097"),
        ({"hidden": (), "network": "conv"}, "hidden must have 1 to 6 entries, got 0"),
        ({"hidden": (8,) * 7}, "hidden must have 0 to 6 entries, got 7"),
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
    assert_refuses(sentence, ModelConfig, **given_settings)


@pytest.mark.parametrize(
    ("side", "halvings", "sentence"),
    [
        (8, 3, "hidden must have few enough entries to halve 8 pixels that often, got 4"),
        (15, 3, "hidden must have few enough entries to halve 15 pixels that often, got 4"),
        (16, 4, "hidden must have few enough entries to halve 16 pixels that often, got 5"),
        (64, 6, "hidden must have 1 to 6 entries, got 7"),
    ],
)
def test_as_many_halvings_as_the_image_has(side, halvings, sentence):
    shape = {"network": "conv", "image_shape": (3, side, 64)}
    model = build_model(ModelConfig(**shape, hidden=(8,) * halvings))
    with torch.no_grad():
        mean, log_variance = model.encode(torch.rand(2, 3, side, 64))
        assert mean.shape == log_variance.shape == (2, 2)
        assert model.decode(mean).shape == (2, 3, side, 64)
    assert_refuses(sentence, ModelConfig, **shape, hidden=(8,) * (halvings + 1))


def test_binarize_is_a_switch_for_bernoulli_pixels():
    for value in (1, 0, None, "true"):
        assert_refuses(
            f"binarize must be true or false, got {value!r}", TrainingConfig, binarize=value
        )
    assert_refuses(
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
    assert_refuses(sentence, RunConfig.from_json, document)


def test_a_group_is_a_group():
    assert_refuses("model must be a group of settings, got {}", RunConfig, model={})
    with pytest.raises(ValueError, match=r"^model must be a group of settings, got Objective"):
        RunConfig(model=ObjectiveConfig())


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "phrase"),
    [
        ({"x" * 10**6: 1}, f"RunConfig has no setting '{'x' * 40}'"),
        ({"data": nested(900)}, "data must be text, got [[["),
        ({"data": [0] * 10**6}, "data must be text, got [0, 0, "),
        (
            {"model": {"family": "x" * 10**6}},
            "family must be one of vae, autoencoder, multirate, got 'xxx",
        ),
        ({"model": {"hidden": "x" * 10**6}}, "hidden must be a list of whole numbers, got 'xxx"),
        ({"model": {"hidden": ["x" * 10**6]}}, "every entry of hidden must be a whole number, got"),
        ({"model": {"image_shape": [8] * 10**5}}, "image_shape must be (1 or 3 channels, height"),
        ({"objective": {"beta": "x" * 10**6}}, "beta must be a number, got 'xxx"),
        ({"training": {"binarize": "x" * 10**6}}, "binarize must be true or false, got 'xxx"),
    ],
)
def test_a_sentence_stays_a_sentence(document, phrase):
    with pytest.raises(ValueError) as caught:
        RunConfig.from_json(document)
    sentence = assert_sentence(str(caught.value))
    assert sentence.startswith(phrase) and len(sentence) < 200


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
SETTINGS = [item.name for part in (*PARTS, RunConfig) for item in fields(part)]
names = st.sampled_from(SETTINGS)
groups = st.dictionaries(names, documents, max_size=3)
near_misses = st.dictionaries(names, documents | groups, max_size=4)


def within_limits(item):
    """Values that a setting may have; with some of another setting they are refused."""
    description = item.metadata["description"]
    low, high = description.minimum, description.maximum
    if item.name == "image_shape":
        return st.sampled_from([[1, 8, 8], [3, 64, 9]])
    if description.choices:
        return st.sampled_from(description.choices)
    return {
        "int": st.integers(low, high),
        "float": st.floats(low, high),
        "bool": st.booleans(),
        "tuple[int, ...]": st.lists(st.integers(low, high), min_size=1, max_size=4),
    }[item.type]


def lawful(part):
    """Groups of settings, each within its limits."""
    return st.fixed_dictionaries(
        {}, optional={item.name: within_limits(item) for item in fields(part)}
    )


hits = st.fixed_dictionaries(
    {"data": st.text(max_size=8)},
    optional={
        item.name: lawful(item.default_factory)
        for item in fields(RunConfig)
        if item.default_factory in PARTS
    },
)


@st.composite
def replacements(draw):
    """A part, and its defaults with one setting replaced, by anything or within its limits."""
    part = draw(st.sampled_from(PARTS))
    item = draw(st.sampled_from(fields(part)))
    return part, part().to_json() | {item.name: draw(documents | within_limits(item))}


def read(part, document):
    """The settings, or the sentence of their refusal."""
    try:
        return part.from_json(document)
    except ValueError as error:
        return str(error)


SUBJECTS = [*SETTINGS, "images", *(f"every entry of {name}" for _, name in LISTS)]
SUBJECTS += [part.__name__ for part in (*PARTS, RunConfig)]


def assert_names_what_is_wrong(sentence):
    """It says of a setting what must hold, on one line, whatever a stranger wrote."""
    assert sentence.isprintable(), sentence
    verbs = "must be|must have|must go|has no setting"
    assert re.match(f"({'|'.join(SUBJECTS)}) ({verbs}) ", sentence), sentence


@given(documents | near_misses | hits)
def test_any_json_is_a_config_or_a_value_error(document):
    config = read(RunConfig, document)
    if isinstance(config, str):
        assert_names_what_is_wrong(config)
    else:
        assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(replacements())
def test_one_setting_replaced_by_anything(drawn):
    part, document = drawn
    config = read(part, document)
    if isinstance(config, str):
        assert_names_what_is_wrong(config)
    else:
        assert config.to_json() == document


def is_accepted(drawn):
    part, document = drawn
    return isinstance(read(part, document), part)


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    "strategy",
    [st.tuples(st.just(RunConfig), documents | near_misses | hits), replacements()],
    ids=["documents", "replacements"],
)
def test_what_is_drawn_is_now_accepted_now_refused(strategy, accepted):
    hundred = settings(max_examples=100, phases=[Phase.generate])
    found = find(
        strategy,
        lambda drawn: drawn[1] != {} and is_accepted(drawn) == accepted,
        settings=hundred,
    )
    assert found[1] != {} and is_accepted(found) == accepted


def test_settings_that_belong_together_are_overridden_together():
    binarized = preset("mnist-2d")
    changed = override(binarized, likelihood="gaussian", binarize=False, beta=None)
    assert changed.model.likelihood == "gaussian" and not changed.training.binarize
    assert changed.objective == binarized.objective
    assert_refuses("binarize must go with the bernoulli likelihood, got gaussian",
                   override, binarized, likelihood="gaussian")  # fmt: skip


def test_every_setting_of_a_run_has_a_name_of_its_own():
    names = [item.name for part in (*PARTS, RunConfig) for item in fields(part)]
    assert len(names) == len(set(names))
    assert RUN_SETTINGS.keys() == set(names) - {"model", "objective", "training"}
    config = preset("digits-2d")
    document = config.to_json()
    flat = document["model"] | document["objective"] | document["training"]
    given = {name: config.get(name) for name in RUN_SETTINGS}
    assert {n: list(v) if isinstance(v, tuple) else v for n, v in given.items()} == flat | {
        "data": "digits"
    }


def test_presets_by_name():
    assert preset("digits-2d") is PRESETS["digits-2d"]
    assert_refuses(f"preset must be one of {', '.join(PRESETS)}, got 'x'", preset, "x")


def test_settings_are_frozen_and_checked_when_replaced():
    config = preset("mnist-2d")
    with pytest.raises(AttributeError):
        config.data = "digits"
    assert_refuses("latent_dim must be at least 1, got 0", replace, config.model, latent_dim=0)
