"""Folders that travel: only what was asked for, whole, and never outside."""

import os

import pytest

from models.engines.transfer import Changes, is_allowed, list_files, read_folder, write_folder

PATTERNS = ("frames/*.npy", "rows.jsonl", "state.bin")


@pytest.mark.parametrize(
    "name",
    ["../state.bin", "/state.bin", "frames/../state.bin", "frames/a/b.npy", "frames//a.npy",
     "frames\\a.npy", "frames/..\\x.npy", "C:state.bin", "frames/C:a.npy", "config.json", "",
     "frames/", "STATE.BIN"],
)  # fmt: skip
def test_no_name_from_elsewhere_leads_outside(name, tmp_path):
    assert not is_allowed(name, PATTERNS)
    with pytest.raises(ValueError, match="files of a run"):
        write_folder(tmp_path, {"rows.jsonl": b"1", name: b"x"}, [], PATTERNS)
    with pytest.raises(ValueError, match="files of a run"):
        write_folder(tmp_path, {}, [name], PATTERNS)
    assert os.listdir(tmp_path) == []


def test_a_folder_comes_back_as_it_was(tmp_path):
    files = {"frames/1.npy": b"a", "frames/2.npy": b"b", "rows.jsonl": b"c", "state.bin": b"d"}
    write_folder(tmp_path / "one", files, [], PATTERNS)
    (tmp_path / "one" / ".state.bin.x7").write_bytes(b"half")
    (tmp_path / "one" / "run.lock").touch()
    assert read_folder(tmp_path / "one", PATTERNS) == files
    assert list(list_files(tmp_path / "one", PATTERNS)) == [*files]
    assert list(read_folder(tmp_path / "one", PATTERNS)) == [*files][::-1]


def test_files_are_written_in_the_order_of_the_patterns(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "models.engines.transfer.write_bytes", lambda path, data: written.append(path.name)
    )
    write_folder(tmp_path, {"state.bin": b"", "frames/1.npy": b"", "rows.jsonl": b""}, [], PATTERNS)
    assert written == ["1.npy", "rows.jsonl", "state.bin"]


def test_changes_are_told_once(tmp_path):
    write_folder(tmp_path, {"state.bin": b"1", "frames/1.npy": b"a"}, [], PATTERNS)
    changes = Changes(tmp_path, PATTERNS)
    assert changes.take() == ({}, [])
    write_folder(tmp_path, {"state.bin": b"2"}, ["frames/1.npy"], PATTERNS)
    assert changes.take() == ({"state.bin": b"2"}, ["frames/1.npy"])
    assert changes.take() == ({}, [])
