"""Labels of runs: what an owner says of one is kept beside it, and nothing else is touched."""

import json
import os
import threading

import pytest

from models.runs.folder import Run, list_runs
from models.runs.label import MAX_LABEL_BYTES, MAX_NOTE, Label
from tests.helpers.configs import tiny


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path, tiny(), "as it was made")


def test_without_a_label_a_run_has_its_first_title(run):
    assert run.label == Label() and run.title == "as it was made"
    assert not run.label_path.exists()


def test_each_field_is_changed_alone_and_the_settings_stay_as_they_are(run):
    before = (run.folder / "config.json").read_bytes()
    run.relabel(title="the best")
    run.relabel(pinned=True)
    run.relabel(note="collapsed at first\nthen not")
    assert run.label == Label("the best", "collapsed at first\nthen not", True)
    assert run.title == "the best" and run.first_title == "as it was made"
    assert (run.folder / "config.json").read_bytes() == before
    assert [each.title for each in list_runs(run.folder.parent)] == ["the best"]
    run.relabel(title="", pinned=False)
    assert run.label == Label("", "collapsed at first\nthen not", False)
    assert run.title == "as it was made"


def test_nothing_is_left_beside_the_label(run):
    run.relabel(title="one")
    run.relabel(title="two")
    assert sorted(os.listdir(run.folder)) == ["config.json", "label.json"]


TEXTS = {
    "my\u202e faces\0": "my faces",
    " \t\n\u200b ": "",
    "a\r\nb": "a b",
    "x" * 300: "x" * 80,
    "<img src=x onerror=alert(1)> [a](http://b)": "<img src=x onerror=alert(1)> [a](http://b)",
    "\ud800half": "half",
}


@pytest.mark.parametrize(("given", "kept"), TEXTS.items(), ids=list(map(str, range(len(TEXTS)))))
def test_titles_are_one_line_that_can_be_shown(run, given, kept):
    run.relabel(title=given)
    assert run.label.title == kept
    assert run.title == (kept or "as it was made")


def test_a_note_keeps_its_lines_and_no_more_than_its_letters(run):
    run.relabel(note="one\u202e\r\n\n two \t words\x07\n" + "word " * 400)
    lines = run.label.note.split("\n")
    assert lines[:2] == ["one", "two words"] and set(lines[2].split()) <= {"word", "wor", "wo", "w"}
    assert MAX_NOTE - 5 <= len(run.label.note) <= MAX_NOTE


def test_the_longest_label_is_read_back(run):
    longest = Label("\N{GRINNING FACE}" * 80, "\N{GRINNING FACE}" * MAX_NOTE, True)
    run.relabel(**longest._asdict())
    assert run.label_path.stat().st_size < MAX_LABEL_BYTES
    assert run.label == longest


GOOD = {"title": "t", "note": "n", "pinned": True}
DAMAGED = [
    b"", b"{", b"7", b"[]", b"null", b"\xff\xfe", b"[" * 10_000,
    b" " * (MAX_LABEL_BYTES + 9) + b"{}",
    *(json.dumps(GOOD | change).encode() for change in (
        {"title": 7}, {"note": None}, {"note": ["a"]}, {"pinned": "yes"}, {"title": {"a": 1}},
    )),
    json.dumps({"title": "t"}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED, ids=list(map(str, range(len(DAMAGED)))))
def test_a_damaged_label_is_none_and_can_be_written_anew(run, content):
    run.label_path.write_bytes(content)
    assert run.label == Label() and run.title == "as it was made"
    run.relabel(pinned=True)
    assert run.label == Label(pinned=True)


def test_what_is_unknown_in_a_label_is_passed_over(run):
    run.label_path.write_text(json.dumps(GOOD | {"colour": "red"}))
    assert run.label == Label("t", "n", True)


def test_a_label_that_cannot_be_written_leaves_the_old_one(run, monkeypatch):
    run.relabel(title="old")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError):
        run.relabel(title="new")
    assert run.title == "old"
    assert sorted(os.listdir(run.folder)) == ["config.json", "label.json"]


def test_readers_see_whole_labels_beside_a_writer(run):
    run.relabel(title="a" * 80, note="a" * MAX_NOTE)
    done = threading.Event()

    def read():
        while not done.is_set():
            seen.add(run.label)

    seen = set()
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for i in range(40):
        letter = "ab"[i % 2]
        run.relabel(title=letter * 80, note=letter * MAX_NOTE)
    done.set()
    for reader in readers:
        reader.join()
    assert seen and seen <= {Label(letter * 80, letter * MAX_NOTE) for letter in "ab"}
