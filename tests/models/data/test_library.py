"""The library of a user's own data sets: kept, listed, removed and restored."""

import errno
import io
import json
import os
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from models.data import library
from models.data.builtin import (
    is_available,
)
from models.data.custom_images import CustomImages
from models.data.image_set import MAX_BYTES, DataError
from models.data.ingest import read_path, read_upload
from models.data.load import load
from models.data.read_options import ReadOptions
from tests.helpers.images import (
    NOISE,
    archive,
    classes,
    flat,
    read_zip,
    refusal,
)
from tests.helpers.sentences import assert_sentence


@pytest.mark.parametrize(
    ("images", "kept"),
    [
        (NOISE, np.uint8),
        (NOISE.astype(np.int64), np.uint8),
        (NOISE > 127, np.uint8),
        (NOISE.astype(np.uint16) * 200, np.uint16),
        (NOISE / 255, np.float32),
        ((NOISE / 255).astype(np.float16), np.float32),
        (NOISE * 1.0, np.float32),
        (np.stack([NOISE] * 3, axis=3), np.uint8),
    ],
    ids=["uint8", "int64", "bool", "uint16", "float64", "float16", "to 255", "colour"],
)
def test_what_is_kept_is_what_the_file_holds(tmp_path, images, kept):
    labels = np.array(["übung", "<b>"])[np.arange(20) % 2]
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    facts = library.add(read_path(tmp_path / "mine.npz"), "Mine")
    assert library.read_custom(facts.id).images.dtype == kept
    for split in ("train", "test"):
        mine, other = load(facts.id, split), load(tmp_path / "mine.npz", split)
        assert mine.fingerprint == other.fingerprint and mine.class_names == other.class_names
        assert (mine.name, other.name) == ("Mine", "mine") and mine.notes == other.notes
    assert (facts.count, facts.train, facts.classes) == (20, len(load(facts.id, "train")), 2)
    assert facts.image_shape == load(facts.id, "test").image_shape


@pytest.mark.parametrize(("scale", "white"), [("auto", 1), (255, 255), (4, 4)])
def test_dark_images_keep_the_scale_they_were_given(scale, white):
    """Levels 0 and 1 are kept in one byte each: what means white must come back with them."""
    members = []
    for place in range(10):
        stream = io.BytesIO()
        Image.fromarray((NOISE[place] > 127).astype(np.uint8)).save(stream, "PNG")
        members.append((f"{place}.png", stream.getvalue()))
    facts = library.add(read_upload(members, options=ReadOptions(scale)))
    assert load(facts.id, "train").images.max() == np.float32(1 / white)


def test_facts_are_read_without_the_images(monkeypatch):
    facts = library.add(read_zip(*classes()), "Mine")

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(library, "read_npz", never)
    (path,) = library.list_paths().values()
    assert library.read_info(path) == facts
    assert facts[1:6] == ("Mine", 12, (1, 8, 9), 2, ())


def test_the_id_comes_from_the_content_alone():
    first = library.add(read_zip(*flat()), "One")
    again = library.add(read_zip(*flat(), name="other.zip"), "Two")
    assert first.id == again.id and list(library.list_paths()) == [first.id]
    assert load(first.id, "train").name == "Two"
    ids = {read_zip(*flat()).id, read_zip(*classes()).id, read_zip(*flat(13)).id, first.id}
    renamed = [(name.replace("b/", "c/"), content) for name, content in classes()]
    assert len(ids | {read_zip(*renamed).id}) == 4


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("", "faces"),
        ("  \n ", "faces"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("a\x00b\x1b[31m\u202ec", "ab[31mc"),
        ("x" * 300, "x" * 80),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("CON", "CON"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ],
)
def test_titles_are_labels_and_never_paths(runs_dir, title, shown):
    facts = library.add(read_zip(*flat()), title)
    assert facts.title == load(facts.id, "test").name == shown
    assert [p.name for p in runs_dir.rglob("*")] == [".data", f"{facts.id}.npz"]


@pytest.mark.parametrize(
    "name", ["own-0123456789ab", "own-../../secret", "own-0123456789AB", "own-0123456789ab.npz"]
)
def test_what_was_never_added_is_refused(name):
    library.add(read_zip(*flat()))
    for split in ("train", "test"):
        with pytest.raises(DataError) as caught:
            load(name, split)
        assert_sentence(str(caught.value))
    assert not library.is_id(name) or not is_available(name)
    assert "must be" in refusal(library.remove, name)
    assert len(library.list_paths()) == 1


