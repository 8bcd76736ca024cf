"""Zip archives: what is refused before anything is unpacked."""

import io
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from models.data.archive import FREE_BYTES, unpack
from models.data.image_set import DataError
from models.data.ingest import read_path, read_upload
from models.data.load import load
from tests.helpers.images import (
    IMAGES,
    archive,
    both,
    classes,
    flat,
    mutants,
    npy,
    patched,
    png,
    refusal,
)
from tests.helpers.sentences import assert_sentence


def test_npz_sorted_labels_are_no_bomb(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30_000, 8, 8), dtype=np.uint8)
    labels = np.sort(np.arange(30_000) % 10)
    np.savez_compressed(tmp_path / "mine.npz", images=images, labels=labels)
    with zipfile.ZipFile(tmp_path / "mine.npz") as archive:
        member = archive.getinfo("labels.npy")
    assert member.file_size > 400 * member.compress_size
    assert len(load(tmp_path / "mine.npz", "test")) == 6_000


def test_sparse_images_are_no_bomb_however_well_they_compress(tmp_path):
    """Forty megabytes of single dots: packed 400 times, as drawings and masks are."""
    images = np.zeros((10_000, 64, 64), bool)
    images[np.arange(10_000), 8 + np.arange(10_000) // 64 % 40, np.arange(10_000) % 64] = True
    np.savez_compressed(tmp_path / "mine.npz", images=images)
    assert images.nbytes > 366 * (tmp_path / "mine.npz").stat().st_size
    assert images.nbytes > FREE_BYTES
    train, test = both(tmp_path / "mine.npz")
    assert train.images.sum() + test.images.sum() == 10_000


def packed_noise(spoil=lambda images: None, **more):
    """One image of noise 65 000 times: 266 MB in 1.6 MB."""
    images = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    images = np.tile(images, (64_000, 1, 1))
    spoil(images)
    stream = io.BytesIO()
    np.savez_compressed(stream, images=images, **more)
    return stream.getvalue()


def not_finite(images):
    images[100] = np.nan


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed_noise, "images must differ, got 8192 or more identical ones"),
        (lambda: packed_noise(not_finite), "images must be finite"),
        (lambda: packed_noise(labels=np.zeros(5)), "labels must be one for each of 64000 images"),
    ],
    ids=["identical", "not finite", "labels"],
)
def test_tightly_packed_noise_is_refused_by_its_start(content, words, monkeypatch):
    whole, content = [], content()

    def note(archive, member):
        whole.append(member.filename)
        return unpack(archive, member)

    monkeypatch.setattr("models.data.arrays.unpack", note)
    assert words in refusal(read_upload, [("own.npz", content)])
    assert "images.npy" not in whole
    seconds = []
    for _ in range(3):
        seconds.append(-time.process_time())
        refusal(read_upload, [("own.npz", content)])
        seconds[-1] += time.process_time()
    assert min(seconds) < 0.25


def test_bombs_of_arrays_are_refused_before_they_are_unpacked(tmp_path):
    zeros = npy(np.zeros((16 * 2**10, 64, 64), np.uint8))
    wide = npy(np.zeros((2, 1024, 1024), np.uint8))
    cases = {
        "empty": (archive(("images.npy", zeros)), "practically one value"),
        "labels": (archive(IMAGES, ("labels.npy", zeros)), "practically one value"),
        "large images": (archive(("images.npy", wide)), "1024 × 1024"),
        # The stream holds 2 MB, the directory says 1300 bytes: no more is unpacked.
        "lying": (patched(archive(("images.npy", wide)), b"images.npy", 24, 1300), "damaged"),
    }
    for content, words in cases.values():
        (tmp_path / "mine.npz").write_bytes(content)
        tracemalloc.start()
        sentence = refusal(load, tmp_path / "mine.npz", "train")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert words in sentence and peak < 1_500_000


