"""Labels from a table beside the images."""

import pytest

from models.data.ingest import read_path, read_upload
from tests.helpers.images import classes, flat, read_zip, write_files

KINDS = ["cat", "dog", "owl"] * 4


def table(*rows, header="file,label"):
    return "\n".join(([header] if header else []) + list(rows)).encode()


def named(pattern="{:02}.png,{}", **options):
    return table(*(pattern.format(place, kind) for place, kind in enumerate(KINDS)), **options)


TABLES = {
    "file and label": named(),
    "stems": named("{:02},{}", header="id,breed"),
    "semicolons": named("{:02}.png;{}", header="image;class"),
    "tabs": named("{:02}.png\t{}", header="image\tclass"),
    "no header": named(header=None),
    "label first": named("{1},{0:02}.png", header="label,path"),
    "more columns": named("{0:02}.png,7,{1},9", header="file,width,label,height"),
    "quoted": named('"{:02}.png", "{}"', header='"file", "label"'),
    "byte order mark": b"\xef\xbb\xbf" + named(),
    "Windows": named().replace(b"\n", b"\r\n"),
    "with folder": named("images/{:02}.png,{}"),
}


OBJECTS = "\n".join(
    f'{{"file_name": "{place:02}.png", "label": "{kind}"}}' for place, kind in enumerate(KINDS)
).encode()


@pytest.mark.parametrize("inside", ["", "train/"])
def test_a_table_of_objects_is_read_alike(inside):
    files = [(f"{inside}{name}", content) for name, content in flat()]
    found = read_zip(*files, (f"{inside}metadata.jsonl", OBJECTS))
    assert [found.class_names[label] for label in found.labels] == KINDS
    assert found.notes == ("12 labels are from metadata.jsonl, column label",)


@pytest.mark.parametrize(
    "content", [b"{", b"[1]\n[2]", b"\xff", b"", b'{"file_name": "00.png"}', b"[" * 10**5]
)
def test_what_is_no_table_of_objects_is_named(content):
    found = read_zip(*flat(), ("metadata.jsonl", content))
    assert found.labels is None and "'metadata.jsonl'" in found.notes[0]


def test_captions_are_no_classes():
    """One text for each image, in the only other column."""
    captions = table(*(f"{n:02}.png,a photo {n}" for n in range(12)), header="file_name,text")
    found = read_zip(*flat(), ("metadata.csv", captions))
    assert found.labels is None
    assert found.notes == (
        "'metadata.csv' was left out: column text has 12 different texts for 12 images, which are "
        "no classes",
    )


@pytest.mark.parametrize("case", TABLES)
def test_a_table_gives_images_their_classes(tmp_path, case):
    inside = "images/" if case == "with folder" else ""
    files = [(inside + name, content) for name, content in flat()]
    files.append(("labels.csv", TABLES[case]))
    zipped, uploaded = read_zip(*files), read_upload([(f"set/{n}", c) for n, c in files])
    for found in (zipped, uploaded, read_path(write_files(tmp_path / "set", files))):
        assert found.class_names == ("cat", "dog", "owl")
        assert [found.class_names[label] for label in found.labels] == KINDS
        (note,) = found.notes
        assert note.startswith("12 labels are from labels.csv, column ")


def test_labels_for_training_leave_the_test_images_without_one():
    files = flat(folder="train/") + flat(5, folder="test/")
    found = read_zip(*files, ("labels.csv", named("{:02},{}", header="id,breed")))
    assert found.train_count == 12 and found.class_names == ("cat", "dog", "owl", "no label")
    assert set(found.split("test").labels.tolist()) == {3}
    each = read_zip(
        *files, ("train.csv", named()), ("test.csv", table(*(f"{i:02}.png,owl" for i in range(5))))
    )
    assert set(each.split("test").labels.tolist()) == {2}
    assert sum(note.startswith("12 labels are from train.csv") for note in each.notes) == 1


def test_what_does_not_fit_is_named():
    more = read_zip(*flat(14), ("labels.csv", named() + b"\n99.png,cat\nno.png,dog"))
    assert "no label" in more.class_names
    assert "rows of 'labels.csv' that name no image, left out: 2" in more.notes
    columns = named("{:02}.png,{},7", header="file,a,b")
    unclear = read_zip(*flat(), ("labels.csv", columns))
    assert unclear.labels is None
    (note,) = unclear.notes
    assert (
        note == "'labels.csv' was left out, as none of its columns is called label, got file, a, b"
    )


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2", b"hello", b"\xff\xfe\0,\0", b",\n" * 50, b'"', b"x" * 200_000]
)
def test_other_files_are_left_out_by_name(content):
    found = read_zip(*flat(), ("notes.csv", content))
    assert found.labels is None and found.notes[-1].endswith("left out: 'notes.csv'")


def test_folders_count_before_a_table():
    found = read_zip(*classes(), ("labels.csv", named()))
    assert found.class_names == ("a", "b") and found.notes[-1].endswith("left out: 'labels.csv'")
