"""Pictures: levels, enlargement, sheets, PNG."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from explorer.widgets.pictures import enlarge, one, sheet, to_levels, to_png


def test_levels_round_to_the_nearest_and_clip():
    given_values = np.array([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 1.0, 2.0, 1e30])
    levels = to_levels(given_values.reshape(-1, 1, 1, 1))
    assert levels[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 128, 255, 255, 255]


def test_levels_of_no_number_are_black_and_of_infinity_an_end():
    levels = to_levels(np.array([np.nan, np.inf, -np.inf], np.float32).reshape(3, 1, 1, 1))
    assert levels[:, 0, 0].tolist() == [[0, 0, 0], [255, 255, 255], [0, 0, 0]]


@given(arrays(np.float32, (2, 3, 4, 5), elements=st.floats(0, 1, width=32)))
def test_levels_keep_colours_within_half_a_level(images):
    levels = to_levels(images)
    assert levels.shape == (2, 4, 5, 3) and levels.dtype == np.uint8
    assert np.abs(levels / 255 - images.transpose(0, 2, 3, 1)).max() <= 0.5001 / 255


def test_grey_is_equal_in_all_channels():
    levels = to_levels(np.random.default_rng(0).random((3, 1, 8, 8)))
    assert levels.shape == (3, 8, 8, 3)
    assert (levels == levels[..., :1]).all()


@pytest.mark.parametrize(
    ("shape", "side", "expected"),
    [
        ((8, 8), 168, (168, 168)),
        ((28, 28), 168, (168, 168)),
        ((28, 28), 72, (84, 84)),
        ((8, 16), 64, (32, 64)),
        ((64, 64), 56, (64, 64)),
        ((64, 64), 1, (64, 64)),
    ],
)
def test_enlarging_repeats_whole_pixels(shape, side, expected):
    levels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    large = enlarge(levels, side)
    assert large.shape == (*expected, 3)
    factor = expected[0] // shape[0]
    assert (large[::factor, ::factor] == levels).all()
    assert (large[factor - 1 :: factor, factor - 1 :: factor] == levels).all()


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (1, 20), (5, 3), (6, 3), (40, 20), (9, 1)])
def test_every_image_lies_in_its_cell_of_the_sheet(count, columns):
    images = np.random.default_rng(0).random((count, 1, 8, 9))
    picture = sheet(images, columns, side=18, gap=2)
    rows = -(-count // columns)
    assert picture.shape == (rows * 18 - 2, columns * 20 - 2, 3)
    covered = np.zeros(picture.shape[:2], bool)
    for index, tile in enumerate(to_levels(images)):
        top, left = index // columns * 18, index % columns * 20
        cell = (slice(top, top + 16), slice(left, left + 18))
        assert (picture[cell] == enlarge(tile, 18)).all()
        covered[cell] = True
    assert (picture[~covered] == 128).all(), "the rest is grey"


def test_png_keeps_every_level():
    picture = one(np.random.default_rng(0).random((1, 3, 8, 8)))
    with Image.open(io.BytesIO(to_png(picture))) as read:
        assert read.format == "PNG"
        assert (np.asarray(read) == picture).all()
