"""Folders of runs, jobs and sweeps as programs of ours leave them, damaged at random."""

import contextlib
import json
import shutil
import signal
import time
from pathlib import Path

from typer.testing import CliRunner

from models.atomic import write_bytes
from models.cli.app import app
from models.runs.folder import Run
from models.runs.train import execute
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from tests.helpers.command_line import assert_refusal
from tests.helpers.configs import tiny
from tests.helpers.mutants import mutate_bytes, mutate_json, pick
from tests.helpers.processes import PATIENCE

RECORD = {
    "title": "t", "arguments": [], "server": "s", "entered": 1.0, "state": "done",
    "share": 1.0, "text": "", "reason": "", "runs": [], "sweep": "", "began": 0.0,
}  # fmt: skip
"""What a job's file holds."""
RUNS, JOBS = 4, 3
STOP_SECONDS = (2.0, 20.0)
"""Of the processor, and of the clock, after which a training is told to stop."""


def whole(folder: Path) -> Path:
    """A folder of trained runs with labels, changes and snapshots, a sweep of two, and jobs."""
    first = Run.create(folder, tiny(), "the first")
    for _ in execute(first):
        pass
    places = [folder / f"20260101-000000-00000{number}" for number in range(RUNS)]
    first.folder.rename(places[0])
    for place in places[1:]:
        shutil.copytree(places[0], place)
    for number, place in enumerate(places):
        Run(place).relabel(title=f"run {number}", pinned=number == 1)
        change = {"step": 5, "beta": 2.0}
        (place / "changes.jsonl").write_text(json.dumps(change) + "\n")
        (place / "wish.json").write_text(json.dumps({"beta": 2.0, "hold": False}))
        (place / "failure.json").write_text(json.dumps({"reason": "it was full", "step": 3}))
    _add_sweep(folder)
    for number in range(JOBS):
        job = folder / ".jobs" / f"20260101-00000{number}"
        job.mkdir(parents=True)
        runs = {"runs": [places[number].name], "title": f"job {number}"}
        write_bytes(job / "job.json", json.dumps(RECORD | runs).encode())
    return folder


def _add_sweep(folder: Path) -> None:
    """Adds a sweep of two runs, whose ids are the same every time, with its table."""
    sweep = Sweep.open(folder, grid(tiny(), [0.5, 2.0]))
    for number, member in enumerate(sweep.members):
        member.run.folder.rename(folder / f"20260102-000000-00000{number}")
    Sweep.find(folder, sweep.id).write()


def damage(folder: Path, random) -> None:
    """Damages one to six files of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(random.integers(1, 7)):
        path = pick(files, random)
        mutate = mutate_bytes if random.random() < 0.3 else mutate_json
        content = path.read_bytes()
        path.write_bytes(mutate(content, random) if content else random.bytes(9))


@contextlib.contextmanager
def _stopping():
    """Tells a training to stop after a while, as damaged settings may ask for a million epochs."""
    end = time.monotonic() + PATIENCE

    def stop(*_):
        on_term = signal.getsignal(signal.SIGTERM)
        if callable(on_term):
            on_term(signal.SIGTERM, None)
        if time.monotonic() > end:
            raise TimeoutError("the command goes on and on")

    timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    for (number, timer), seconds in zip(timers.items(), STOP_SECONDS, strict=True):
        signal.signal(number, stop)
        signal.setitimer(timer, seconds, seconds)
    try:
        yield
    finally:
        for timer in timers.values():
            signal.setitimer(timer, 0)


def _sweep_of(runs: Path, run_id: str) -> str:
    """The sweep that a run says it belongs to, or another word."""
    with contextlib.suppress(OSError, ValueError):
        return Run(runs / run_id).sweep or run_id
    return run_id


def call_one(runs: Path, random) -> str:
    """Runs one command on such a folder; it ends well, or in one sentence."""
    run_id = pick(sorted(path.name for path in runs.iterdir() if path.name[0] != "."), random)
    there = ("--runs-dir", runs)
    commands = (
        ("list", *there),
        ("train", "--resume", run_id, "--threads", 1, *there),
        ("sweep", "--resume", _sweep_of(runs, run_id), *there),
        ("evaluate", run_id, *there),
        ("steer", run_id, "--beta", 3, *there),
        ("project", runs / run_id / "model.safetensors"),
    )
    command = pick(commands, random)
    words = list(map(str, command))
    with _stopping():
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    if result.exit_code:
        assert result.exit_code in (1, 2), (words, result.exception)
        assert result.stderr, (words, result.output, result.exception)
        assert_refusal(result.stderr, "Error: ")
    return f"{command[0]} {'ended well' if result.exit_code == 0 else 'refused'}"
