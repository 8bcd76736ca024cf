"""A user's images before they are kept: samples, and batches that fit a small set."""

import numpy as np

from models.data.custom_images import fitting_batch
from tests.helpers.images import classes, flat, picture, read_zip


def test_samples_take_the_classes_by_turns():
    found = read_zip(*classes())
    assert found.samples(5).labels.tolist() == [0, 1, 0, 1, 0]
    assert np.array_equal(found.samples(1).images[0, 0], np.asarray(picture(0)) / np.float32(255))
    assert len(found.samples(100)) == 12 and len(read_zip(*flat()).samples(3)) == 3


def test_a_batch_is_lowered_only_for_small_sets():
    assert fitting_batch(64, 512) == 64 and fitting_batch(64, 511) == 63
    for train in range(8, 600):
        size = fitting_batch(64, train)
        assert 1 <= size <= train and (size == 4 or train // size >= min(8, train // 4))
