"""One damaged file of a run, job or sweep folder never costs more than its own entry."""

import json
import os
import shutil

import pytest

from models.atomic import write_bytes
from models.runs.folder import Run
from tests.helpers.app_test import open_view, said
from tests.helpers.checkpoints import make_run
from tests.helpers.command_line import call
from tests.helpers.damaged_folders import RECORD

DEEP = b"[" * 100_000
NUMBERS = {"step": 10**30, "epoch": 0}
SPOILED = {
    "nothing": b"",
    "deep": DEEP,
    "null": b"null",
    "list": b"[]",
    "number": b"1" * 5000,
    "binary": b"\xff\xfe\x00",
    "half a character": b'{"title": "\\ud800", "config": null}',
    "object of lists": b'{"title": [1], "config": [], "sweep": {}, "owner": 7}',
    "endless": b'{"title": 1e999, "config": NaN}',
}
"""Contents that no program of ours writes; each is put in the place of every file."""
FILES = ["config.json", "label.json", "changes.jsonl", "metrics.jsonl", "failure.json", "request"]
PAGES = ["latent_map", "trade_off", "collapse", "train", "families", "lessons"]


def make_pipe(path):
    """Puts a pipe in the place of a file: who opens it waits for somebody who writes."""
    path.unlink(missing_ok=True)
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)


def damaged_runs(folder):
    """A good run, and one for every content in place of every file; ids by what is wrong."""
    good = make_run(folder, title="the good one")
    from models.training.control import REQUEST_FILE

    made = {}
    for name in FILES:
        file = REQUEST_FILE if name == "request" else name
        for kind, content in SPOILED.items():
            run = Run(folder / f"{good}-{len(made):03}")
            shutil.copytree(folder / good, run.folder)
            (run.folder / file).write_bytes(content)
            made[run.id] = f"{name}: {kind}"
    for file in (*FILES, "model.safetensors", "frames"):
        run = Run(folder / f"{good}-{len(made):03}")
        shutil.copytree(folder / good, run.folder)
        make_pipe(run.folder / (REQUEST_FILE if file == "request" else file))
        made[run.id] = f"{file}: pipe"
    for field, value in {
        "image_shape": [1, 9, 9],
        "latent_dim": 10**30,
        "hidden": [["x"]],
    }.items():
        run = Run(folder / f"{good}-{len(made):03}")
        shutil.copytree(folder / good, run.folder)
        document = json.loads(run.config_path.read_bytes())
        document["config"]["model"][field] = value
        run.config_path.write_text(json.dumps(document))
        made[run.id] = f"{field} of another model"
    return good, made


def damage_jobs(folder):
    """A record of every content, and records whose entries are of other types."""
    spoiled = list(SPOILED.values())
    for entry, value in {
        "share": None, "title": 7, "runs": [[1]], "state": "nonsense", "entered": "x",
        "began": 10**400, "arguments": 5, "server": None, "sweep": [], "text": {}, "reason": 1,
    }.items():  # fmt: skip
        spoiled.append(json.dumps(RECORD | {entry: value}).encode())
    for i, content in enumerate(spoiled):
        job = folder / ".jobs" / f"20260101-00000{i:02}"
        job.mkdir(parents=True)
        write_bytes(job / "job.json", content)
    make_pipe(job / "job.json")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    good, made = damaged_runs(folder)
    damage_jobs(folder)
    shutil.copytree(folder / good, folder / os.fsdecode(b"bad\xff\xfename"))
    return folder, good, made


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_beside_damaged_folders(damaged, monkeypatch, page):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(damaged[0]))
    at = open_view(page)
    assert not at.exception
    if page == "train":
        assert "the good one" in said(at) + "".join(str(frame.value) for frame in at.dataframe)


def test_every_command_answers_in_one_sentence(damaged):
    folder, good, made = damaged
    assert good in call("list", "--runs-dir", folder)
    for run_id, what in made.items():
        if what.startswith("config.json") or "another model" in what:
            text = call("train", "--resume", run_id, "--runs-dir", folder, status=1)
            assert text.count("\n") == 1 and text.startswith("Error: "), what
