"""An image set checks itself, cannot be changed, and is told apart from others."""

import re

import numpy as np
import pytest

from models.data.builtin import (
    load_digits,
)
from models.data.image_set import ImageSet
from models.data.load import load
from tests.helpers.images import (
    NOISE,
    refusal,
)


def test_arrays_are_read_only(tmp_path):
    np.savez(tmp_path / "mine.npz", images=NOISE, labels=np.arange(20) % 2)
    for images in (load_digits("test"), load(tmp_path / "mine.npz", "test")):
        with pytest.raises(ValueError, match="read-only"):
            images.images[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            images.labels[0] = 0
        with pytest.raises(AttributeError):
            images.name = "other"


def test_fingerprint_is_stable_and_tells_sets_apart():
    digits = load_digits("test")
    images, labels = np.array(digits.images), np.array(digits.labels)
    same = ImageSet(images.copy(), labels.copy(), digits.class_names, "test", "other name")
    assert same.fingerprint == digits.fingerprint == digits.fingerprint
    assert re.fullmatch("[0-9a-f]{16}", digits.fingerprint)
    pixel, label = images.copy(), labels.copy()
    pixel[-1, 0, 7, 7] += 2.0**-20
    label[-1] = (label[-1] + 1) % 10
    variants = [
        (pixel, labels),
        (images, label),
        (images, None),
        (images.reshape(500, 1, 8, 8)[::-1], labels),
        (images[:-1], labels[:-1]),
    ]
    prints = {
        ImageSet(x.copy(), y, digits.class_names, "test", "x").fingerprint for x, y in variants
    }
    assert len(prints | {digits.fingerprint, load_digits("train").fingerprint}) == 7


GOOD = np.zeros((2, 1, 8, 8), np.float32)


@pytest.mark.parametrize(
    "images, labels, sentence",
    [
        (GOOD.astype(np.float64), None, "float32"),
        (GOOD[:, 0], None, "float32"),
        (np.zeros((2, 2, 8, 8), np.float32), None, "1 or 3"),
        (np.zeros((2, 1, 7, 8), np.float32), None, "8 to 64 pixels"),
        (np.zeros((2, 1, 8, 65), np.float32), None, "8 to 64 pixels"),
        (GOOD[:0], None, "at least one"),
        (GOOD + 2, None, "[0, 1]"),
        (GOOD - 1, None, "[0, 1]"),
        (GOOD * np.nan, None, "[0, 1]"),
        (GOOD, np.zeros(3, np.int64), "int64 (2,)"),
        (GOOD, np.zeros(2, np.int32), "int64 (2,)"),
        (GOOD, np.array([0, 2]), "0 to 1"),
        (GOOD, np.array([-1, 0]), "0 to 1"),
    ],
)
def test_an_image_set_checks_itself(images, labels, sentence):
    assert sentence in refusal(ImageSet, images, labels, ("a", "b"), "train", "x")
