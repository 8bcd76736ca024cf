"""Settings of a run: every limit has its sentence, and parts that belong together agree."""

import math
from dataclasses import fields

import pytest
import torch

from models.capabilities import FAMILIES
from models.config import (
    RUN_SETTINGS,
    ModelConfig,
    ObjectiveConfig,
    RunConfig,
    TrainingConfig,
    override,
)
from models.families.registry import build_model
from models.presets import preset
from models.training.trainer import Training
from tests.helpers.sentences import assert_refuses, assert_sentence

NUMBERS = [
    (ModelConfig, "latent_dim", 1, 256),
    (ModelConfig, "sigma", 1 / 256, 10.0),
    (ModelConfig, "beta_min", 1e-4, 1.0),
    (ModelConfig, "beta_max", 1.0, 1e4),
    (ModelConfig, "codebook", 2, 1024),
    (ModelConfig, "commitment", 0.0, 1000.0),
    (ModelConfig, "prior_width", 16, 256),
    (ModelConfig, "patch", 1, 4),
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
    (TrainingConfig, "plateau", 0.0, 1.0),
    (TrainingConfig, "seed", 0, 2**31 - 1),
    (TrainingConfig, "threads", 1, 256),
]


CHOICES = [
    (ModelConfig, "family", list(FAMILIES)),
    (ModelConfig, "network", ["mlp", "conv"]),
    (ModelConfig, "activation", ["relu", "silu"]),
    (ModelConfig, "stabiliser", ["none", "r1"]),
    (
        ModelConfig,
        "likelihood",
        ["bernoulli", "gaussian", "gaussian-shared", "gaussian-optimal", "gaussian-pixel"],
    ),
    (TrainingConfig, "precision", ["float32", "bfloat16"]),
    (TrainingConfig, "layout", ["contiguous", "channels_last"]),
    (TrainingConfig, "start", ["random", "linear"]),
]


LISTS = [(ModelConfig, "image_shape"), (ModelConfig, "hidden")]


SWITCHES = [(TrainingConfig, "binarize")]


PARTS = (ModelConfig, ObjectiveConfig, TrainingConfig)


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
    needed = {"network": "conv", "hidden": (4,)} if name == "family" else {}
    for choice in choices:
        assert getattr(part(**{name: choice}, **needed), name) == choice
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


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"family": "autoencoder"}, "for a model of family autoencoder, which has no posterior"),
        (
            {"network": "conv", "hidden": (8,)},
            "for a network of kind conv, which is not fully connected",
        ),
        (
            {"likelihood": "gaussian-pixel"},
            "for the likelihood gaussian-pixel, which has two outputs a pixel",
        ),
        (
            {"latent_dim": 20, "hidden": (512, 39)},
            "where a hidden layer has fewer than 40 units, two for each latent",
        ),
    ],
)
def test_a_linear_start_is_refused_where_the_network_cannot_carry_it(model, reason):
    settings = {"model": ModelConfig(**model), "training": TrainingConfig(start="linear")}
    assert_refuses(f"start must be random {reason}, got linear", RunConfig, **settings)
    assert_sentence(f"start must be random {reason}, got linear")
    RunConfig(model=settings["model"])


def test_a_preset_with_a_linear_start_can_be_given_any_network():
    """Another network drops the preset's start; both together are refused where they do not fit."""
    linear = override(preset("digits-2d"), start="linear")
    assert override(linear, hidden=(16,)).training.start == "linear"
    assert override(linear, network="conv", hidden=(8,)).training.start == "random"
    assert override(linear, latent_dim=64).training.start == "random"
    sentence = (
        "start must be random for a network of kind conv, which is not fully connected, got linear"
    )
    assert_refuses(sentence, override, linear, network="conv", hidden=(8,), start="linear")


@pytest.mark.parametrize(
    "model",
    [
        {"hidden": ()},
        {"latent_dim": 20, "hidden": (40, 512)},
        {"family": "multirate"},
        {"likelihood": "gaussian-optimal", "activation": "silu"},
    ],
)
def test_a_linear_start_is_possible_in_every_network_that_can_carry_it(model):
    model = {"image_shape": (1, 8, 8)} | model
    config = RunConfig(model=ModelConfig(**model), training=TrainingConfig(start="linear"))
    images = torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    training = Training(build_model(config.model), config, images, images[:20])
    assert training.model.encode(images)[1].isfinite().all()


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
