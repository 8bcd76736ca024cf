"""Uploads and paths: archives, files and folders give the same images."""

import numpy as np
import pytest

from models.data import ingest
from models.data.ingest import read_path, read_upload
from models.data.load import load
from tests.helpers.images import (
    NOISE,
    archive,
    classes,
    flat,
    npz,
    png,
    read_zip,
    refusal,
    write_files,
)


def assert_same(mine, other):
    """Both hold the same images, in the same order, of the same classes."""
    assert np.array_equal(mine.images, other.images) and mine.class_names == other.class_names
    assert (mine.labels is None) == (other.labels is None)
    assert mine.labels is None or np.array_equal(mine.labels, other.labels)


@pytest.mark.parametrize("around", ["", "faces/", "my/faces/"])
@pytest.mark.parametrize("members", [flat, classes])
def test_a_zip_a_folder_and_files_give_the_same(tmp_path, members, around):
    folder = write_files(tmp_path / "faces", members())
    expected = read_path(folder)
    assert (expected.labels is None) == (members is flat)
    assert_same(read_zip(*members(folder=around)), expected)
    assert_same(read_upload([(f"faces/{n}", c) for n, c in members()]), expected)
    for split in ("train", "test"):
        assert_same(expected.split(split), load(folder, split))


def test_titles_are_those_of_the_archive_or_the_folder():
    assert read_zip(*flat()).title == "faces"
    assert read_upload([(f"cats/{n}", c) for n, c in flat()]).title == "cats"
    assert read_upload(flat()).title == "images"
    assert read_upload([("my\u202e  set.npz", npz(images=NOISE))]).title == "my set"


def test_an_npz_is_known_by_its_content():
    content = npz(images=NOISE, labels=np.arange(20) % 2)
    for name in ("mine.npz", "mine.zip", "mine"):
        assert_same(read_upload([(name, content)]), read_upload([("other.npz", content)]))
    beside = read_zip(*flat(), ("labels.npy", b"not read"))
    assert len(beside) == 12 and beside.notes[-1].endswith("left out: 'labels.npy'")


def test_nothing_is_unpacked_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read_zip(*flat(), ("../escaped.png", png(1)), ("/escaped.png", png(2)), ("..\\x.png", png(3)))
    assert list(tmp_path.rglob("*")) == []


def test_conversions_are_said():
    members = [(f"{i}.png", png(i, size=(70, 30))) for i in range(10)]
    found = read_upload([*members, ("deep.png", png(3, size=(70, 30), mode="RGB"))])
    assert found.image_shape == (3, 32, 32)
    assert found.notes == ("images were cropped to their centre square, then 32 × 32 pixels",)


def test_progress_is_reported():
    seen = []
    read_upload([("a.zip", archive(*flat()))], lambda done, count: seen.append((done, count)))
    assert seen == [(done, 12) for done in range(1, 13)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "at least one file"),
        ([("notes.txt", b"hello")], "'notes.txt' must be an .npz"),
        ([("model.pkl", b"\x80\x04hello")], "'model.pkl' must be an .npz"),
        ([("<img onerror=x>", b"")], "'<img onerror=x>' must be"),
        ([("one.png", png(1))], "at least 10 images, got 1"),
        ([("a.txt", b""), ("b.txt", b"")], "got none"),
        ([*flat(), ("more.zip", archive(*flat()))], "'more.zip' among them"),
        ([("a.npz", npz(images=NOISE)), ("b.npz", npz(images=NOISE))], "'a.npz' among them"),
    ],
)
def test_other_uploads_are_refused(files, words):
    assert words in refusal(read_upload, files)


def test_an_upload_has_limits(monkeypatch):
    monkeypatch.setattr(ingest, "MAX_FILES", 11)
    assert "at most 11 files" in refusal(read_upload, flat())
    monkeypatch.setattr(ingest, "MAX_FILES", 12)
    monkeypatch.setattr(ingest, "MAX_BYTES", 100)
    assert "must be at most 0 MB" in refusal(read_upload, flat())
    monkeypatch.setattr(ingest, "MAX_BYTES", 2**20)
