"""The selected image: its pictures, numbers, and originals."""

import numpy as np
import pytest

from models.data.load import load
from tests.helpers.checkpoints import make_run
from tests.helpers.map_page import (
    DIGITS,
    choose,
    decode,
    live_map,
    numbers_of,
    picture_of,
    press,
    settle,
    texts,
    visit,
)
from tests.helpers.paths import MNIST


def test_the_inspector_shows_what_the_model_says(shown):
    at = visit(point="58")
    codes = DIGITS.codes
    rate = codes.rate[58]
    total = codes.distortion[58] + rate.sum()
    line = f"**D** {codes.distortion[58]:.1f} + **R** {rate.sum():.1f} = **−ELBO** {total:.1f} nats"
    assert line in texts(at)
    assert f"Image 58 · class {codes.labels[58]}" in texts(at)
    assert (shown["Original"][0] == picture_of(load("digits", "test").images[58:59])).all()
    assert (shown["Decoded mean"][0] == picture_of(decode(DIGITS, codes.mean[58]))).all()
    assert set(np.unique(shown["Sample of p(x|z)"][0])) == {0, 255}, "a Bernoulli draws 0 or 1"
    columns = {"μ": codes.mean[58], "σ": np.exp(codes.log_variance[58] / 2), "KL, nats": rate}
    expected = {name: tuple(f"{value:.3f}" for value in column) for name, column in columns.items()}
    assert numbers_of(at) == {"latent": ("z₁", "z₂")} | expected
    distance = np.sqrt(((codes.mean - codes.mean[58]) ** 2).sum(1))
    nearest = np.argsort(distance)[1:7]
    assert [f"{codes.labels[i]} · Δ {distance[i]:.2f}" in shown for i in nearest] == [True] * 6


def test_a_sample_stays_the_same_for_an_image(shown):
    at = visit(point="58")
    settle(at)
    first, second = shown["Sample of p(x|z)"]
    assert (first == second).all()


def test_number_and_random_select_an_image():
    at = visit()
    choose(at, "point", 499)
    assert live_map(at)["point"] == 499 and at.query_params == {"point": "499"}
    press(at, "Random")
    point = at.number_input("control-point").value
    assert live_map(at)["point"] == point and at.query_params == {"point": str(point)}
    choose(at, "point", None)
    assert live_map(at)["point"] is None and at.query_params == {}


@pytest.mark.skipif(not MNIST, reason="no MNIST model ships")
def test_absent_originals_are_said_with_the_way_to_get_them(tmp_path, monkeypatch, shown):
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    at = visit(model=MNIST[0].stem, point="5")
    (line,) = [line for line in texts(at) if "originals of mnist" in line]
    assert "`python -m models data download mnist`" in line and "`LATENT_DATA_DIR`" in line
    assert str(tmp_path) not in line
    assert "Original" not in shown and "Decoded mean" in shown


@pytest.mark.mnist
def test_mnist_shows_its_originals(shown):
    visit(model=MNIST[0].stem, point="5")
    assert shown["Original"][0].shape == (28, 28, 3)


def test_originals_of_other_data_are_not_shown(no_runs, shown):
    at = visit(model=make_run(no_runs), point="0")
    assert "Original" not in shown
    assert any("have changed" in line for line in texts(at))
