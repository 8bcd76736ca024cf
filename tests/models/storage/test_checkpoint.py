"""Checkpoints: golden files open for ever, tensors must be those of the model and its codes."""

import itertools
import json
import os

import numpy as np
import pytest
import torch

from models.families.registry import build_model
from models.latents.codes import Codes
from models.storage.card import Card
from models.storage.checkpoint import read, restore, write
from tests.helpers.checkpoint_files import (
    BIAS,
    CARD,
    CODES,
    CONFIG,
    WEIGHTS,
    arrays,
    assert_refused_quickly,
    digest_of,
    put_together,
    take_apart,
    with_card,
    with_number,
    with_tensor,
)
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence
from tests.models.make_golden import GOLDEN, KINDS, answers

F16 = np.float16
CORPUS = {
    "shape of 5": (
        with_tensor(BIAS, np.zeros((1, 1, 1, 1, 6), "f4")), "shape (6,), got (1, 1, 1, 1, 6)"
    ),
    # the tensors
    "wrong dtype": (with_tensor(BIAS, np.zeros(6, F16)), "must be float32, got float16"),
    "whole numbers": (with_tensor(BIAS, np.zeros(6, np.int64)), "must be float32, got int64"),
    "missing tensor": (with_tensor(BIAS, None), f"{BIAS[6:]}', but it is missing"),
    "extra tensor": (with_tensor("model.more", np.zeros(2, "f4")), "'more' that the model has not"),
    "stray tensor": (with_tensor("more", np.zeros(2, "f4")), "model.*, codes.* or rates.*"),
    "other shape": (with_tensor(BIAS, np.zeros(7, "f4")), "shape (6,), got (7,)"),
    "transposed": (
        with_tensor("model.encoder.layers.0.weight", np.zeros((64, 6), "f4")), "got (64, 6)"
    ),
    "no tensors": (lambda d: put_together(take_apart(d)[0], {}, {}), "but it is missing"),
    "NaN": (with_number(np.nan), "must be finite"),
    "infinity": (with_number(np.inf), "must be finite"),
    "minus infinity": (with_number(-np.inf, 0), "must be finite"),
    "huge finite weight": (with_number(-1e7), "at most 1e+06"),
    # the codes
    "codes without mean": (with_tensor("codes.mean", None), "must have mean"),
    "codes unknown": (with_tensor("codes.more", np.zeros(7, "f4")), "must have mean"),
    "codes flat": (with_tensor("codes.mean", np.zeros(14, F16)), "(N, 2) and at most"),
    "codes wide": (with_tensor("codes.mean", np.zeros((7, 3), F16)), "got (7, 3)"),
    "codes too many": (
        with_tensor("codes.mean", np.zeros((2**21 + 1, 2), np.uint8)), "got (2097153, 2)"
    ),
    "codes NaN": (with_tensor("codes.mean", np.full((7, 2), np.nan, F16)), "must be finite"),
    "log_variance long": (
        with_tensor("codes.log_variance", np.zeros((8, 2), F16)), "log_variance must have"
    ),
    "log_variance wild": (
        with_tensor("codes.log_variance", np.full((7, 2), 81, F16)), "within ±80"
    ),
    "log_variance missing": (with_tensor("codes.log_variance", None), "must have a log_variance"),
    "distortion long": (
        with_tensor("codes.distortion", np.zeros(8, "f4")), "distortion must have shape (7,)"
    ),
    "distortion missing": (with_tensor("codes.distortion", None), "mean and distortion"),
    "labels long": (with_tensor("codes.labels", np.zeros(8, "u1")), "labels must be 7 whole"),
    "labels floats": (with_tensor("codes.labels", np.zeros(7, "f4")), "labels must be 7 whole"),
    "labels negative": (with_tensor("codes.labels", np.full(7, -(2**63))), "of at least 0"),
    "labels beyond": (with_tensor("codes.labels", np.full(7, 3)), "must name a class"),
    "labels unnamed": (with_card(class_names=[]), "must name a class"),
}  # fmt: skip


@pytest.mark.parametrize("case", CORPUS)
def test_bad_file_is_refused_with_one_sentence(case, good, tmp_path):
    make, phrase = CORPUS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(make(good))
    assert_refused_quickly(path, phrase)


