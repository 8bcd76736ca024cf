"""Folders of images, and of one folder per class."""

import os
import stat
import zipfile

import numpy as np

from models.data import folder_walk, image_sizes
from models.data.load import load
from tests.helpers.images import archive, both, fill, find, flat, picture, png, read_zip, refusal


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
    assert load(tmp_path, "train").notes[-1].endswith("left out: 'labels.csv', 'notes.txt'")


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
    monkeypatch.setattr(folder_walk, "MAX_FILES", 9)
    assert "at most 9" in refusal(load, tmp_path, "train")
    monkeypatch.setattr(folder_walk, "MAX_FILES", 10)
    monkeypatch.setattr(image_sizes, "MAX_BYTES", 719)
    assert "once decoded" in refusal(load, tmp_path, "train")


def test_what_is_no_image_is_left_out_and_it_is_said():
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    others = [
        (link, b"/etc/passwd"), ("inner.zip", archive(*flat())), ("notes.txt", b"hello"),
        ("../up.png", png(1)), ("/root.png", png(2)), ("..\\..\\win.png", png(3)),
        ("a/./b.png", png(4)), (".hidden.png", b"no image"), ("__MACOSX/._00.png", b"no image"),
        (".DS_Store", b""), ("Thumbs.db", b""), ("._00.png", b"no image"),
    ]  # fmt: skip
    found = read_zip(*flat(), *others)
    assert len(found) == 12 and found.labels is None
    assert found.notes == (
        "links out of the folder, left out (copy the files to use them): 'link.png'",
        "files that are no PNG, JPEG, GIF, WEBP, BMP, PGM or PPM images, left out: "
        "'inner.zip', 'notes.txt'",
        "entries whose names lead out of the folder, left out: "
        "'../up.png', '/root.png', '..\\\\..\\\\win.png' and 1 more",
        "hidden files, left out: '.hidden.png'",
    )
