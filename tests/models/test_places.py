"""Folders are where the environment says, and what is in their way is named."""

import os
from pathlib import Path

import pytest

from models.data.library import library_dir
from models.places import (
    default_data_dir,
    default_runs_dir,
    disk_reason,
    make_folder,
    naming,
    user_path,
)


@pytest.mark.parametrize(
    ("variable", "folder", "usual"),
    [
        ("LATENT_RUNS_DIR", default_runs_dir, "runs"),
        ("LATENT_DATA_DIR", default_data_dir, "data"),
        ("LATENT_RUNS_DIR", lambda: library_dir().parent, "runs"),
    ],
    ids=["runs", "data", "library"],
)
def test_an_empty_variable_names_nothing_and_a_tilde_is_the_home(
    variable, folder, usual, monkeypatch
):
    for given, expected in {
        "": Path(usual),
        "  ": Path(usual),
        "elsewhere": Path("elsewhere"),
        "~/elsewhere": Path.home() / "elsewhere",
        "~": Path.home(),
    }.items():
        monkeypatch.setenv(variable, given)
        assert folder() == expected
    monkeypatch.delenv(variable)
    assert folder() == Path(usual)


def test_the_home_of_somebody_unknown_is_a_name():
    assert user_path("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")


def test_what_is_in_the_way_of_a_folder_is_named(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a" / "b", exist_ok=False)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    (tmp_path / "file").touch()
    for folder, place, reason in [
        ("link", "link", "A link to a folder that does not exist"),
        ("link/runs/new", "link", "A link to a folder that does not exist"),
        ("file", "file", "A file, not a folder"),
        ("file/new", "file", "A file, not a folder"),
    ]:
        with pytest.raises(OSError, match=reason) as caught:
            make_folder(tmp_path / folder)
        assert caught.value.filename == str(tmp_path / place)
    assert not (tmp_path / "gone").exists()


def test_a_refusal_keeps_its_kind_and_gets_its_file():
    with pytest.raises(PermissionError) as caught, naming("kept/metrics.jsonl"):
        raise PermissionError(13, "Permission denied", "kept/.metrics.jsonl.x1")
    assert caught.value.filename == "kept/metrics.jsonl"
    assert disk_reason(caught.value) == "permission denied (metrics.jsonl)"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_the_history_is_named_by_a_full_disk(tmp_path):
    from models.runs.history import History

    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        History(tmp_path).append({"epoch": 0, "step": 1})
    assert caught.value.filename == str(tmp_path / "metrics.jsonl")