def test_corpus_is_built_from_a_file_that_is_good(good, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(put_together(*take_apart(good)))
    checkpoint = read(path)
    assert checkpoint.card == CARD
    assert digest_of(checkpoint.weights) == digest_of(WEIGHTS)
    np.testing.assert_array_equal(checkpoint.codes.labels, CODES.labels)
    np.testing.assert_allclose(checkpoint.codes.mean, CODES.mean, rtol=1e-3)


def test_codes_of_any_size_survive(tmp_path):
    path = tmp_path / "a.safetensors"
    large = Codes(CODES.mean * 1e6, CODES.log_variance - 200, CODES.distortion * 1e6, None)
    write(path, CARD, WEIGHTS, large)
    found = read(path).codes
    np.testing.assert_array_equal(found.mean, large.mean)
    np.testing.assert_array_equal(found.distortion, large.distortion)
    np.testing.assert_array_equal(found.log_variance, -80)


WIDE = Codes(np.zeros((7, 3)), np.zeros((7, 3)), CODES.distortion, CODES.labels)
UNWRITABLE = {
    "NaN": (WEIGHTS | {"a": np.array(np.nan, "f4")}, CODES, CARD, "of 'a' must be finite"),
    "infinity": (
        WEIGHTS | {"a": np.array([1, np.inf], "f4")}, CODES, CARD, "of 'a' must be finite"
    ),
    "huge": (WEIGHTS | {"a": np.array([2e6], "f4")}, CODES, CARD, "at most 1e+06"),
    "float64": (WEIGHTS | {"a": np.array([2.0])}, CODES, CARD, "must be float32"),
    "NaN in the codes": (
        WEIGHTS, Codes(CODES.mean, CODES.log_variance, CODES.distortion * np.nan, None), CARD,
        "'codes.distortion' must be finite",
    ),
    "wide codes": (WEIGHTS, WIDE, CARD, "mean must have shape (N, 2)"),
    "nameless labels": (WEIGHTS, CODES, Card(CONFIG), "must name a class"),
    "NaN in the card": (WEIGHTS, None, Card(CONFIG, seconds=np.nan), "not JSON compliant"),
    "a long card": (
        WEIGHTS, CODES, Card(CONFIG, class_names=("a" * 80,) * 10_000), "at most 256 KiB"
    ),
    "a large file": (WEIGHTS | {"a": np.zeros(2**24, "f4")}, CODES, CARD, "at most 64 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_could_not_be_read_is_not_written(case, tmp_path):
    weights, codes, card, phrase = UNWRITABLE[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(ValueError) as caught:
        write(path, card, weights, codes)
    assert phrase in assert_sentence(str(caught.value))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.safetensors"]


@pytest.mark.parametrize(
    ("family", "network", "likelihood"),
    [
        *itertools.product(("vae", "autoencoder"), ("mlp", "conv"), ("bernoulli", "gaussian")),
        ("vae", "mlp", "gaussian-shared"),
        ("vae", "conv", "gaussian-optimal"),
        ("vae", "mlp", "gaussian-pixel"),
        ("multirate", "mlp", "bernoulli"),
        ("multirate", "conv", "gaussian-shared"),
    ],
)
def test_saved_model_gives_identical_bits(family, network, likelihood, tmp_path):
    config = tiny(family=family, network=network, likelihood=likelihood, image_shape=(3, 9, 11))
    model = build_model(config.model, seed=3).eval()
    write(tmp_path / "a", Card(config), arrays(model), None)
    restored = restore(read(tmp_path / "a"))
    assert not restored.training
    images, z = torch.rand(3, 3, 9, 11), torch.randn(3, 2)
    with torch.no_grad():
        for before, after in zip(model.encode(images), restored.encode(images), strict=True):
            assert before is after is None or torch.equal(before, after)
        assert torch.equal(model.decode(z), restored.decode(z))
        assert torch.equal(model.log_likelihood(images, z), restored.log_likelihood(images, z))


def test_restored_model_can_be_changed_and_the_checkpoint_stays(good, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(good)
    checkpoint = read(path)
    with torch.no_grad():
        for parameter in restore(checkpoint).parameters():
            parameter.zero_()
    assert digest_of(checkpoint.weights) == digest_of(WEIGHTS)


def test_fingerprint_is_of_the_tensors_alone(tmp_path):
    def fingerprint(card, weights):
        write(tmp_path / "a", card, weights, CODES)
        return read(tmp_path / "a").fingerprint

    first = fingerprint(CARD, WEIGHTS)
    assert fingerprint(Card(CONFIG, "other", class_names=CARD.class_names), WEIGHTS) == first
    name = "encoder.layers.0.bias"
    assert fingerprint(CARD, WEIGHTS | {name: np.nextafter(WEIGHTS[name], 1)}) != first


@pytest.mark.parametrize("name", KINDS)
def test_golden_checkpoint_opens_and_answers_as_ever(name):
    checkpoint = read(GOLDEN / f"{name}.safetensors")
    assert checkpoint.card.title == name and checkpoint.card.steps == 7
    assert checkpoint.card.class_names == ("even", "odd")
    assert checkpoint.codes.labels.tolist() == [0, 1, 1, 0]
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    found = answers(restore(checkpoint))
    assert found.keys() == expected.keys()
    for key, numbers in expected.items():
        np.testing.assert_allclose(found[key], numbers, rtol=1e-6, atol=1e-6, err_msg=key)


def test_every_golden_file_is_tested():
    assert {path.stem for path in GOLDEN.iterdir()} == set(KINDS)
