"""Laws of the data sets, and every bad file that a stranger may hand over."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc
import urllib.error
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.data import builtin, class_folders, image_files
from models.data.builtin import (
    default_data_dir,
    download,
    is_available,
    load_digits,
    load_torchvision,
)
from models.data.image_files import MAX_PIXELS, decode
from models.data.image_set import DataError, ImageSet
from models.data.load import load
from models.text import clean_name
from tests.helpers.paths import ROOT
from tests.helpers.sentences import assert_sentence

NOISE = np.random.default_rng(7).integers(0, 256, (20, 8, 9), dtype=np.uint8)
"""Twenty grey images, 8 high and 9 wide."""


def both(path):
    return [load(path, split) for split in ("train", "test")]


def together(path):
    """All images of both splits, as a set of byte strings."""
    return {image.tobytes() for part in both(path) for image in part.images}


def refusal(call, *arguments, **options):
    """The sentence of the refusal; nothing but a `DataError` may come out."""
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    return assert_sentence(str(caught.value))


# --- the built-in sets -------------------------------------------------------------------------


def test_importing_data_imports_no_heavy_library():
    code = (
        "import sys, models.data.load, models.data.ingest, models.data.drawing; "
        "print([name for name in ('torch', 'torchvision', 'sklearn', 'scipy', 'PIL', 'pandas')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_digits_are_the_1797_of_scikit_learn():
    from sklearn.datasets import load_digits as reference

    train, test = load_digits("train"), load_digits("test")
    assert (len(train), len(test)) == (1297, 500)
    assert train.image_shape == test.image_shape == (1, 8, 8)
    assert train.class_names == tuple("0123456789")
    assert set(np.unique(train.images * 16)) == set(range(17))
    ours = np.concatenate([train.images, test.images])[:, 0] * 16
    labels = np.concatenate([train.labels, test.labels])
    theirs = reference()
    assert sorted(zip(map(bytes, ours.astype("u1")), labels, strict=True)) == sorted(
        zip(map(bytes, theirs.images.astype("u1")), theirs.target, strict=True)
    )


def test_digits_split_is_stratified():
    train, test = (np.bincount(load_digits(split).labels) for split in ("train", "test"))
    assert np.abs(train / 1297 - test / 500).max() < 0.002


def test_digits_split_never_changes():
    assert load_digits("test").labels[:10].tolist() == [4, 8, 8, 3, 9, 0, 6, 3, 9, 8]


@pytest.mark.parametrize("split", ["valid", "", None, 3, "TRAIN"])
def test_split_is_train_or_test(split):
    assert "split must be train or test" in refusal(load, "digits", split)


@pytest.mark.mnist
def test_mnist_is_mnist():
    test = load("mnist", "test")
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.class_names == tuple("0123456789")
    assert float(test.images.mean(dtype=np.float64)) == pytest.approx(0.13251, abs=1e-5)
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(test.labels).tolist() == counts
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.mnist
def test_mnist_train_is_mnist():
    train = load_torchvision("mnist", "train", default_data_dir())
    assert len(train) == 60_000
    assert float(train.images.mean(dtype=np.float64)) == pytest.approx(0.13066, abs=3e-5)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.slow
def test_operators_that_exist_already_do_no_harm():
    code = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from models.data import builtin
for _ in range(2):
    print(builtin._torchvision_class("kmnist").__name__)
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.split() == ["KMNIST", "KMNIST"], result.stderr


def idx(array):
    """An array in the MNIST files' format: big-endian sizes, then bytes."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_family(folder, name="FashionMNIST", count=12):
    raw = folder / name / "raw"
    raw.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (count, 28, 28))
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return raw


def test_fashion_mnist_brings_its_class_names(tmp_path):
    write_family(tmp_path)
    assert is_available("fashion-mnist", tmp_path) and not is_available("kmnist", tmp_path)
    images = load("fashion-mnist", "train", tmp_path)
    assert images.class_names[0] == "T-shirt/top" and len(images.class_names) == 10
    assert images.images.shape == (12, 1, 28, 28) and images.images.max() == 1.0


DAMAGED = "FashionMNIST/raw must be the four files of fashion-mnist, got something else"
SPOILED = {
    "truncated": (lambda data: data[:-1], DAMAGED),
    "longer": (lambda data: data + b"x", DAMAGED),
    "empty": (lambda data: b"", DAMAGED),
    "text": (lambda data: b"<html>", DAMAGED),
    "too large": (lambda data: idx(np.zeros((12, 99, 28))), "8 to 64 pixels a side, got 99 × 28"),
    "fewer": (
        lambda data: idx(np.zeros((11, 28, 28))),
        "labels must be int64 (11,), got int64 (12",
    ),
    "huge sizes": (lambda data: b"\0\0\x08\x03" + b"\xff" * 12 + b"x", DAMAGED),
}


