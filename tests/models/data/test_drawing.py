"""Drawings: what preparing them must keep and must remove, and whether the models know them."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.data.builtin import load_digits
from models.data.drawing import (
    EXAMPLES,
    INK,
    MAX_POINTS,
    MAX_STROKES,
    PEN,
    check_strokes,
    describe,
    to_image,
)
from models.data.load import load
from models.latents.codes import nearest_codes
from models.metrics.likelihood import elbo
from models.storage.checkpoint import read, restore

CHECKPOINTS = Path(__file__).resolve().parents[3] / "checkpoints"
MNIST = ("mnist", (1, 28, 28))
DIGITS = ("digits", (1, 8, 8))
OTHERS = [
    ("own.npz", (1, 32, 20)),
    ("own", (3, 9, 64)),
    ("own", (3, 8, 8)),
    ("kmnist", (1, 28, 28)),
]
KINDS = [MNIST, DIGITS, *OTHERS]
POINTS = arrays(float, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(0, 1))
DRAWINGS = st.lists(POINTS, min_size=1)


def centre_of_mass(image):
    """(x, y) of an image (H, W), in pixels from its edge."""
    height, width = image.shape
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    return np.array([image.sum(0) @ across, image.sum(1) @ down]) / image.sum()


def stroke_width(images):
    """2 Σ x / Σ |∇x| of grey images (N, H, W), in pixels."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, across = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    return 2 * images.sum((1, 2)) / np.hypot(down, across).sum((1, 2))


def prepared(kind, digits=EXAMPLES):
    """Examples as images of a data set, shape (N, C, H, W)."""
    return np.stack([to_image(EXAMPLES[digit], *kind) for digit in digits])


@given(strokes=DRAWINGS, kind=st.sampled_from(KINDS), dark=st.booleans())
def test_every_valid_drawing_is_an_image_of_the_data_sets_shape(strokes, kind, dark):
    image = to_image(strokes, *kind, dark_ink=dark)
    assert image.shape == kind[1] and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1
    assert image.min() < image.max(), "some ink, some paper"
    assert (image == image[:1]).all(), "grey in every channel"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_place_and_size_on_the_pad_make_no_difference(kind):
    for strokes in EXAMPLES.values():
        moved = [0.3 * stroke + [0.05, 0.6] for stroke in strokes]
        assert np.abs(to_image(moved, *kind) - to_image(strokes, *kind)).max() <= 1e-6


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_order_and_direction_of_strokes_make_no_difference(kind):
    for strokes in EXAMPLES.values():
        backwards = [stroke[::-1] for stroke in strokes[::-1]]
        assert np.abs(to_image(backwards, *kind) - to_image(strokes, *kind)).max() <= 1e-6


@pytest.mark.parametrize(
    ("kind", "most"), [(kind, 1 / 4 if kind == DIGITS else 1e-6) for kind in KINDS], ids=str
)
def test_more_points_on_the_same_path_make_no_difference(kind, most):
    """In digits a little: the leftmost point at the top, which makes upright, may be a new one."""
    for strokes in EXAMPLES.values():
        finer = [
            np.insert(stroke, np.arange(1, len(stroke)), (stroke[:-1] + stroke[1:]) / 2, axis=0)
            for stroke in strokes
        ]
        assert np.abs(to_image(finer, *kind) - to_image(strokes, *kind)).max() <= most


