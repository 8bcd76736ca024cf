"""Arrays of an .npz archive: how they are read, and every bad file that is refused."""

import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.image_set import DataError
from models.data.load import load
from tests.helpers.images import (
    IMAGES,
    NOISE,
    Canary,
    archive,
    both,
    mutants,
    npy,
    patched,
    refusal,
)
from tests.helpers.sentences import assert_sentence


def together(path):
    """All images of both splits, as a set of byte strings."""
    return {image.tobytes() for part in both(path) for image in part.images}


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


def spoiled(value, at=(3, 2, 2)):
    images = NOISE / 255
    images[at] = value
    return images


BAD_ARRAYS = {
    "missing": ({"stuff": np.arange(20)}, "an array of images, got 'stuff' (20,) int64"),
    "nine": ({"images": NOISE[:9]}, "at least 10"),
    "none": ({"images": NOISE[:0]}, "images must not be empty"),
    "identical": ({"images": np.repeat(NOISE[:1], 20, axis=0)}, "identical"),
    "constant": ({"images": np.zeros((20, 8, 8), np.uint8)}, "identical"),
    "nan": ({"images": spoiled(np.nan)}, "NaN"),
    "infinite": ({"images": spoiled(np.inf)}, "infinity"),
    "minus infinite": ({"images": spoiled(-np.inf)}, "infinity"),
    "negative": ({"images": NOISE / 127.5 - 1}, "negative"),
    "too bright": ({"images": spoiled(256.0)}, "[0, 255]"),
    "too large whole": ({"images": NOISE.astype(np.int32) * 999}, "[0, 65535]"),
    "negative whole": ({"images": NOISE.astype(np.int16) - 1}, "negative"),
    "complex": ({"images": NOISE * 1j}, "numbers"),
    "texts": ({"images": NOISE.astype(str)}, "numbers"),
    "dates": ({"images": NOISE.astype("M8[s]")}, "numbers"),
    "records": ({"images": NOISE.astype([("a", "u1")])}, "numbers"),
    "flat, no square": ({"images": NOISE.reshape(20, -1)}, "reshape"),
    "one number": ({"images": np.array(3)}, "reshape"),
    "two channels": ({"images": np.stack([NOISE, NOISE], axis=1)}, "1, 3 or 4 channels"),
    "five channels": ({"images": np.stack([NOISE] * 5, axis=3)}, "1, 3 or 4 channels"),
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
    "a text that is no name": (
        {"images": NOISE, "labels": np.array(["b"] * 20), "class_names": np.array(["a"])},
        "labels must be among class_names, got 'b'",
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


def header(text, payload=b"", version=b"\x01\x00"):
    """A .npy file with any text in its header."""
    text = text.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + payload


PLAIN = archive(IMAGES)

SHAPE = "{'descr': '|u1', 'fortran_order': False, 'shape': %s}"

BAD_FILES = {
    "empty": (b"", ".npz archive"),
    "7 bytes": (b"PK\x03\x04abc", ".npz archive"),
    "text": (b"<html>not found</html>", ".npz archive"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", ".npz archive"),
    "one array": (npy(NOISE), ".npz archive"),
    "truncated": (PLAIN[:-30], ".npz archive"),
    "no members": (archive(), "an array of images, got none"),
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


def test_no_path_is_made_from_a_member(tmp_path):
    content = archive(IMAGES, ("../escaped.npy", npy(NOISE)), ("/escaped", b"x"), ("a/../b", b""))
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "mine.npz").write_bytes(content)
    assert len(load(tmp_path / "inside" / "mine.npz", "train")) == 16
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside", "mine.npz"]


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


def test_of_mutated_archives_some_are_refused_and_some_are_read(scratch):
    outcomes = [assert_reads_or_refuses(scratch, content) for content in mutants(MUTABLE, 200)]
    assert 0 < sum(outcomes) < 200
