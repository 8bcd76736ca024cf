"""Sprites: every variant is what its name says, and its factors are what is drawn."""

import re

import numpy as np
import pytest

from models.data.builtin import is_available, is_built_in
from models.data.image_set import DataError
from models.data.load import load
from models.data.sprites import FACTORS, HUE, SHAPES, draw_sprites, load_sprites, read_variant
from tests.helpers.sentences import assert_sentence

CENTRE = {"shape": 0, "size": 0.22, "angle": 0.0, "x": 0.5, "y": 0.5}


def draw(side=32, **changes):
    """One grey image, (side, side)."""
    return draw_sprites(np.array([[*(CENTRE | changes).values()]], float), side)[0, 0]


def centre_of_mass(image):
    rows, columns = np.indices(image.shape) + 0.5
    side = len(image)
    return (
        (image * columns).sum() / image.sum() / side,
        1 - (image * rows).sum() / image.sum() / side,
    )


@pytest.mark.parametrize(
    ("name", "shape", "names"),
    [
        ("sprites", (2000, 1, 16, 16), 5),
        ("sprites-32", (2000, 1, 32, 32), 5),
        ("sprites-grid-8", (768, 1, 8, 8), 5),
        ("sprites-colour-8", (2000, 3, 8, 8), 6),
        ("sprites-colour-grid-8", (3072, 3, 8, 8), 6),
    ],
)
def test_a_variant_is_what_its_name_says(name, shape, names):
    sprites = load(name, "test")
    assert sprites.images.shape == shape
    assert sprites.factors.shape == (shape[0], names)
    assert sprites.class_names == SHAPES
    np.testing.assert_array_equal(sprites.labels, sprites.factors[:, 0])
    for factor, column in zip((*FACTORS, HUE), sprites.factors.T, strict=False):
        assert factor.low <= column.min() and column.max() <= factor.high
    assert is_built_in(name) and is_available(name)


def test_the_grid_has_every_combination_once_and_no_two_images_are_alike():
    """Were a shape symmetric under a turn within the range, two combinations would be one image."""
    parts = [load_sprites("sprites-grid", split) for split in ("train", "test")]
    factors = np.concatenate([part.factors for part in parts])
    images = np.concatenate([part.images.reshape(len(part), -1) for part in parts])
    counts = [factor.values for factor in FACTORS]
    assert [len(np.unique(column)) for column in factors.T] == counts
    assert len(np.unique(factors, axis=0)) == len(factors) == np.prod(counts)
    assert len(np.unique(images, axis=0)) == len(images)


def test_the_images_are_the_same_on_every_machine():
    assert load_sprites("sprites", "test").fingerprint == "43019e36c4a5667f"
    levels = load_sprites("sprites-colour-8", "train").images * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)


def test_the_splits_share_no_image_and_every_factor_is_spread_alike():
    train, test = (load_sprites("sprites", split) for split in ("train", "test"))
    together = np.concatenate([train.factors, test.factors])
    assert len(np.unique(together, axis=0)) == 10_000
    for factor, column in zip(FACTORS[1:], test.factors.T[1:], strict=True):
        assert column.mean() == pytest.approx((factor.low + factor.high) / 2, rel=0.05, abs=1.5)
    assert np.bincount(test.labels).min() > 600


@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_place_moves_the_image_by_as_much(shape, name):
    axis = ("x", "y").index(name)
    low, high = (centre_of_mass(draw(shape=shape, **{name: value}))[axis] for value in (0.3, 0.7))
    assert high - low == pytest.approx(0.4, abs=0.003)


@pytest.mark.parametrize("shape", range(3))
def test_the_area_grows_with_the_square_of_the_size(shape):
    small, large = (draw(64, shape=shape, size=size).sum() for size in (0.16, 0.28))
    assert large / small == pytest.approx((0.28 / 0.16) ** 2, rel=0.01)


def test_areas_are_those_of_the_shapes():
    """π/2, 1.08 and the disc without its lens, in squares of the radius; the outline is smooth."""
    unit = (0.28 * 64) ** 2
    ellipse, triangle, _ = (draw(64, shape=s, size=0.28).sum() / unit for s in range(3))
    assert ellipse == pytest.approx(np.pi / 2, rel=0.01)
    assert triangle == pytest.approx(1.08, rel=0.01)


@pytest.mark.parametrize("shape", range(3))
def test_a_quarter_turn_turns_the_picture(shape):
    upright, turned = draw(shape=shape, angle=0.0), draw(shape=shape, angle=90.0)
    np.testing.assert_allclose(np.rot90(upright), turned, atol=1.5 / 255)


def test_a_pixel_holds_the_share_that_is_covered():
    """The mean over finer pixels, but for the outline's curvature."""
    coarse = draw(16)
    fine = draw(64).reshape(16, 4, 16, 4).mean((1, 3))
    assert np.abs(coarse - fine).max() < 0.1
    assert coarse.sum() == pytest.approx(fine.sum(), rel=0.03)


def test_hues_run_from_red_over_green_to_blue():
    rows = np.array([[0, 0.28, 0, 0.5, 0.5, hue] for hue in (0, 60, 120, 240)])
    colours = draw_sprites(rows, 16)[:, :, 8, 8]
    np.testing.assert_array_equal(colours, [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sprites-7", "sprites must be 8 to 64 pixels a side, got 7"),
        ("sprites-65", "sprites must be 8 to 64 pixels a side, got 65"),
        ("sprites-colour-grid-64", "must be at most 38 pixels a side, got 64"),
        ("sprites-gray", "sprites must be called sprites[-colour][-grid][-SIDE]"),
    ],
)
def test_what_is_no_variant(name, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)) as caught:
        read_variant(name)
    assert_sentence(str(caught.value))


def test_large_colour_images_are_fewer():
    sprites = load_sprites("sprites-colour-64", "test")
    assert len(sprites) == 1092
