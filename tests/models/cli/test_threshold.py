"""The command threshold: what it prints is what the function computes."""

import json

import numpy as np

from models.data.load import load
from models.theory.collapse_threshold import collapse_threshold, population_threshold
from tests.helpers.command_line import assert_refusal, call


def test_threshold_prints_what_is_computed():
    images = load("digits", "train").images
    found, population = collapse_threshold(images), population_threshold(images)
    low, high = population.interval()
    text = call("threshold")
    assert f"{found.beta:.3f} for these 1297 images" in text
    assert f"{population.estimate:.3f} for what they are a sample of" in text
    assert f"95 % interval {low:.3f} to {high:.3f}" in text
    assert f"unstable in {found.unstable_directions(1.0)} directions" in text
    report = json.loads(call("threshold", "--likelihood", "gaussian", "--sigma", 0.5, "--json"))
    assert report["beta"] == collapse_threshold(images, "gaussian", 0.5).beta
    assert report["interval"][0] < report["population"] < report["interval"][1]


def test_too_few_images_are_said(tmp_path):
    path = tmp_path / "noise.npz"
    np.savez(path, images=np.random.default_rng(0).random((20, 8, 8)))
    assert "too few" in call("threshold", "--data", path)


def test_threshold_refuses_in_one_sentence():
    text = call("threshold", "--likelihood", "poisson", status=1)
    assert_refusal(text, "likelihood must be one of bernoulli, gaussian")