@pytest.mark.parametrize("case", SPOILED)
def test_damaged_mnist_files_are_refused(tmp_path, case):
    spoil, words = SPOILED[case]
    path = write_family(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(spoil(path.read_bytes()))
    assert words in refusal(load, "fashion-mnist", "train", tmp_path)


class Canary:
    """Leaves a file behind when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_the_pickled_cache_of_old_torchvision_is_never_read(tmp_path):
    write_family(tmp_path)
    old, canary = tmp_path / "FashionMNIST" / "processed", tmp_path / "canary"
    old.mkdir()
    for name in ("training.pt", "test.pt"):
        (old / name).write_bytes(pickle.dumps(Canary(canary)))
    assert len(load("fashion-mnist", "train", tmp_path)) == 12
    assert not canary.exists()


def test_missing_mnist_says_where_it_looked_and_both_ways_out(tmp_path, monkeypatch):
    sentence = refusal(load, "mnist", "test", tmp_path / "here")
    for part in ("here/MNIST/raw", "python -m models data download mnist", "--data-dir"):
        assert part in sentence
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "there"))
    assert default_data_dir() == tmp_path / "there"
    assert "there/KMNIST/raw" in refusal(load, "kmnist", "test")
    monkeypatch.setenv("LATENT_DATA_DIR", "")
    assert default_data_dir() == Path("data")


def test_download_offline_is_one_sentence(tmp_path, monkeypatch):
    datasets = builtin._import_datasets()

    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", offline)
    sentence = refusal(download, "mnist", tmp_path)
    assert "could not be downloaded" in sentence and "MNIST/raw" in sentence
    (tmp_path / "file").write_bytes(b"")
    assert "could not be downloaded" in refusal(download, "kmnist", tmp_path / "file")


def test_download_fetches_what_is_missing_and_only_that(tmp_path, monkeypatch):
    datasets, fetched = builtin._import_datasets(), []

    def fetch(url, download_root, filename, md5):
        fetched.append(filename)
        array = np.zeros((10, 28, 28)) if "images" in filename else np.arange(10)
        Path(download_root, filename.removesuffix(".gz")).write_bytes(idx(array))

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    download("kmnist", tmp_path)
    assert len(fetched) == 4 and is_available("kmnist", tmp_path)
    assert load("kmnist", "test", tmp_path).class_names[1] == "ki"
    download("kmnist", tmp_path)
    assert len(fetched) == 4


KNOWN = "data must be one of digits, mnist, fashion-mnist, kmnist"


@pytest.mark.parametrize(
    "name, shown",
    [
        ("cifar", "cifar"),
        ("", "unnamed"),
        ("a\0b", "ab"),
        ("x" * 5000, "x" * 80),
        ("\u202egpj", "gpj"),
        ("\ud800", "unnamed"),
    ],
)
def test_unknown_names_are_refused(name, shown):
    assert refusal(is_available, name) == f"{KNOWN}, got {shown!r}"
    assert refusal(download, name) == f"{KNOWN}, got {shown!r}"
    others = "or the path of an .npz, a .zip of images or a folder of images"
    expected = f"{KNOWN}, {others}, got {shown!r}"
    assert refusal(load, name, "train") == expected


@pytest.mark.parametrize("name, kind", [(7, "int"), (None, "NoneType")])
def test_what_is_no_name_is_refused(name, kind):
    assert refusal(is_available, name) == f"{KNOWN}, got '{name}'"
    assert refusal(download, name) == f"{KNOWN}, got '{name}'"
    assert refusal(load, name, "train") == f"data must be a name or a path, got {kind}"


# --- ImageSet ----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "given, cleaned",
    [
        ("faces", "faces"),
        ("x" * 300, "x" * 80),
        ("a\0b\x1b[31m", "ab[31m"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        (" two\n\tlines\u2028here ", "two lines here"),
        ("e\u0301", "é"),
        ("\u200b\u200d", "unnamed"),
        ("\udcff", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_cleaned(given, cleaned):
    assert clean_name(given) == cleaned


# --- .npz files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "images, white, note",
    [
        (NOISE, 255, ""),
        (NOISE > 99, 1, ""),
        ((NOISE > 99).astype(np.uint8), 1, "1 is white"),
        (NOISE.astype(np.int64), 255, "divided by 255"),
        (NOISE.astype(">u2") * 257, 65535, "divided by 65535"),
        (NOISE.astype(np.uint16), 255, "divided by 255"),
        (NOISE / 255, 1, ""),
        (NOISE.astype(np.float32) / 255, 1, ""),
        ((NOISE > 99).astype(np.float16), 1, ""),
        (NOISE.astype(np.float32), 255, "divided by 255"),
        (np.asfortranarray(NOISE), 255, ""),
    ],
)
def test_npz_values_are_scaled_to_the_unit_interval_and_it_is_said(tmp_path, images, white, note):
    np.savez_compressed(tmp_path / "mine.npz", images=images)
    train, test = both(tmp_path / "mine.npz")
    assert (len(train), len(test)) == (16, 4)
    assert train.image_shape == (1, 8, 9) and train.labels is None and train.class_names == ()
    expected = (images.astype(np.float64) / white).astype(np.float32)
    found = together(tmp_path / "mine.npz")
    assert len(found) == 20
    for image in expected:
        assert any(np.allclose(np.frombuffer(f, "f4"), image.ravel(), atol=1e-7) for f in found)
    assert (note in train.notes[0]) if note else train.notes == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_npz_channels_may_come_first_or_last(tmp_path, channels):
    images = np.random.default_rng(1).integers(0, 256, (20, channels, 8, 9), dtype=np.uint8)
    np.savez(tmp_path / "first.npz", images=images)
    np.savez(tmp_path / "last.npz", images=np.moveaxis(images, 1, 3))
    assert load(tmp_path / "last.npz", "train").image_shape == (channels, 8, 9)
    assert together(tmp_path / "first.npz") == together(tmp_path / "last.npz")


@pytest.mark.parametrize(
    "labels, names, expected",
    [
        (np.repeat([3, -1], 10), None, ("-1", "3")),
        (np.repeat(["owl", "ant"], 10), None, ("ant", "owl")),
        (np.repeat([b"owl", b"\xffnt"], 10), None, ("owl", "\ufffdnt")),
        (np.repeat([True, False], 10)[:, None], None, ("False", "True")),
        (np.repeat([2, 0], 10).astype(np.uint8), ["a", "b", "c"], ("a", "b", "c")),
        (np.repeat([2**63, 0], 10).astype(np.uint64), None, ("0", str(2**63))),
    ],
)
def test_npz_labels_are_numbers_or_texts(tmp_path, labels, names, expected):
    named = {} if names is None else {"class_names": np.array(names)}
    np.savez(tmp_path / "mine.npz", images=NOISE, labels=labels, **named)
    train, test = both(tmp_path / "mine.npz")
    assert train.class_names == test.class_names == expected
    for part, count in ((train, 8), (test, 2)):
        assert sorted(np.bincount(part.labels)[np.unique(part.labels)]) == [count, count]
        pixels = np.rint(part.images * 255)
        places = np.argmax((pixels == NOISE).all(axis=(2, 3)), axis=1)
        assert places.tolist() == sorted(places)
        is_first_half = places < 10
        first = np.asarray(labels).ravel()[0]
        first = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
        first = first if names is None else names[int(first)]
        assert [expected[label] == first for label in part.labels] == is_first_half.tolist()


def test_npz_split_is_deterministic_disjoint_and_complete(tmp_path):
    np.savez(tmp_path / "mine.npz", images=NOISE, labels=np.arange(20) % 3)
    first, second = both(tmp_path / "mine.npz"), both(tmp_path / "mine.npz")
    assert [x.fingerprint for x in first] == [x.fingerprint for x in second]
    assert len(together(tmp_path / "mine.npz")) == 20


def test_npz_with_one_class_says_so(tmp_path):
    np.savez(tmp_path / "mine.npz", images=NOISE, labels=np.zeros(20, int))
    assert load(tmp_path / "mine.npz", "train").notes == ("all images have the same label",)


def test_npz_name_is_the_cleaned_stem(tmp_path):
    path = tmp_path / "my\u202e faces\x07.npz"
    np.savez(path, images=NOISE)
    assert load(path, "train").name == "my faces"


def test_npz_sorted_labels_are_no_bomb(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30_000, 8, 8), dtype=np.uint8)
    labels = np.sort(np.arange(30_000) % 10)
    np.savez_compressed(tmp_path / "mine.npz", images=images, labels=labels)
    with zipfile.ZipFile(tmp_path / "mine.npz") as archive:
        member = archive.getinfo("labels.npy")
    assert member.file_size > 400 * member.compress_size
    assert len(load(tmp_path / "mine.npz", "test")) == 6_000


def spoiled(value, at=(3, 2, 2)):
    images = NOISE / 255
    images[at] = value
    return images


BAD_ARRAYS = {
    "missing": ({"pictures": NOISE}, "an array called images"),
    "nine": ({"images": NOISE[:9]}, "at least 10"),
    "none": ({"images": NOISE[:0]}, "images must not be empty"),
    "identical": ({"images": np.repeat(NOISE[:1], 20, axis=0)}, "identical"),
    "constant": ({"images": np.zeros((20, 8, 8), np.uint8)}, "identical"),
    "nan": ({"images": spoiled(np.nan)}, "NaN"),
    "infinite": ({"images": spoiled(np.inf)}, "infinity"),
    "minus infinite": ({"images": spoiled(-np.inf)}, "infinity"),
    "negative": ({"images": NOISE / 127.5 - 1}, "negative"),
    "too bright": ({"images": spoiled(256.0)}, "[0, 255]"),
    "too large whole": ({"images": NOISE.astype(np.int32) * 2}, "[0, 255]"),
    "negative whole": ({"images": NOISE.astype(np.int16) - 1}, "negative"),
    "complex": ({"images": NOISE * 1j}, "numbers"),
    "texts": ({"images": NOISE.astype(str)}, "numbers"),
    "dates": ({"images": NOISE.astype("M8[s]")}, "numbers"),
    "records": ({"images": NOISE.astype([("a", "u1")])}, "numbers"),
    "flat": ({"images": NOISE.reshape(20, -1)}, "reshape"),
    "one number": ({"images": np.array(3)}, "reshape"),
    "two channels": ({"images": np.stack([NOISE, NOISE], axis=1)}, "1 or 3 channels"),
    "four channels": ({"images": np.stack([NOISE] * 4, axis=3)}, "1 or 3 channels"),
    "1024 pixels": ({"images": np.zeros((10, 1024, 1024), bool)}, "1024 × 1024"),
    "7 pixels": ({"images": NOISE[:, :7]}, "8 to 64"),
    "labels short": ({"images": NOISE, "labels": np.arange(19)}, "20 images"),
    "labels matrix": ({"images": NOISE, "labels": np.zeros((20, 2), int)}, "20 images"),
    "labels one": ({"images": NOISE, "labels": np.array(1)}, "20 images"),
    "labels real": ({"images": NOISE, "labels": np.linspace(0, 1, 20)}, "whole numbers"),
    "labels alike": (
        {"images": NOISE, "labels": np.array(["a", "a\u200b"] * 10)},
        "must differ",
    ),
    "names alike": (
        {"images": NOISE, "labels": np.arange(20) % 2, "class_names": np.array(["a", "a"])},
        "must differ",
    ),
    "names too few": (
        {"images": NOISE, "labels": np.arange(20), "class_names": np.array(["a", "b"])},
        "0 to 1",
    ),
    "names for texts": (
        {"images": NOISE, "labels": np.array(["a"] * 20), "class_names": np.array(["a"])},
        "whole numbers",
    ),
    "names numbers": (
        {"images": NOISE, "labels": np.arange(20) % 2, "class_names": np.arange(2)},
        "list of texts",
    ),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused_with_one_sentence(tmp_path, case):
    arrays, words = BAD_ARRAYS[case]
    np.savez(tmp_path / "mine.npz", **arrays)
    for split in ("train", "test"):
        sentence = refusal(load, tmp_path / "mine.npz", split)
        assert words in sentence and sentence.startswith("'mine.npz'")


def test_more_than_ten_thousand_classes_are_refused(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10_001, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(10_001))
    assert "10000 classes" in refusal(load, tmp_path / "mine.npz", "train")


@pytest.mark.parametrize("key", ["images", "labels", "class_names"])
def test_objects_are_never_unpickled(tmp_path, key):
    canary = tmp_path / "canary"
    arrays = {"images": NOISE, "labels": np.arange(20) % 2, "class_names": np.array(["a", "b"])}
    arrays[key] = np.array([Canary(canary)] * 20, dtype=object)
    np.savez(tmp_path / "mine.npz", **arrays)
    assert "Python objects" in refusal(load, tmp_path / "mine.npz", "train")
    (tmp_path / "plain.npz").write_bytes(pickle.dumps(Canary(canary)))
    assert "must be a NumPy .npz archive" in refusal(load, tmp_path / "plain.npz", "train")
    assert not canary.exists()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text, payload=b"", version=b"\x01\x00"):
    """A .npy file with any text in its header."""
    text = text.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + payload


def archive(*members, compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as file:
        warnings.simplefilter("ignore")  # zipfile warns of the duplicates that we want
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def patched(content, key, offset, value):
    """The archive with a 4-byte field of that member's directory entry overwritten."""
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(key))
    return content[: start + offset] + struct.pack("<I", value) + content[start + offset + 4 :]


