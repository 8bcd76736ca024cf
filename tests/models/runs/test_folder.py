"""Run folders: generated names, titles that are labels, and settings that are checked."""

import os
import re
from pathlib import Path

import pytest

from models.runs.folder import Run, default_runs_dir, find_run, list_runs
from models.text import clean_name
from tests.helpers.configs import tiny
from tests.helpers.processes import finish, python

CONFIG = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


def test_runs_are_created_listed_newest_first_and_found(tmp_path, monkeypatch):
    assert list_runs(tmp_path / "none") == []
    stamps = iter(("20260101-000000", "20260102-000000", "20260103-000000"))
    monkeypatch.setattr("models.runs.folder.time.strftime", lambda _format: next(stamps))
    made = [Run.create(tmp_path, CONFIG, title) for title in ("one", "two", "")]
    assert [run.title for run in list_runs(tmp_path)] == [made[2].id, "two", "one"]
    for run in made:
        assert find_run(tmp_path, run.id) == run
        assert run.config() == CONFIG and run.history.rows() == []
    (tmp_path / "stray").mkdir()
    assert len(list_runs(tmp_path)) == 3


def test_folder_of_runs_follows_the_environment(monkeypatch):
    monkeypatch.delenv("LATENT_RUNS_DIR", raising=False)
    assert default_runs_dir() == Path("runs")
    monkeypatch.setenv("LATENT_RUNS_DIR", "elsewhere")
    assert default_runs_dir() == Path("elsewhere")


BAD_NAMES = {
    "traversal": "../../etc/passwd",
    "encoded": "%2e%2e%2fetc",
    "backslashes": "..\\..\\windows",
    "absolute": "/etc/passwd",
    "home": "~/x",
    "dots": "..",
    "a dot": ".",
    "nothing": "",
    "wide dots": "．．/etc",
    "NUL": "a\0b",
    "controls": "a\x1b[2Jb\r\nc",
    "bidi": "a\u202eb\u2066c",
    "half a character": "a\ud800b",
    "300 characters": "x" * 300,
    "reserved": "CON",
    "a pattern": "*",
    "markup": "<img src=x onerror=alert(1)>",
    "a formula": "=cmd|' /C calc'!A0",
}


@pytest.mark.parametrize("case", BAD_NAMES)
def test_title_is_a_label_and_never_a_path(case, tmp_path):
    title = BAD_NAMES[case]
    run = Run.create(tmp_path / "runs", CONFIG, title)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", run.id)
    assert os.listdir(tmp_path) == ["runs"] and os.listdir(tmp_path / "runs") == [run.id]
    assert run.title.isprintable() and 0 < len(run.title) <= 80
    assert run.title == clean_name(title, run.id)
    run.title.encode()


@pytest.mark.parametrize("case", BAD_NAMES)
def test_id_is_compared_and_never_joined(case, tmp_path):
    Run.create(tmp_path, CONFIG)
    with pytest.raises(ValueError, match="must be one of the runs folder") as caught:
        find_run(tmp_path, BAD_NAMES[case])
    sentence = str(caught.value)
    assert sentence.isprintable() and len(sentence) < 150


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("  two   words ", "two words"),
        ("a\tb\nc", "a b c"),
        ("a\0\x1b\u202e\u2066\ud800b", "ab"),
        ("x" * 300, "x" * 80),
        ("<b>β = 4</b>", "<b>β = 4</b>"),  # kept as text: the screen escapes it
        ("=1+1", "=1+1"),
        ("\u202e", ""),
    ],
)
def test_label_keeps_what_can_be_shown(text, label):
    assert clean_name(text, "") == label
    assert clean_name(label, "") == label


def test_equal_titles_and_equal_seconds_are_no_collision(tmp_path):
    made = {Run.create(tmp_path, CONFIG, "same").id for _ in range(20)}
    assert len(made) == 20 == len(list_runs(tmp_path))


SILENT = """
import sys
from models.runs.folder import list_runs
list_runs("runs")
print([name for name in ("torch", "sklearn", "pandas", "PIL") if name in sys.modules])
"""


def test_listing_runs_needs_no_heavy_library():
    assert finish(python("-c", SILENT)).strip() == "[]"
