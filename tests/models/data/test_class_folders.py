"""Folders of images, and of one folder per class."""

import os
import stat
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import folder_walk, image_sizes
from models.data.class_folders import find_images
from models.data.image_set import DataError
from models.data.ingest import read_path, read_upload
from models.data.load import load
from tests.helpers.images import (
    archive,
    both,
    classes,
    fill,
    find,
    flat,
    picture,
    png,
    read_zip,
    refusal,
    write_files,
)
from tests.helpers.sentences import assert_sentence


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


def everywhere(tmp_path, members):
    """The set as a zip, as an uploaded folder, and as a folder on this machine."""
    yield read_zip(*members)
    yield read_upload([(f"set/{name}", content) for name, content in members])
    yield read_path(write_files(tmp_path / "set", members))


TREES = {
    "ImageFolder": ("train/{}/", "test/{}/"),
    "Kaggle": ("training_set/{}/", "test_set/{}/"),
    "capitals": ("Train/{}/", "Test/{}/"),
    "twice": ("seg_train/seg_train/{}/", "seg_test/seg_test/{}/"),
    "inside a folder": ("data/set/train/{}/", "data/set/test/{}/"),
    "inside every class": ("{}/train/", "{}/test/"),
    "val alone": ("train/{}/", "val/{}/"),
    "flat": ("train/", "test/"),
    "flat, deeper": ("train/images/", "test/images/"),
    "Tiny ImageNet": ("train/{}/images/", "val/{}/images/"),
}


@pytest.mark.parametrize("case", TREES)
def test_train_and_test_are_parts_and_no_classes(tmp_path, case):
    train, test = TREES[case]
    kinds = ("cat", "dog") if "{}" in train else ("",)
    members = [
        (f"{folder.format(kind)}{first}{place:02}.png", png(1000 * first + 100 * number + place))
        for folder, count, first in ((train, 6, 1), (test, 5, 2))
        for number, kind in enumerate(kinds)
        for place in range(count)
    ]
    expected = {np.asarray(picture(seed)).tobytes() for seed in range(2000, 2200)}
    for found in everywhere(tmp_path, members):
        assert found.class_names == (kinds if "{}" in train else ())
        assert found.train_count == 6 * len(kinds) and len(found) == len(members)
        held = {
            np.rint(image * 255).astype(np.uint8).tobytes() for image in found.split("test").images
        }
        assert held <= expected and len(held) == 5 * len(kinds)


def test_a_folder_called_images_in_every_class_does_not_count(tmp_path):
    members = [(f"{kind}/Images/{n}", content) for kind in "ab" for n, content in flat(6)]
    for found in everywhere(tmp_path, members):
        assert found.class_names == ("a", "b") and len(found) == 12 and found.notes == ()


def test_validation_images_join_the_training_images(tmp_path):
    members = flat(folder="train/") + flat(11, folder="valid/") + flat(10, folder="test/")
    for found in everywhere(tmp_path, members):
        assert (len(found), found.train_count) == (33, 23)
        assert found.notes == ("the validation images are trained on, too",)


def test_folders_beside_the_parts_are_named(tmp_path):
    members = classes("train/") + classes("test/") + flat(2, folder="single_prediction/")
    for found in everywhere(tmp_path, members):
        assert len(found) == 24 and found.class_names == ("a", "b")
        assert "single_prediction/00.png" in found.notes[0]


def test_test_images_without_classes_are_a_class_of_their_own(tmp_path):
    for found in everywhere(tmp_path, classes("train/") + flat(folder="test/")):
        assert found.class_names == ("a", "b", "no label")
        assert set(found.split("test").labels.tolist()) == {2}


@pytest.mark.parametrize("names", [("plane", "train"), ("control", "test"), ("validation", "x")])
def test_a_class_may_be_called_like_a_part(tmp_path, names):
    members = [member for name in names for member in flat(6, folder=f"{name}/")]
    for found in everywhere(tmp_path, members):
        assert found.class_names == names and found.is_test is None