IMAGES = ("images.npy", npy(NOISE))
PLAIN = archive(IMAGES)
SHAPE = "{'descr': '|u1', 'fortran_order': False, 'shape': %s}"
BAD_FILES = {
    "empty": (b"", ".npz archive"),
    "7 bytes": (b"PK\x03\x04abc", ".npz archive"),
    "text": (b"<html>not found</html>", ".npz archive"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", ".npz archive"),
    "one array": (npy(NOISE), ".npz archive"),
    "truncated": (PLAIN[:-30], ".npz archive"),
    "no members": (archive(), "an array called images"),
    "checksum": (patched(PLAIN, b"images.npy", 16, 1), ".npz archive"),
    "size too small": (patched(PLAIN, b"images.npy", 24, 100), ".npz archive"),
    "size huge": (patched(PLAIN, b"images.npy", 24, 2**32 - 2), "256 MB"),
    "encrypted": (patched(PLAIN, b"images.npy", 8, 1 | 8 << 16), "password"),
    "twice": (archive(IMAGES, IMAGES), "twice"),
    "twice, other ending": (archive(IMAGES, ("images", npy(NOISE))), "twice"),
    "lzma": (archive(IMAGES, compression=zipfile.ZIP_LZMA), "np.savez"),
    "bzip2": (archive(IMAGES, compression=zipfile.ZIP_BZIP2), "np.savez"),
    "thousands": (archive(*((f"a{i}", b"") for i in range(2000)), IMAGES), "64 arrays"),
    "no array": (archive(("images.npy", b"hello")), ".npz archive"),
    "version 9": (archive(("images.npy", b"\x93NUMPY\x09\x00" + b"\0" * 99)), ".npz archive"),
    "header text": (archive(("images.npy", header("hello"))), ".npz archive"),
    "header code": (archive(("images.npy", header("__import__('os').abort()"))), ".npz archive"),
    "header nested": (archive(("images.npy", header("(" * 9000))), ".npz archive"),
    "header long": (archive(("images.npy", header(" " * 60_000))), ".npz archive"),
    "shape negative": (archive(("images.npy", header(SHAPE % "(-1, 8, 8)"))), "as its shape"),
    "shape huge": (archive(("images.npy", header(SHAPE % "(10**9,)"))), ".npz archive"),
    "shape huge number": (archive(("images.npy", header(SHAPE % f"({10**18},)"))), "as its shape"),
    "shape huge and empty": (archive(("images.npy", header(SHAPE % f"({10**30}, 0)"))), "empty"),
    "trailing": (archive(("images.npy", npy(NOISE) + b"x")), "as its shape"),
    "short": (archive(("images.npy", npy(NOISE)[:-1])), "as its shape"),
    "no width": (archive(("images.npy", npy(np.array([""] * 20)[:, None, None]))), "numbers"),
    "bad code points": (
        archive(
            IMAGES,
            ("labels.npy", header(SHAPE.replace("|u1", "<U1") % "(20,)", b"\xff" * 80)),
        ),
        ".npz archive",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_with_one_sentence(tmp_path, case):
    content, words = BAD_FILES[case]
    (tmp_path / "mine.npz").write_bytes(content)
    assert words in refusal(load, tmp_path / "mine.npz", "train")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    zeros = npy(np.zeros((2, 1024, 1024), np.uint8))
    cases = {
        "growth": (archive(("images.npy", zeros)), "200 times"),
        "other member": (archive(IMAGES, ("x.npy", zeros)), "200 times"),
        # The stream holds 2 MB, the directory says 1300 bytes: no more is unpacked.
        "lying": (patched(archive(("images.npy", zeros)), b"images.npy", 24, 1300), "damaged"),
    }
    for content, words in cases.values():
        (tmp_path / "mine.npz").write_bytes(content)
        tracemalloc.start()
        sentence = refusal(load, tmp_path / "mine.npz", "train")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert words in sentence and peak < 1_500_000


def test_total_size_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("models.data.ingest.MAX_BYTES", 2**20)
    monkeypatch.setattr("models.data.archive.MAX_BYTES", 2**20)
    for content in (archive(IMAGES, ("x", b"\0" * 2**20)), b"PK" + b"\0" * 2**20):
        (tmp_path / "mine.npz").write_bytes(content)
        assert "at most 1 MB" in refusal(load, tmp_path / "mine.npz", "train")


def test_no_path_is_made_from_a_member(tmp_path):
    content = archive(IMAGES, ("../escaped.npy", npy(NOISE)), ("/escaped", b"x"), ("a/../b", b""))
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "mine.npz").write_bytes(content)
    assert len(load(tmp_path / "inside" / "mine.npz", "train")) == 16
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside", "mine.npz"]


def test_what_is_no_file_is_refused(tmp_path):
    assert "got 'none.npz'" in refusal(load, tmp_path / "none.npz", "train")
    os.mkfifo(tmp_path / "pipe.npz")
    assert "got 'pipe.npz'" in refusal(load, tmp_path / "pipe.npz", "train")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "mine.npz"


def assert_reads_or_refuses(path, content):
    """Whether the file is read; then every pixel is in [0, 1], else one sentence says why not."""
    path.write_bytes(content)
    try:
        images = load(path, "train").images
    except DataError as error:
        assert assert_sentence(str(error)).startswith("'mine.npz'")
        return False
    assert np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1
    return True


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(scratch, content):
    assert_reads_or_refuses(scratch, content)


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_array_bytes_are_refused_or_read(scratch, content):
    assert_reads_or_refuses(scratch, archive(("images.npy", content)))
    assert_reads_or_refuses(
        scratch, archive(IMAGES, ("labels.npy", header(content.decode("latin1"))))
    )


MUTABLE = [
    archive(IMAGES, ("labels.npy", npy(np.array(["a", "b"] * 10))), compression=compression)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_mutated_archive_is_refused_or_read(scratch, drawn):
    content = bytearray(drawn.draw(st.sampled_from(MUTABLE)))
    places = st.one_of(
        st.integers(0, 200),
        st.integers(len(content) - 300, len(content) - 1),
        st.integers(0, len(content) - 1),
    )
    for _ in range(drawn.draw(st.integers(1, 4))):
        content[drawn.draw(places)] = drawn.draw(st.integers(0, 255))
    assert_reads_or_refuses(scratch, bytes(content))


def mutants(originals, count):
    """Files with one to four random bytes, the same at every call."""
    random = np.random.default_rng(count)
    for number in range(count):
        content = bytearray(originals[number % len(originals)])
        for _ in range(random.integers(1, 5)):
            content[random.integers(0, len(content))] = random.integers(0, 256)
        yield bytes(content)


def test_of_mutated_archives_some_are_refused_and_some_are_read(scratch):
    outcomes = [assert_reads_or_refuses(scratch, content) for content in mutants(MUTABLE, 200)]
    assert 0 < sum(outcomes) < 200


# --- folders of images -------------------------------------------------------------------------


def picture(seed, size=(9, 8), mode="L"):
    """A picture of noise; `size` is width, height."""
    bands = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], *bands), dtype=np.uint8)
    return Image.fromarray(pixels)


