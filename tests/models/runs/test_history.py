"""The history of a run: what was written is read back, and of anything else nothing comes."""

import itertools
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runs.history import (
    FILE_NAME,
    MAX_LINE_BYTES,
    MAX_LIST_LENGTH,
    History,
    LatestRow,
    parse_row,
)

GOOD = {"epoch": 0, "step": 40, "test_rate": 2.5, "test_kl_per_dimension": [2.0, 0.5]}


def row(epoch):
    return GOOD | {"epoch": epoch, "step": 40 * (epoch + 1)}


def line(document):
    return json.dumps(document).encode() + b"\n"


@pytest.fixture
def history(tmp_path):
    return History(tmp_path)


def test_rows_are_read_as_they_were_written(history):
    rows = [row(epoch) for epoch in range(3)]
    assert history.rows() == []
    for each in rows:
        history.append(each)
    assert history.rows() == rows
    assert history.path.read_bytes() == b"".join(map(line, rows))


def test_a_line_cut_short_is_skipped(history):
    rows = [row(epoch) for epoch in range(3)]
    text = b"".join(map(line, rows))
    for length in range(len(text) + 1):
        history.path.write_bytes(text[:length])
        found = history.rows()
        assert found == rows[: len(found)] and len(found) >= text[:length].count(b"\n")


DAMAGED = {
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "a list": b"[]",
    "no epoch": b'{"step": 40}',
    "no step": b'{"epoch": 0}',
    "a text for an epoch": line(GOOD | {"epoch": "two"}),
    "null for an epoch": line(GOOD | {"epoch": None}),
    "true for an epoch": line(GOOD | {"epoch": True}),
    "a fraction for a step": line(GOOD | {"step": 40.5}),
    "a negative step": line(GOOD | {"step": -1}),
    "a step of 31 digits": line(GOOD | {"step": 10**30}),
    "a step of 5000 digits": b'{"epoch": 0, "step": ' + b"9" * 5000 + b"}",
    "a score that is not a number": line(GOOD | {"test_rate": float("nan")}),
    "an infinite score": line(GOOD | {"test_rate": float("inf")}),
    "a score beyond float64": b'{"epoch": 0, "step": 40, "test_rate": 1e999}',
    "a text for a score": line(GOOD | {"test_rate": "low"}),
    "an object for a list": line(GOOD | {"test_kl_per_dimension": {}}),
    "a list of lists": line(GOOD | {"test_kl_per_dimension": [[1.0]]}),
    "a list with null": line(GOOD | {"test_kl_per_dimension": [None]}),
    "a long list": line(GOOD | {"test_kl_per_dimension": [0] * (MAX_LIST_LENGTH + 1)}),
    "a deep nest": b"[" * 50_000,
    "a deep nest in a row": b'{"epoch": 0, "step": 40, "x": ' + b"[" * 50_000,
    "a long line": line(GOOD | {"x" * MAX_LINE_BYTES: 1}),
    "zeros": b"\0" * 100,
    "not UTF-8": b"\xff\xfe" + line(GOOD),
    "half a character": b'{"epoch": 0, "step": 40, "\xc3": 1}',
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_line_is_skipped_and_its_neighbours_are_read(case, history):
    content = DAMAGED[case].removesuffix(b"\n") + b"\n"
    assert parse_row(content) is None
    history.path.write_bytes(line(row(0)) + content + line(row(1)))
    assert history.rows() == [row(0), row(1)]
    latest = LatestRow(history.folder)
    assert latest.read() == row(1)
    with open(history.path, "ab") as file:
        file.write(content)
    assert latest.read() == row(1)
    history.drop_after(40)
    assert history.path.read_bytes() == line(row(0))


def is_row(value):
    numbers = [n for part in value.values() for n in (part if isinstance(part, list) else [part])]
    counts = value["epoch"], value["step"]
    return all(abs(n) < 1e300 for n in numbers) and all(type(n) is int and n >= 0 for n in counts)


FRAGMENTS = st.sampled_from([
    line(GOOD), b"\n", b"\r", b"{", b"}", b"[", b'"epoch": 1', b'"step": 2', b",", b"null", b"\xff",
    b"-", b"1e999", b"NaN",
])  # fmt: skip


@given(st.binary(max_size=500) | st.lists(FRAGMENTS, max_size=30).map(b"".join))
def test_any_bytes_give_rows_or_nothing(content):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE_NAME).write_bytes(content)
        history, latest = History(Path(folder)), LatestRow(Path(folder)).read()
        rows = history.rows()
        assert all(map(is_row, rows)) and (latest is None or latest in rows)
        assert len(history.rows(at_most=2)) <= 2
        history.drop_after(40)
        assert history.rows() == [each for each in rows if each["step"] <= 40]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["epoch", "step", "test_rate", "other"]), JSON))
def test_any_json_is_a_row_or_nothing(document):
    found = parse_row(json.dumps(document).encode())
    assert found is None or (found == document and is_row(found))


def test_a_file_that_cannot_be_read_has_no_rows(history):
    history.path.mkdir()
    assert history.rows() == [] and LatestRow(history.folder).read() is None


def test_dropping_removes_what_will_be_made_again(history):
    for epoch in range(3):
        history.append(row(epoch))
    with open(history.path, "a") as file:
        file.write('{"epoch": 3, "st')
    history.drop_after(80)
    history.append(row(2))
    assert history.rows() == [row(0), row(1), row(2)]
    assert os.listdir(history.folder) == [FILE_NAME]


def test_nothing_is_made_where_there_is_nothing_to_drop(history):
    history.drop_after(0)
    assert os.listdir(history.folder) == []


@pytest.mark.parametrize(("lines", "at_most"), [(1, 2), (5, 5), (7, 3), (1000, 200)])
def test_of_many_rows_some_are_read_with_both_ends(lines, at_most, history):
    history.path.write_bytes(b"".join(line(row(epoch)) for epoch in range(lines)))
    epochs = [each["epoch"] for each in history.rows(at_most)]
    assert (epochs[0], epochs[-1], len(epochs)) == (0, lines - 1, min(lines, at_most))
    gaps = {after - before for before, after in itertools.pairwise(epochs)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_only_what_is_new_is_read_and_a_replaced_file_is_read_again(history):
    path = history.path
    latest, lines = LatestRow(history.folder), [line(row(epoch)) for epoch in range(3)]
    assert latest.read() is None
    for epoch, text in enumerate(lines):
        for start, end in ((0, 5), (5, 9), (9, len(text))):  # written in three parts
            assert latest.read() == (row(epoch - 1) if epoch else None)
            with open(path, "ab") as file:
                file.write(text[start:end])
        assert latest.read() == row(epoch)
    with open(path, "r+b") as file:
        file.write(b"#" * len(lines[0]))  # what has been read is not read again
    assert latest.read() == row(2)
    replacement = history.folder / "other"
    replacement.write_bytes(lines[0])
    os.replace(replacement, path)  # as a resume does that goes back
    assert latest.read() == row(0)
    path.unlink()
    assert latest.read() is None


def test_of_a_long_file_only_the_end_is_read(history):
    history.path.write_bytes(line(row(0)) * 30_000 + line(row(1)))
    assert LatestRow(history.folder).read() == row(1)
