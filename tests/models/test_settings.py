"""Settings: nothing but a ValueError of one sentence comes out of any JSON or text."""

import json
import re
from dataclasses import fields, replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from models.config import (
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
)
from models.presets import preset
from models.settings import Description, described, from_text, to_text
from tests.helpers.sentences import assert_refuses, assert_sentence

PARTS = (ModelConfig, ObjectiveConfig, TrainingConfig)


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
def test_an_untrusted_document(document, sentence):
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
            "family must be one of vae, autoencoder, multirate, vq-vae, gan, ddpm, got 'xxx",
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


def allowed(part):
    """Groups of settings, each within its limits."""
    return st.fixed_dictionaries(
        {}, optional={item.name: within_limits(item) for item in fields(part)}
    )


hits = st.fixed_dictionaries(
    {"data": st.text(max_size=8)},
    optional={
        item.name: allowed(item.default_factory)
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


SUBJECTS = [*SETTINGS, "images", "every entry of image_shape", "every entry of hidden"]
SUBJECTS += [part.__name__ for part in (*PARTS, RunConfig)]


def assert_names_what_is_wrong(sentence):
    """It says of a setting what must hold, on one line, whatever was written."""
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


def test_settings_are_frozen_and_checked_when_replaced():
    config = preset("mnist-2d")
    with pytest.raises(AttributeError):
        config.data = "digits"
    assert_refuses("latent_dim must be at least 1, got 0", replace, config.model, latent_dim=0)


@pytest.mark.parametrize("value", [(), (1,), (512, 256)])
def test_lists_survive_being_written_as_text(value):
    assert from_text("hidden", to_text(value)) == value


@pytest.mark.parametrize("text", ["", " ", "wide", "1,,2", "1.5", "a\0b", "9" * 5000])
def test_text_that_is_no_list_is_one_sentence(text):
    with pytest.raises(ValueError, match=r"^hidden must be whole numbers like") as caught:
        from_text("hidden", text)
    assert_sentence(str(caught.value))


def test_the_screen_is_bounded_as_the_setting_unless_it_says_otherwise():
    plain = Description("Help.", 0, 10)
    assert plain.screen_limits == (0, 10)
    assert replace(plain, screen_maximum=5).screen_limits == (0, 5)
    assert replace(plain, screen_minimum=2).screen_limits == (2, 10)
    assert replace(plain, screen_maximum=5).help_with_limits() == "Help. Allowed: 0 to 10."
    assert plain.help_with_limits((0, 5)) == "Help. Allowed: 0 to 5."


def test_descriptions_know_name_and_kind():
    found = described(ModelConfig)
    assert list(found) == [item.name for item in fields(ModelConfig)]
    kinds = {"latent_dim": int, "sigma": float, "hidden": tuple, "likelihood": str}
    assert {name: found[name].kind for name in kinds} == kinds