def test_an_array_that_is_not_used_is_not_unpacked(tmp_path):
    zeros = npy(np.zeros((16 * 2**10, 64, 64), np.uint8))
    (tmp_path / "mine.npz").write_bytes(archive(IMAGES, ("masks.npy", zeros)))
    tracemalloc.start()
    train, _ = both(tmp_path / "mine.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert train.notes == ("arrays left out: 'masks' (16384, 64, 64) uint8",) and peak < 1_500_000


def test_total_size_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr("models.data.ingest.MAX_BYTES", 2**20)
    monkeypatch.setattr("models.data.archive.MAX_BYTES", 2**20)
    large = npy(np.zeros((2**14, 8, 9), np.uint8))
    for content in (archive(("images.npy", large)), b"PK" + b"\0" * 2**20):
        (tmp_path / "mine.npz").write_bytes(content)
        assert "at most 1 MB" in refusal(load, tmp_path / "mine.npz", "train")


def encrypted(content):
    """The same archive with the mark of a password on its first member, in both places."""
    content = bytearray(content)
    place = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[place + 8] |= 1
    return bytes(content)


def zeros(size):
    return b"\x89PNG" + bytes(size)


BAD_ZIPS = {
    "empty": (b"", "an .npz or a .zip of images"),
    "7 bytes": (b"PK\x03\x04abc", "an .npz or a .zip of images"),
    "truncated": (archive(*flat())[:-40], "an .npz or a .zip of images"),
    "no members": (archive(), "got none"),
    "folders only": (archive(("a/", b""), ("a/b/", b"")), "got none"),
    "hidden only": (archive(("__MACOSX/._a.png", png(1)), (".a.png", png(1))), "got none"),
    "nested": (archive(("inner.zip", archive(*flat()))), "got none"),
    "climbing": (archive(*((f"../{n}", c) for n, c in flat())), "got none"),
    "few": (archive(*flat(9)), "at least 10 images, got 9"),
    "both": (archive(*flat(), *classes()), "got both"),
    "twice": (archive(*flat(), flat()[0]), "twice"),
    "alike": (archive(*classes("x/"), *((f"x/a\u200b/{n}", c) for n, c in flat())), "must differ"),
    "identical": (archive(*((f"{i}.png", png(0)) for i in range(12))), "identical"),
    "encrypted": (encrypted(archive(*flat())), "password"),
    "bzip2": (archive(*flat(), compression=zipfile.ZIP_BZIP2), "deflate"),
    "lzma": (archive(*flat(), compression=zipfile.ZIP_LZMA), "deflate"),
    "checksum": (patched(archive(*flat()), b"03.png", 16, 1), "an .npz or a .zip of images"),
    "growth": (archive(*flat(), ("x.png", zeros(2**26))), "practically one value"),
    "huge": (patched(archive(*flat()), b"03.png", 24, 2**32 - 2), "256 MB"),
    "lying": (patched(archive(*flat(), ("x.png", zeros(2**21))), b"x.png", 24, 900), "damaged"),
    "many": (archive(*((f"{i}", b"") for i in range(20_001))), "20000 entries"),
}


def ways_in(tmp_path, name, content):
    """The sentences of both ways in: uploaded files, and a path."""
    (tmp_path / name).write_bytes(content)
    yield refusal(read_upload, [(name, content)])
    yield refusal(read_path, tmp_path / name)


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_bad_archives_are_refused_with_one_sentence(tmp_path, case):
    content, words = BAD_ZIPS[case]
    for sentence in ways_in(tmp_path, "my\u202e faces.zip", content):
        assert words in sentence and sentence.startswith("'my faces.zip'")


def test_bombs_of_images_are_refused_before_they_are_unpacked():
    for case in ("growth", "huge", "lying"):
        tracemalloc.start()
        refusal(read_upload, [("x.zip", BAD_ZIPS[case][0])])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_500_000, case


def test_overlapping_members_are_no_bomb():
    """A thousand directory entries that all point at one member count a thousand times."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("00.png", bytes(2**19))
        member = file.infolist()[0]
        for place in range(1000):
            other = zipfile.ZipInfo(f"{place + 1:03}.png")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(other, name, getattr(member, name))
            file.filelist.append(other)
        file._didModify = True
    assert "256 MB" in refusal(read_upload, [("x.zip", stream.getvalue())])


def test_a_mutated_archive_is_refused_or_read():
    originals = [archive(*classes()), archive(*flat(), compression=zipfile.ZIP_STORED)]
    outcomes = []
    for content in mutants(originals, 150):
        try:
            found = read_upload([("mine.zip", content)])
        except DataError as error:
            assert_sentence(str(error))
            outcomes.append(False)
        else:
            assert len(found) >= 10
            outcomes.append(True)
    assert 0 < sum(outcomes) < 150
