"""Archives of codes as people have them, and those that are refused with one sentence."""

import io
import os
import pickle

import numpy as np
import pytest

from models.data.image_set import DataError
from models.given.archive import read_given
from tests.helpers.sentences import assert_sentence

RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(40, 3))
PIXELS = RANDOM.integers(0, 256, (40, 28, 28)).astype(np.uint8)


def save(folder, name="codes.npz", **arrays):
    np.savez(folder / name, **arrays)
    return folder / name


def read(folder, pictures=None, **arrays):
    path = save(folder, **arrays)
    return read_given(path, pictures and save(folder, "images.npz", **pictures))


def refused(make, *arguments, **arrays):
    with pytest.raises(DataError) as caught:
        make(*arguments, **arrays)
    return assert_sentence(str(caught.value))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64])
def test_means_come_out_as_they_went_in(tmp_path, kind):
    given = (10 * MEAN).astype(kind)
    found = read(tmp_path, mean=given)
    np.testing.assert_array_equal(found.mean, given.astype(np.float32))
    assert found.mean.dtype == np.float32 and found.log_variance is None and found.labels is None


@pytest.mark.parametrize(
    "images", [PIXELS, PIXELS[:, None], PIXELS / 255.0, PIXELS.reshape(40, 784)],
    ids=["N, 28, 28", "N, 1, 28, 28", "float64", "flat"],
)  # fmt: skip
def test_images_of_any_common_form_are_the_same(tmp_path, images):
    found = read(tmp_path, {"images": images}, mean=MEAN)
    np.testing.assert_allclose(found.images, PIXELS[:, None] / np.float32(255), atol=1e-6)
    assert found.images.dtype == np.float32 and found.decoded is None


def test_pictures_may_lie_in_the_same_archive(tmp_path):
    found = read(tmp_path, mean=MEAN, images=PIXELS, decoded=PIXELS / 255.0)
    np.testing.assert_allclose(found.decoded, found.images, atol=1e-6)


def test_large_pictures_are_made_smaller_and_said(tmp_path):
    found = read(tmp_path, mean=MEAN, decoded=RANDOM.random((40, 96, 96, 3)))
    assert found.decoded.shape == (40, 3, 64, 64)
    assert any("64" in note for note in found.notes)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.arange(40) % 3, ("0", "1", "2")),
        ((np.arange(40) % 3).astype(np.float64), ("0", "1", "2")),
        (np.array(["cat", "<b>", "ox"])[np.arange(40) % 3], ("<b>", "cat", "ox")),
        (1_000_000 * (np.arange(40) % 2), ("0", "1000000")),
        (np.eye(4)[np.arange(40) % 4], ("0", "1", "2", "3")),
    ],
    ids=["int64", "float64", "texts", "large", "one-hot"],
)
def test_labels_of_any_kind_name_classes(tmp_path, labels, names):
    found = read(tmp_path, mean=MEAN, labels=labels)
    assert found.class_names == names and found.labels.dtype == np.int64


SIGMA = np.exp(MEAN / 4)
SPREADS = {
    "logvar": MEAN / 2, "z_log_var": MEAN / 2, "sigma": SIGMA, "std": SIGMA, "scale": SIGMA,
    "variance": SIGMA**2, "log_std": MEAN / 4, "log_scale": (MEAN / 4).astype(np.float32),
}  # fmt: skip


@pytest.mark.parametrize("name", SPREADS)
def test_a_spread_of_any_name_becomes_ln_of_the_variance(tmp_path, name):
    found = read(tmp_path, **{"mu": MEAN, name: SPREADS[name]})
    np.testing.assert_allclose(found.log_variance, MEAN / 2, atol=1e-6)
    assert found.notes[0] == "mu is taken for mean" and name in found.notes[1]


@pytest.mark.parametrize("name", ["mu", "z_mean", "loc", "z", "embeddings", "arr_0"])
def test_codes_are_known_by_the_names_that_others_use(tmp_path, name):
    found = read(tmp_path, **{name: MEAN, "y": np.arange(40) % 2, "recon": PIXELS})
    np.testing.assert_array_equal(found.mean, MEAN.astype(np.float32))
    assert found.class_names == ("0", "1") and found.decoded.shape == (40, 1, 28, 28)
    assert found.notes[:1] == (f"{name} is taken for mean",) and found.log_variance is None


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3), (40, 2, 3), (40, 4, 4, 8), (1, 40, 3)])
def test_rows_of_any_form_are_codes(tmp_path, shape):
    mean = RANDOM.normal(size=shape)
    found = read(tmp_path, mean=mean, log_variance=mean / 2)
    np.testing.assert_allclose(found.mean.ravel(), mean.ravel(), rtol=1e-6)
    np.testing.assert_allclose(found.log_variance, found.mean / 2, rtol=1e-6)
    is_grid = shape[0] == 40 and len(shape) > 2
    assert len(found.mean) == 40 and any("numbers an image" in n for n in found.notes) == is_grid


def test_images_without_a_label_are_a_class_of_their_own(tmp_path):
    without = np.arange(40) % 4 == 3
    numbers = np.where(without, np.nan, np.arange(40) % 4)
    texts = np.where(without, "", np.array(["ant", "bee", "cow", "?"])[np.arange(40) % 4])
    for labels, names in ((numbers, ("0", "1", "2")), (texts, ("ant", "bee", "cow"))):
        found = read(tmp_path, mean=MEAN, labels=labels)
        assert found.class_names == (*names, "no label")
        np.testing.assert_array_equal(found.labels, np.arange(40) % 4)
    assert read(tmp_path, mean=MEAN, labels=np.full(40, np.nan)).labels is None


