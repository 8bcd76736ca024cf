"""One rule decides which value is white, and says so wherever it is not obvious."""

import io

import numpy as np
import pytest
from PIL import Image

from models.data.brightness import find_white
from models.data.builtin import load_digits
from models.data.image_set import DataError
from models.data.ingest import read_upload
from models.data.read_options import ReadOptions
from tests.helpers.images import NOISE, npz, refusal
from tests.helpers.sentences import assert_sentence

NOISY = NOISE / 255.0
"""From 0 to exactly 1."""


def levels(most, kind):
    """Noise from 0 to `most`."""
    found = np.rint(NOISY * most) if np.dtype(kind).kind in "ui" else NOISY * most
    return found.astype(kind)


@pytest.mark.parametrize(
    ("most", "kind", "white", "words"),
    [
        (1, bool, 1, None),
        (1, np.float32, 1, None),
        (0.8, np.float64, 1, None),
        (255, np.uint8, 255, None),
        (200, np.uint8, 255, None),
        (255, np.float32, 255, "divided by 255"),
        (65535, np.uint16, 65535, "divided by 65535"),
        (40_000, np.int64, 65535, "divided by 65535"),
        (1, np.uint8, 1, "0 and 1 only"),
        (16, np.uint8, 16, "16, far below 255"),
        (16, np.float64, 16, "16, far below 255"),
        (15, np.int32, 15, "15, far below 255"),
        (127, np.uint8, 127, "127, far below 255"),
        (4095, np.uint16, 4095, "4095, far below 65535"),
        (1023, np.int16, 1023, "1023, far below 65535"),
        (1.23, np.float64, 1.23, "1.23, far below 255"),
        (0.3, np.float64, 0.3, "0.3, far below 1"),
    ],
)
def test_white_comes_from_type_and_range(most, kind, white, words):
    found, notes = find_white(levels(most, kind))
    assert found == pytest.approx(white, rel=1e-6)
    assert all(assert_sentence(note) for note in notes)
    assert (words is None and not notes) or (len(notes) == 1 and words in notes[0])


@pytest.mark.parametrize(
    ("most", "kind", "scale", "white", "words"),
    [
        (16, np.uint8, "none", 255, "6.3 % of white (255): the images are dark"),
        (4095, np.uint16, "none", 65535, "6.2 % of white (65535)"),
        (16, np.uint8, 16, 16, "16 is white, as chosen"),
        (4000, np.uint16, 4095, 4095, "4095 is white"),
        (16, np.uint8, 255, 255, "the images are dark"),
        (1.23, np.float64, 1, 1, "% of the values are above 1: they become white"),
        (70_000, np.float64, 65535, 65535, "they become white"),
        (70_000, np.int64, 70_000, 70_000, "70000 is white"),
    ],
)
def test_the_scale_can_be_chosen(most, kind, scale, white, words):
    found, notes = find_white(levels(most, kind), options=ReadOptions(scale))
    assert found == white and words in " ".join(notes)
    assert all(assert_sentence(note) for note in notes)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (NOISY * 256, "[0, 255] unless you say which value is white"),
        (NOISE.astype(np.int32) * 300, "[0, 65535] unless"),
        (NOISY * 2 - 1, "add 1 and halve"),
        (NOISY * 9 - 1, "rescale"),
        (np.where(NOISE == 3, np.nan, NOISY), "NaN"),
    ],
)
def test_what_no_scale_fits_is_refused(images, words):
    with pytest.raises(DataError) as caught:
        find_white(images)
    assert words in assert_sentence(str(caught.value))
    assert (caught.value.option == "scale") == ("unless" in words)


@pytest.mark.parametrize("scale", ["bright", "", 0, -1, np.nan, np.inf, "1e999"])
def test_a_scale_is_a_word_or_a_positive_number(scale):
    assert "scale must be auto, none or a positive number" in refusal(ReadOptions, scale)


@pytest.mark.parametrize("size", [0, 7, 65, -8])
def test_a_size_is_one_that_a_network_takes(size):
    assert "size must be 8 to 64 pixels" in refusal(ReadOptions, size=size)


def grey_png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(("most", "kind"), [(16, np.uint8), (1, np.uint8), (4095, np.uint16)])
def test_image_files_and_arrays_follow_the_same_rule(most, kind):
    images = levels(most, kind)
    files = [(f"{place:02}.png", grey_png(image)) for place, image in enumerate(images)]
    found = read_upload(files).split("train")
    expected = read_upload([("mine.npz", npz(images=images))]).split("train")
    assert np.array_equal(found.images, expected.images) and found.images.max() == 1
    assert [f"{most}" in note for note in found.notes] == [True]


def test_the_digits_of_this_product_come_back_as_they_are():
    """Levels 0 to 16 in one byte each: the way anyone would save scikit-learn's digits."""
    digits = load_digits("train")
    content = npz(images=np.rint(digits.images * 16).astype(np.uint8), labels=digits.labels)
    found = read_upload([("digits.npz", content)])
    pixels = np.concatenate([found.split(split).images for split in ("train", "test")])
    assert sorted(map(bytes, pixels)) == sorted(map(bytes, digits.images))
    assert "scale none" in found.notes[0]


def test_images_that_are_resized_keep_the_white_they_had():
    """Smoothing lowers the brightest pixel: what means white is decided before."""
    images = np.zeros((12, 40, 40), np.uint16)
    images[np.arange(12), np.arange(12), 5] = 4095
    files = [(f"{place}.png", grey_png(image)) for place, image in enumerate(images)]
    for handed in (files, [("a.npz", npz(images=images))]):
        found = read_upload(handed, options=ReadOptions(size=16))
        assert found.scale == 4095 and found.images.max() < 4095