def test_the_number_and_the_room_of_sets_are_limited(monkeypatch):
    monkeypatch.setattr(library, "MAX_SETS", 2)
    facts = [library.add(read_zip(*flat(count))) for count in (10, 11)]
    with pytest.raises(DataError, match="at most 2 sets"):
        library.add(read_zip(*flat(12)))
    library.add(read_zip(*flat(11)), "another name")
    monkeypatch.setattr(library, "MAX_SETS", 3)
    monkeypatch.setattr(library, "MAX_STORED", sum(each.bytes for each in facts) + 100)
    with pytest.raises(DataError, match="remove a set") as caught:
        library.add(read_zip(*flat(12)))
    assert_sentence(str(caught.value))
    assert len(library.list_paths()) == 2
    library.add(read_zip(*flat(12)), is_bounded=False)
    assert len(library.list_paths()) == 3


def test_a_full_disk_leaves_nothing_behind(runs_dir, monkeypatch):
    facts = library.add(read_zip(*flat()), "One")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for found in (read_zip(*classes()), read_zip(*flat())):
        with pytest.raises(OSError, match="No space"):
            library.add(found, "Two")
    assert [p.name for p in runs_dir.rglob("*")] == [".data", f"{facts.id}.npz"]
    assert load(facts.id, "test").name == "One"


def test_removed_sets_can_be_restored_for_a_week():
    facts = [library.add(read_zip(*flat(count))) for count in (10, 11, 12)]
    before = load(facts[2].id, "train").fingerprint
    for each in facts:
        library.remove(each.id)
        assert not is_available(each.id)
    assert library.list_paths() == {}
    week = 7 * 24 * 3600
    os.utime(library.list_removed()[facts[0].id], (0, time.time() - week - 60))
    os.utime(library.list_removed()[facts[1].id], (0, time.time() - week + 60))
    library.add(read_zip(*flat(13)))
    library.remove(next(iter(library.list_paths())))
    assert list(library.list_removed())[1:] == [facts[2].id, facts[1].id]
    library.recover(facts[2].id)
    assert load(facts[2].id, "train").fingerprint == before
    for gone in (facts[0].id, facts[2].id, "../x"):
        with pytest.raises(DataError, match="for 7 days after it was removed"):
            library.recover(gone)
    library.add(read_zip(*flat(11)))
    assert facts[1].id not in library.list_removed()


def about_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("about.json"))


def rewritten(path, **changes):
    """The file with another about.json."""
    with zipfile.ZipFile(path) as file:
        members = [(name, file.read(name)) for name in file.namelist() if name != "about.json"]
    about = json.dumps(about_of(path) | changes)
    return archive(*members, ("about.json", about), compression=zipfile.ZIP_STORED)


def test_damaged_files_are_refused_with_one_sentence():
    facts = library.add(read_zip(*classes()), "Mine")
    (path,) = library.list_paths().values()
    good = path.read_bytes()
    cases = [b"", b"PK", good[:-40], good[:1000], b"x" * 9, archive(("images.npy", b"x"))]
    cases += [rewritten(path, scale=scale) for scale in (0, -1, "a", None)]
    cases += [rewritten(path, title=None, shape=[10], scale=None)]
    for content in cases:
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be whole") as caught:
            load(facts.id, "train")
        assert_sentence(str(caught.value))
    for content in [*cases[:6], rewritten_shape(good, path)]:
        path.write_bytes(content)
        with pytest.raises(DataError, match="must be whole"):
            library.read_info(path)
    library.remove(facts.id)
    assert library.list_paths() == {}


def rewritten_shape(good, path):
    path.write_bytes(good)
    return rewritten(path, shape=[12, 1, 9000, 8])


def test_strange_files_in_the_folder_do_not_count(runs_dir):
    facts = library.add(read_zip(*flat()))
    for name in ("notes.txt", "own-x.npz", ".own-0123456789ab.npz.tmp", "own-0123456789ab"):
        (library.library_dir() / name).write_bytes(b"")
    assert list(library.list_paths()) == [facts.id]


def test_large_sets_are_added_and_read_in_moments():
    images = np.random.default_rng(0).integers(0, 256, (20_000, 28, 28), dtype=np.uint8)
    facts = library.add(CustomImages(images[:, None], 255.0, None, (), "many"))
    assert facts.bytes < images.nbytes + 10_000 < MAX_BYTES
    assert np.array_equal(library.read_custom(facts.id).images[:, 0], images)
