"""The list of runs on the command line."""

import pytest

from models.presets import preset
from models.runs.folder import Run
from tests.helpers.checkpoints import break_run, make_run
from tests.helpers.command_line import call


def listed(folder, *words):
    return call("list", "--runs-dir", folder, *words).splitlines()


@pytest.fixture
def folder(tmp_path):
    make_run(tmp_path, title="scored")
    Run.create(tmp_path, preset("digits-multirate"), "not begun")
    Run.create(tmp_path, preset("digits-2d"), "damaged").config_path.write_text("[" * 100_000)
    break_run(tmp_path)
    return tmp_path


def rows(lines):
    """The lines of the four runs by their titles."""
    return {line.split("  ")[1].strip(): line for line in lines[1:5]}


def test_every_run_is_one_line_and_what_is_damaged_a_sentence(folder):
    lines = listed(folder)
    assert lines[0].split()[:3] == ["id", "title", "data"] and len(lines) == 1 + 4 + 2
    cells = {title: line.split() for title, line in rows(lines).items()}
    where = lines[0].split().index("β")
    assert cells["scored"][where] == "1"
    assert cells["not begun"][where + 1] == "–", "its title is two words; it has every β"
    assert rows(lines)["scored"].count(".") == 3 and "imported" in cells["scored"]
    assert {"multirate", "waiting"} <= {*cells["not begun"]}
    assert sum("unreadable" in line for line in lines) == 1
    assert any("must hold a valid config.json" in line for line in lines[5:])
    assert any("cut short" in line for line in lines[5:])


def test_runs_are_found_by_words_and_counted(folder):
    assert len(listed(folder, "--find", "BEGUN not")) == 2
    assert listed(folder, "--find", "nothing") == [f"There are no such runs in {folder}."]
    assert listed(folder, "--count", "1")[-1].startswith("3 more: ")
    (folder / "link").symlink_to("nowhere")
    assert "link to a folder that does not exist" in call(
        "list", "--runs-dir", folder / "link", status=1
    )
    assert listed(folder / "empty") == [f"There are no runs in {folder / 'empty'}."]