def test_texts_may_name_the_classes_that_are_listed(tmp_path):
    names, labels = np.array(["owl", "ant", "bee"]), np.array(["ant", "owl"])[np.arange(40) % 2]
    found = read(tmp_path, mean=MEAN, labels=labels, class_names=names)
    assert found.class_names == ("owl", "ant", "bee") and found.labels[:2].tolist() == [1, 0]
    text = refused(read, tmp_path, mean=MEAN, labels=labels, class_names=names[:1])
    assert "labels must be among class_names, got 'ant'" in text


def test_what_has_no_place_is_named(tmp_path):
    found = read(tmp_path, mean=MEAN, epoch=np.array(3))
    assert found.notes == ("left out: epoch",)


@pytest.mark.parametrize("shape", [(3, 1), (3, 2), (4, 256)])
def test_the_smallest_and_the_widest_are_taken(tmp_path, shape):
    assert read(tmp_path, mean=np.ones(shape)).mean.shape == shape


BAD = {
    "no mean": ({"other": MEAN}, "it must hold an array mean (N, L), got other (40, 3) float64"),
    "empty": ({}, "mean (N, L), got no array"),
    "a draw": ({"z": MEAN, "logvar": MEAN}, "the array z must be called mean if it is one"),
    "no names": ({"arr_0": MEAN, "arr_1": MEAN}, "arr_0 must be called mean if it is one"),
    "one number": ({"mean": np.array(3.0)}, "mean must have shape (N, L), a row an image, got ()"),
    "maps": ({"mean": np.ones((4, 8, 8, 8))}, "got 512: reduce it first, as by sklearn"),
    "sigma": ({"mean": MEAN, "sigma": MEAN}, "every number of sigma must be above 0"),
    "two rows": ({"mean": MEAN[:2]}, "at least 3 rows and 1 to 256 columns, got (2, 3)"),
    "wide": ({"mean": np.ones((3, 257))}, "1 to 256 columns, got 257: reduce it first"),
    "no column": ({"mean": np.ones((3, 0))}, "got (3, 0)"),
    "many": ({"mean": np.zeros((20_000, 256), np.float16)}, "keep the first 16,384 rows"),
    "NaN": ({"mean": np.where(MEAN > 2, np.nan, MEAN)}, "every number of mean must be finite"),
    "infinite": ({"mean": MEAN, "log_variance": MEAN * np.inf}, "log_variance must be finite"),
    "far": ({"mean": MEAN * 1e6}, "mean must lie within ±10000"),
    "shape": ({"mean": MEAN, "log_variance": MEAN[:, :2]}, "the shape of mean, (40, 3)"),
    "variance": ({"mean": MEAN, "log_variance": MEAN + 99}, "save ln σ², not σ"),
    "texts": ({"mean": MEAN.astype(str)}, "mean must be numbers of at most 64 bits"),
    "complex": ({"mean": MEAN.astype(complex)}, "mean must be numbers"),
    "objects": ({"mean": np.array([[1], [2, 3], None], object)}, "got Python objects"),
    "labels": ({"mean": MEAN, "labels": np.arange(39)}, "one for each of 40 images"),
    "fractions": ({"mean": MEAN, "labels": np.linspace(0, 1, 40)}, "float64 with fractions"),
    "images": ({"mean": MEAN, "images": PIXELS[:39]}, "one for each of the 40 codes, got 39"),
    "range": ({"mean": MEAN, "decoded": PIXELS / 127.5 - 1}, "decoded"),
    "tiny": ({"mean": MEAN, "decoded": np.zeros((40, 4, 4))}, "8 to 64 pixels"),
    "unlike": ({"mean": MEAN, "images": PIXELS, "decoded": PIXELS[:, :14]}, "of one shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_one_sentence(tmp_path, name):
    arrays, phrase = BAD[name]
    text = refused(read, tmp_path, **arrays)
    assert phrase in text


def test_pictures_that_are_none_are_one_sentence(tmp_path):
    assert "it must hold images or decoded" in refused(read, tmp_path, {"mean": MEAN}, mean=MEAN)


class Evil:
    """Leaves a trace if it is ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_refused_and_never_opened(tmp_path):
    trace = tmp_path / "trace"
    path = tmp_path / "codes.npz"
    for content in (pickle.dumps(Evil(trace)), _object_array(Evil(trace))):
        path.write_bytes(content)
        refused(read_given, path)
    assert not trace.exists()


def _object_array(value):
    stream = io.BytesIO()
    np.savez(stream, mean=np.array([[value]], object))
    return stream.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04" + bytes(60), b"\x93NUMPY\x01\x00", b"<html></html>"]
)
def test_other_files_are_one_sentence(tmp_path, content):
    (tmp_path / "codes.npz").write_bytes(content)
    assert "must be a NumPy .npz archive" in refused(read_given, tmp_path / "codes.npz")


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    assert "there is none" in refused(read_given, tmp_path / "nowhere.npz")
    refused(read_given, tmp_path)