def test_a_stray_image_beside_class_folders_is_named(tmp_path):
    members = [*classes("set/"), ("set/montage.png", png(9))]
    for call in (
        lambda: read_zip(*members),
        lambda: read_upload(members),
        lambda: read_path(write_files(tmp_path, members)),
    ):
        assert "'montage.png' lies beside the folders 'a', 'b'" in refusal(call)


def test_why_there_are_too_few_images_is_said(tmp_path):
    outside = fill(tmp_path / "outside")
    (tmp_path / "links").mkdir()
    for path in outside.iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    write_files(tmp_path / "links", flat(3, folder="more "))
    sentence = refusal(read_path, tmp_path / "links")
    assert "at least 10 images, got 3 (links out of the folder" in sentence
    deep = [(f"{kind}/x/y/{place}.png", png(place)) for kind in "ab" for place in range(9)]
    assert "deeper than a class folder" in refusal(read_zip, *deep)


def test_links_out_of_the_folder_are_named(tmp_path):
    folder, outside = fill(tmp_path / "faces", 18), fill(tmp_path / "outside", 12)
    for path in outside.iterdir():
        (folder / f"link {path.name}").symlink_to(path)
    found = read_path(folder)
    assert len(found) == 18 and "'link 00.png', 'link 01.png'" in found.notes[0]
    assert found.notes[0].endswith("and 9 more") and "links out of the folder" in found.notes[0]


def test_a_folder_that_holds_itself_ends(tmp_path):
    folder = fill(tmp_path / "faces" / "a").parent
    (folder / "a" / "again").symlink_to(folder)
    (folder / "a" / "here").symlink_to(folder / "a")
    assert len(read_path(folder)) == 10


def test_what_lies_too_deep_is_named(tmp_path):
    members = [*classes(), ("b/more/x/1.png", png(1))]
    for found in everywhere(tmp_path, members):
        (note,) = found.notes
        assert note.startswith("images that lie deeper than a class folder, left out: ")
        assert note.endswith("b/more/x/1.png'")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "train/", "test/", "val/", "cat/", "seg_train/", ".hid/", "../"]),
            st.sampled_from(["", "cat/", "dog/", "test/", "images/"]),
            st.sampled_from(["", "deep/", "train/"]),
            st.sampled_from(["png", "JPG", "bmp", "txt", "tif", "csv"]),
        ),
        min_size=10,
        max_size=40,
    )
)
def test_every_file_is_used_or_named(parts):
    names = [f"{a}{b}{c}{place}.{end}" for place, (a, b, c, end) in enumerate(parts)]
    try:
        found = find_images(names)
    except DataError as error:
        assert_sentence(str(error))
        return
    used = [image.index for image in found.images]
    named = [name for each in found.left_out.values() for name in each]
    assert sorted([*(names[index] for index in used), *named]) == sorted(names)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("tif", "'00.tif', '01.tif', '02.tif' and 9 more: save it as PNG"),
        ("heic", "save it as PNG"),
        ("h5", "save its arrays with np.savez"),
        ("xyz", "got none among '00.xyz'"),
    ],
)
def test_a_folder_of_other_files_is_refused_with_their_names(ending, words):
    members = [(f"{place:02}.{ending}", b"II*\0") for place in range(12)]
    assert words in refusal(read_zip, *members)


@pytest.mark.parametrize("name", ["a.tif", "b.h5", "c.mat", "d.tsv", "e.tar.gz", "f.pt", "g"])
def test_another_kind_of_file_is_refused_in_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello")
    for call in (read_upload, lambda files: read_path(tmp_path / name)):
        assert f"{name!r} must be an .npz, a .npy" in refusal(call, [(name, b"hello")])


def test_deep_folders_cost_no_more_than_flat_ones():
    """As many levels as a name can have, and names longer than any; in a second of processor."""
    deep, longer = "a/" * 500, "a/" * 5000
    names = [f"{deep}{kind}/{i}.png" for kind in "xy" for i in range(450)]
    names += [f"{longer}{i}.png" for i in range(1000)]
    start = time.process_time()
    found = find_images(names)
    assert time.process_time() - start < 1
    assert {image.label for image in found.images} == {"x", "y"} and len(found.images) == 900
    assert any("too long" in note and "997 more" in note for note in found.notes)
