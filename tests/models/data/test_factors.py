"""Known factors travel with a user's images: read, split, kept in the library, or refused."""

import numpy as np
import pytest

from models.data import library
from models.data.factors import join_factors, read_factors
from models.data.image_set import DataError, ImageSet
from models.data.ingest import read_path, read_upload
from models.data.load import load
from tests.helpers.images import NOISE, npz
from tests.helpers.sentences import assert_sentence

COUNT = len(NOISE)
FACTORS = np.stack([np.arange(COUNT) % 3, np.linspace(0, 1, COUNT)], 1)
NAMES = np.array(["shape", "size"])


def read(**arrays):
    return read_upload([("set.npz", npz(**arrays))])


def test_factors_follow_their_images_into_the_splits(tmp_path):
    np.savez(tmp_path / "mine.npz", images=NOISE, factors=FACTORS, factor_names=NAMES)
    seen = []
    for split in ("train", "test"):
        part = load(tmp_path / "mine.npz", split)
        assert part.factor_names == ("shape", "size")
        for image, row in zip(part.images, part.factors, strict=True):
            (place,) = [i for i in range(COUNT) if np.allclose(NOISE[i] / 255, image[0], atol=1e-6)]
            np.testing.assert_allclose(row, FACTORS[place])
            seen.append(place)
    assert sorted(seen) == list(range(COUNT))


def test_factors_are_kept_in_the_library():
    found = read(images=NOISE, factors=FACTORS, factor_names=NAMES)
    info = library.add(found)
    kept = library.read_custom(info.id)
    np.testing.assert_array_equal(kept.factors, FACTORS)
    assert kept.factor_names == ("shape", "size") and kept.id == found.id == info.id
    assert found.notes == ()


def test_sets_that_differ_in_factors_only_are_two():
    plain, known = read(images=NOISE), read(images=NOISE, factors=FACTORS)
    other = read(images=NOISE, factors=FACTORS[::-1])
    assert len({plain.id, known.id, other.id}) == 3
    parts = [each.split("test") for each in (plain, known, other)]
    assert len({part.fingerprint for part in parts}) == 3


@pytest.mark.parametrize("name", ["factors", "true_factors", "Factors"])
def test_one_array_is_called_factors(name):
    found = read(images=NOISE, **{name: FACTORS})
    assert found.factor_names == ("factor 1", "factor 2") and found.labels is None


def test_a_single_column_is_a_factor_and_no_label():
    found = read(images=NOISE, factors=FACTORS[:, 1])
    assert found.factors.shape == (COUNT, 1) and found.labels is None


def test_each_part_brings_its_own_factors():
    found = read(
        x_train=NOISE[:15], x_test=NOISE[15:], train_factors=FACTORS[:15],
        test_factors=FACTORS[15:], factor_names=NAMES,
    )  # fmt: skip
    np.testing.assert_array_equal(found.split("train").factors, FACTORS[:15])
    np.testing.assert_array_equal(found.split("test").factors, FACTORS[15:])
    one = read(x_train=NOISE[:15], x_test=NOISE[15:], factors_train=FACTORS[:15])
    assert one.factors is None and any("factors_train" in note for note in one.notes)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"factors": FACTORS[1:]}, "factors must be numbers, a row for each of the"),
        ({"factors": np.where(FACTORS == 0, np.nan, FACTORS)}, "factors must be finite numbers"),
        ({"factors": np.zeros((COUNT, 33))}, "there must be 1 to 32 factors, got 33"),
        ({"factors": np.full(COUNT, "a")}, "factors must be numbers"),
        ({"factors": FACTORS, "factor_names": np.array(["a", "a"])}, "2 different names"),
        ({"factors": FACTORS, "factor_names": np.array(["a"])}, "2 different names"),
        ({"factors": FACTORS, "factor_names": np.array([1, 2])}, "must be a list of texts"),
    ],
)
def test_factors_that_do_not_fit_are_refused_in_a_sentence(arrays, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        read(images=NOISE, **arrays)
    assert_sentence(str(caught.value))


def test_names_are_texts_made_safe():
    _, names = read_factors(np.zeros((3, 2)), np.array(["a\nb", b"c"], dtype="S3"), 3)
    assert names == ("a b", "c")


def test_parts_with_different_columns_are_refused():
    with pytest.raises(DataError, match="the same columns"):
        join_factors([np.zeros((2, 3)), np.zeros((2, 2))])


def test_factors_cannot_be_changed():
    images = np.zeros((2, 1, 8, 8), np.float32)
    part = ImageSet(images, None, (), "test", "a", factors=np.eye(2), factor_names=("a", "b"))
    with pytest.raises(ValueError, match="read-only"):
        part.factors[0] = 0


def test_a_folder_has_none(tmp_path):
    np.savez(tmp_path / "plain.npz", images=NOISE)
    assert read_path(tmp_path / "plain.npz").factors is None