def fill(folder, count=10, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        picture(seed, **options).save(folder / f"{seed:02}.png")
    return folder


def find(folder, pixels):
    """Whether these grey levels (H, W) or (3, H, W) are among the images, exactly."""
    wanted = (np.asarray(pixels, np.float32) / 255).tobytes()
    return any(image.tobytes() == wanted for part in both(folder) for image in part.images)


def test_a_flat_folder_is_unlabelled_and_keeps_the_common_size(tmp_path):
    folder = fill(tmp_path / "faces")
    train, test = load(folder, "train"), load(str(folder), "test")
    assert (len(train), len(test)) == (8, 2) and train.image_shape == (1, 8, 9)
    assert train.labels is None and train.class_names == () and train.notes == ()
    assert train.name == "faces"
    assert all(find(folder, picture(seed)) for seed in range(10))


def test_a_subfolder_is_a_class(tmp_path):
    for name in ("owl", "ant", "bee\u202e", ".hidden", "empty"):
        fill(tmp_path / name, count=0 if name == "empty" else 10)
    train, test = both(tmp_path)
    assert train.class_names == ("ant", "bee", "owl")
    assert np.bincount(train.labels).tolist() == [8, 8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2, 2]


def test_colour_is_kept_if_any_image_has_colour(tmp_path):
    fill(tmp_path)
    picture(3).convert("RGB").save(tmp_path / "03.png")
    assert load(tmp_path, "train").image_shape == (1, 8, 9)
    picture(3, mode="RGB").save(tmp_path / "03.png")
    assert load(tmp_path, "train").image_shape == (3, 8, 9)
    assert find(tmp_path, np.moveaxis(np.asarray(picture(3, mode="RGB")), 2, 0))
    assert find(tmp_path, np.stack([np.asarray(picture(4))] * 3))


@pytest.mark.parametrize("other", [(9, 9), (65, 8), (100, 40), (4, 4), (1, 500)])
def test_other_sizes_are_brought_to_32_and_it_is_said(tmp_path, other):
    fill(tmp_path)
    picture(3, size=other).save(tmp_path / "03.png")
    train = load(tmp_path, "train")
    assert train.image_shape == (1, 32, 32) and "32 × 32" in train.notes[0]


def test_resizing_takes_the_centre_square(tmp_path):
    fill(tmp_path, size=(80, 40))
    pixels = np.zeros((40, 80), np.uint8)
    pixels[:, 20:60] = 255
    Image.fromarray(pixels).save(tmp_path / "03.png")
    assert find(tmp_path, np.full((32, 32), 255))


def mode(path):
    with Image.open(path) as image:
        return image.mode


def assert_converted(folder, note, count=1):
    """The conversion was said, once, with its count."""
    notes = load(folder, "train").notes
    said = [text for text in notes if note in text]
    assert said == [text for text in notes if text.startswith(f"{count} image{'s' * (count > 1)} ")]
    assert len(said) == 1


def test_transparency_is_drawn_on_black(tmp_path):
    fill(tmp_path)
    pixels = np.full((8, 9, 4), 200, np.uint8)
    pixels[..., 3] = 51
    pixels[0, 0, 3] = 0
    for name in ("03.png", "04.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    expected = np.full((8, 9), 40)
    expected[0, 0] = 0
    assert find(tmp_path, expected)
    assert_converted(tmp_path, "transparency: drawn on black", 2)


def test_palettes_with_transparency_and_one_bit_images(tmp_path):
    fill(tmp_path)
    palette = Image.new("P", (9, 8), 1)
    palette.putpalette([9, 9, 9, 80, 80, 80])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "03.png", transparency=0)
    expected = np.full((8, 9), 80)
    assert find(tmp_path, np.where(np.arange(72).reshape(8, 9) == 0, 0, expected))
    bits = np.arange(72).reshape(8, 9) % 2 == 1
    Image.fromarray(bits).save(tmp_path / "04.png")
    assert mode(tmp_path / "04.png") == "1"
    assert find(tmp_path, bits * 255)


def test_16_bit_images_are_scaled_not_clipped(tmp_path):
    fill(tmp_path)
    levels = np.arange(72, dtype=np.uint16).reshape(8, 9) * 900
    Image.fromarray(levels).save(tmp_path / "03.png")
    assert mode(tmp_path / "03.png") == "I;16"
    assert find(tmp_path, np.rint(levels / 257))
    assert_converted(tmp_path, "16 bits")


def test_cmyk_becomes_rgb(tmp_path):
    fill(tmp_path)
    Image.new("CMYK", (9, 8), (255, 0, 0, 0)).save(tmp_path / "03.jpg", quality=100)
    train = load(tmp_path, "train")
    assert train.image_shape == (3, 8, 9)
    assert_converted(tmp_path, "CMYK")


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame(tmp_path, format):
    fill(tmp_path)
    frames = [Image.new("L", (9, 8), level) for level in (70, 140, 210)]
    frames[0].save(
        tmp_path / "03.png", format, save_all=True, append_images=frames[1:], lossless=True
    )
    assert find(tmp_path, np.full((8, 9), 70))
    assert_converted(tmp_path, "several frames")


def test_exif_rotation_is_applied(tmp_path):
    fill(tmp_path, size=(8, 8))
    image = picture(3, size=(8, 8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "03.png", exif=exif)
    assert find(tmp_path, np.rot90(np.asarray(image), -1))
    assert_converted(tmp_path, "EXIF rotation")


def test_content_counts_and_not_the_ending(tmp_path):
    fill(tmp_path)
    picture(3).save(tmp_path / "03.png", "GIF")
    assert find(tmp_path, picture(3))


def png_claiming(width, height):
    """A PNG whose header claims a size."""
    stream = io.BytesIO()
    picture(0).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zipfile.crc32(content[12:29]))
    return bytes(content)


def saved(format, **options):
    stream = io.BytesIO()
    picture(0, size=(64, 64)).save(stream, format, **options)
    return stream.getvalue()


WHOLE_IMAGES = [saved(format) for format in ("PNG", "JPEG", "GIF", "WEBP")]
WHOLE = "a whole PNG, JPEG, GIF or WEBP image"
BAD_IMAGES = {
    "empty": (b"", WHOLE),
    "text": (b"hello", WHOLE),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='8'/>", WHOLE),
    "bmp": (saved("BMP"), WHOLE),
    "tiff": (saved("TIFF"), WHOLE),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 8\n", WHOLE),
    "truncated png": (saved("PNG")[:-900], WHOLE),
    "truncated jpeg": (saved("JPEG")[:-900], WHOLE),
    "truncated gif": (saved("GIF")[:-900], WHOLE),
    "truncated webp": (saved("WEBP")[:-900], WHOLE),
    "header only": (saved("PNG")[:33], WHOLE),
    "no pixels": (png_claiming(0, 0), WHOLE),
    "more than 16.7 Mpx": (png_claiming(4097, 4096), "16.8 million pixels"),
    "warned bomb": (png_claiming(10_000, 10_000), "16.8 million pixels"),
    "bomb": (png_claiming(100_000, 100_000), "16.8 million pixels"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused_naming_the_file(tmp_path, case):
    content, words = BAD_IMAGES[case]
    (fill(tmp_path / "faces") / "my\u202e broken.png").write_bytes(content)
    sentence = refusal(load, tmp_path / "faces", "train")
    assert words in sentence and sentence.startswith("'faces': 'my broken.png' must")


def assert_decodes_or_refuses(path, content):
    """Whether the image is read; then it is RGB and not too large, else one sentence says why."""
    path.write_bytes(content)
    try:
        image, conversions = decode(path)
    except DataError as error:
        assert assert_sentence(str(error)).startswith("'mine.npz' must")
        return False
    assert image.mode == "RGB" and 0 < image.width * image.height <= MAX_PIXELS
    assert all(text.startswith("had ") for text in conversions)
    return True


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_mutated_image_is_refused_or_read(scratch, drawn):
    content = bytearray(drawn.draw(st.sampled_from(WHOLE_IMAGES)))
    for _ in range(drawn.draw(st.integers(1, 4))):
        place = drawn.draw(st.one_of(st.integers(0, 99), st.integers(0, len(content) - 1)))
        content[place] = drawn.draw(st.integers(0, 255))
    assert_decodes_or_refuses(scratch, bytes(content))


def test_of_mutated_images_some_are_refused_and_some_are_read(scratch):
    outcomes = [assert_decodes_or_refuses(scratch, image) for image in mutants(WHOLE_IMAGES, 200)]
    assert 0 < sum(outcomes) < 200


def test_hidden_files_and_links_out_of_the_folder_are_left_out(tmp_path):
    folder, outside = fill(tmp_path / "faces"), fill(tmp_path / "outside")
    (folder / ".hidden.png").write_bytes(b"no image")
    (folder / "link.png").symlink_to(outside / "00.png")
    (folder / "linked class").symlink_to(outside)
    (folder / "broken.png").symlink_to(folder / "nothing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "again.png").symlink_to(folder / "00.png")
    os.mkfifo(folder / "pipe.png")
    assert sum(map(len, both(folder))) == 11


def test_other_files_are_left_out_and_it_is_said(tmp_path):
    fill(tmp_path)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "labels.csv").write_text("a,b")
    assert load(tmp_path, "train").notes[-1].endswith("left out: 2")


def test_unusable_folders_are_refused(tmp_path):
    assert "got none" in refusal(load, tmp_path, "train")
    fill(tmp_path / "few", count=9)
    assert "at least 10" in refusal(load, tmp_path / "few", "train")
    fill(tmp_path / "both" / "class")
    fill(tmp_path / "both", count=1)
    assert "got both" in refusal(load, tmp_path / "both", "train")
    fill(tmp_path / "alike" / "a")
    fill(tmp_path / "alike" / "a\u200b")
    assert "must differ" in refusal(load, tmp_path / "alike", "train")
    fill(tmp_path / "same" / "a")
    for path in (tmp_path / "same" / "a").iterdir():
        picture(0).save(path)
    assert "identical" in refusal(load, tmp_path / "same", "train")


def test_the_number_of_files_and_their_bytes_are_limited(tmp_path, monkeypatch):

    fill(tmp_path / "class")
    monkeypatch.setattr(class_folders, "MAX_FILES", 9)
    assert "at most 9" in refusal(load, tmp_path, "train")
    monkeypatch.setattr(class_folders, "MAX_FILES", 10)
    monkeypatch.setattr(image_files, "MAX_BYTES", 719)
    assert "once decoded" in refusal(load, tmp_path, "train")