@pytest.mark.parametrize("kind", [MNIST, *OTHERS], ids=str)
def test_the_centre_of_mass_is_in_the_middle(kind):
    height, width = kind[1][1:]
    for image in prepared(kind)[:, 0]:
        assert np.abs(centre_of_mass(image) - [width // 2 + 0.5, height // 2 + 0.5]).max() <= 0.05
        assert np.abs(centre_of_mass(image) - [width / 2, height / 2]).max() <= 0.6


def test_the_longer_side_of_the_ink_is_that_of_mnist():
    for image in prepared(MNIST)[:, 0]:
        sides = [np.ptp(np.flatnonzero(image.max(axis) > 0.5)) + 1 for axis in (0, 1)]
        assert 19 <= max(sides) <= 20


def test_no_ink_leaves_a_lopsided_image():
    bar_and_dot = [[[0, 0]], [[0, 1], [1, 1]]]
    pen = 28 * PEN
    expected = pen * (20 - pen) + 2 * np.pi * (pen / 2) ** 2
    assert to_image(bar_and_dot, *MNIST).sum() == pytest.approx(expected, rel=0.01)


def test_the_examples_have_the_stroke_width_of_mnist():
    assert np.median(stroke_width(prepared(MNIST)[:, 0])) == pytest.approx(2.40, abs=0.005)


@pytest.mark.mnist
def test_mnist_is_as_the_rule_says():
    images = load("mnist", "test").images[:, 0]
    centres = np.array([centre_of_mass(image) for image in images])
    sides = [np.ptp(np.flatnonzero(image.max(0))) + 1 for image in images]
    heights = [np.ptp(np.flatnonzero(image.max(1))) + 1 for image in images]
    assert (centres.astype(int) == 14).all()
    assert (np.maximum(sides, heights) == 20).mean() > 0.999
    assert np.median(stroke_width(images)) == pytest.approx(2.40, abs=0.005)


def test_the_digits_are_as_the_rule_says():
    images = np.concatenate([load_digits(split).images[:, 0] for split in ("train", "test")])
    assert (images[:, [0, -1]].max(2) > 0).all(), "32 cells high"
    assert images[:, :, 0].mean() < 0.001 and images[:, :, -1].mean() < 0.01, "and narrower"
    assert 16 * images.sum((1, 2)).mean() == pytest.approx(INK, abs=1)


def test_digits_fill_the_height_in_sixteenths_with_the_usual_ink():
    images = prepared(DIGITS)[:, 0]
    assert (16 * images == np.round(16 * images)).all()
    assert (images[:, [0, -1]].max(2) > 0).all()
    assert images[:, :, [0, -1]].mean() < 0.01
    assert 16 * images.sum((1, 2)) == pytest.approx(np.full(10, INK), abs=16)


@pytest.mark.parametrize("slant", [-0.4, 0.3])
def test_digits_are_made_upright(slant):
    for strokes in EXAMPLES.values():
        sheared = [stroke / 2 + [0.25, 0] + slant * stroke[:, 1:] * [0.5, 0] for stroke in strokes]
        change = np.abs(to_image(sheared, *DIGITS) - to_image(strokes, *DIGITS))
        assert change.max() <= 1 / 4 and change.mean() <= 1 / 32


def test_a_dot_stays_a_dot_and_a_dash_a_dash():
    dot, dash = [[[0.1, 0.9]]], [[[0.2, 0.5], [0.8, 0.51]]]
    for image in (to_image(dot, *MNIST)[0], to_image([[[0.1, 0.9]] * 50], *MNIST)[0]):
        assert image.sum() == pytest.approx(np.pi * (28 * PEN / 2) ** 2, rel=0.02)
    for kind in (MNIST, DIGITS):
        image = to_image(dash, *kind)[0]
        rows, columns = (np.flatnonzero(image.max(axis) > 0.5) for axis in (1, 0))
        assert np.ptp(columns) > 1.5 * np.ptp(rows)


def test_dark_ink_exchanges_black_and_white():
    light, dark = (to_image(EXAMPLES[3], *MNIST, dark_ink=dark) for dark in (False, True))
    assert (light + dark == 1).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_rule_is_said_in_one_sentence_without_a_path(kind):
    text = describe(*kind)
    assert re.fullmatch(r"Prepared (as|for) [^!?]+\.", text) and "own" not in text
    assert text.count(". ") == 0


def test_empty_strokes_are_left_out():
    kept = check_strokes([[], [(0.5, 1)], np.zeros((0, 2)), np.zeros((3, 2), np.float32)])
    assert [stroke.shape for stroke in kept] == [(1, 2), (3, 2)]
    assert {stroke.dtype for stroke in kept} == {np.dtype(float)}
    assert check_strokes([]) == check_strokes([[]]) == []


LISTS = "a drawing must be a list of strokes, each a list of points (x, y)"
PAIRS = "every point must be two numbers (x, y), got something else"
BAD = {
    "nothing": (None, LISTS),
    "a number": (3.0, LISTS),
    "a text": ("[[0, 0]]", LISTS),
    "texts": (["[0, 0]"], LISTS),
    "a dictionary": ({"strokes": []}, LISTS),
    "a number for a stroke": ([[[0.5, 0.5]], 7], LISTS),
    "three coordinates": ([[[0.5, 0.5, 0.5]]], PAIRS),
    "one coordinate": ([[[0.5]]], PAIRS),
    "bare numbers": ([[0.5, 0.5]], PAIRS),
    "points of different length": ([[[0.5, 0.5], [0.5]]], PAIRS),
    "words": ([[["x", "y"]]], PAIRS),
    "numbers in words": ([[["0.5", "0.5"]]], PAIRS),
    "nothing for a number": ([[[None, 0.5]]], PAIRS),
    "truths": ([[[True, False]]], PAIRS),
    "deep lists": ([[[[0.5], [0.5]]]], PAIRS),
    "a huge number": ([[[10**400, 0]]], PAIRS),
    "off the pad": ([[[0.5, 1.01]]], "points must lie on the pad, 0 to 1, got 0.5 to 1.01"),
    "NaN": ([[[0.5, float("nan")]]], "points must lie on the pad, 0 to 1, got nan to nan"),
    "infinite": ([[[0, float("inf")]]], "points must lie on the pad, 0 to 1, got 0 to inf"),
    "many points": (
        [[[0.5, 0.5]] * (MAX_POINTS + 1)],
        f"a drawing must have at most {MAX_STROKES} strokes and {MAX_POINTS} points, "
        f"got 1 and {MAX_POINTS + 1}: undo some or clear the pad",
    ),
    "many strokes": (
        [[[0.5, 0.5]]] * (MAX_STROKES + 1),
        f"a drawing must have at most {MAX_STROKES} strokes and {MAX_POINTS} points, "
        f"got {MAX_STROKES + 1} and {MAX_STROKES + 1}: undo some or clear the pad",
    ),
    "empty strokes without end": (
        [[]] * (MAX_STROKES + 1),
        f"a drawing must have at most {MAX_STROKES} strokes and {MAX_POINTS} points, "
        f"got {MAX_STROKES + 1} and 0: undo some or clear the pad",
    ),
}


@pytest.mark.parametrize(("strokes", "sentence"), BAD.values(), ids=BAD)
def test_what_is_no_drawing_is_refused_in_one_sentence(strokes, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        to_image(strokes, *MNIST)


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_no_point_makes_no_image(nothing):
    with pytest.raises(ValueError, match="a drawing must have at least one point, got none"):
        to_image(nothing, *MNIST)


def test_the_largest_drawing_is_an_image():
    scribble = np.random.default_rng(0).random((MAX_STROKES, MAX_POINTS // MAX_STROKES, 2))
    for kind in KINDS:
        assert np.isfinite(to_image(scribble, *kind)).all()


@pytest.mark.parametrize("name", ["digits-2d-beta-1", "mnist-2d-beta-1", "mnist-20d-beta-1"])
def test_the_models_know_the_examples(name):
    stored = read(CHECKPOINTS / f"{name}.safetensors")
    config, codes = stored.card.config, stored.codes
    images = torch.from_numpy(prepared((config.data, config.model.image_shape)))
    terms = elbo(restore(stored), images)
    nearest = [nearest_codes(codes.mean, mean, 1)[0][0] for mean in terms.mean.numpy()]
    assert (codes.labels[nearest] == np.arange(10)).sum() >= 8
    assert terms.distortion.min() >= codes.distortion.min()
    assert terms.distortion.max() <= np.quantile(codes.distortion, 0.95)
