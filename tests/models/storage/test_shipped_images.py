"""Test images that ship: written and read, refused where they are of another set or damaged."""

import numpy as np
import pytest

from models.data.image_set import ImageSet
from models.storage.checkpoint import read
from models.storage.shipped_images import (
    MOST,
    images_path,
    read_shipped_images,
    write_shipped_images,
)
from tests.helpers.paths import MNIST, ROOT


def made(tmp_path, count=600):
    """A file of a random test set, and the set."""
    levels = np.random.default_rng(0).integers(0, 256, (count, 1, 9, 8))
    test_set = ImageSet((levels / 255).astype(np.float32), None, (), "test", "noise")
    path = tmp_path / "some.npz"
    write_shipped_images(path, test_set, {"title": "noise"})
    return path, test_set, levels


def test_the_first_images_come_back_level_by_level(tmp_path):
    path, test_set, levels = made(tmp_path)
    found = read_shipped_images(path, test_set.fingerprint)
    assert found.levels.dtype == np.uint8 and np.array_equal(found.levels, levels[:MOST])
    assert found.card == {"title": "noise"}


def test_images_of_another_test_set_are_none(tmp_path):
    path, _, _ = made(tmp_path)
    assert read_shipped_images(path, "another") is None


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:200], lambda data: b"PK"])
def test_a_damaged_file_is_none(tmp_path, damage):
    path, test_set, _ = made(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert read_shipped_images(path, test_set.fingerprint) is None


@pytest.mark.parametrize("path", MNIST, ids=lambda path: path.stem)
def test_those_of_mnist_belong_to_the_shipped_models_and_name_their_licence(path):
    stored = images_path(ROOT / "checkpoints", "mnist")
    found = read_shipped_images(stored, read(path).card.data_fingerprint)
    assert found.levels.shape == (500, 1, 28, 28) and stored.stat().st_size < 200_000
    assert "CC BY-SA" in found.card["licence"] and "LeCun" in found.card["source"]
