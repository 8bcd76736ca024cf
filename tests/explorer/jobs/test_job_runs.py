"""Jobs that train by the real command line: stopped, killed and resumed, or wrong."""

import os
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest

from models.config import override
from models.presets import preset
from models.runs.folder import Run, list_runs
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.training.control import send_request
from tests.helpers.job_server import Server
from tests.helpers.jobs import CONFIG, assert_same_as_uninterrupted, ended, train
from tests.helpers.processes import wait
from tests.helpers.sentences import assert_sentence
from tests.helpers.workers import (
    descendants,
    family,
    is_gone,
)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["train", "--resume=RUN"],
            "batch_size must be at most the 1297 training images, got 5000",
        ),
        (
            ["train", "--resume=RUN", "--autosave", "much"],
            "Invalid value for '--autosave': Input should be a valid number, "
            "unable to parse string as a number",
        ),
        (["train", "--nothing"], "No such option: --nothing"),
        (["train", "--resume=gone"], "the run must be one of the runs folder, got 'gone'"),
        (["sweep", "--resume=gone"], "the sweep must be one of the runs folder, got 'gone'"),
    ],
    ids=range(5),
)
def test_what_is_wrong_is_the_sentence_of_the_command_line(words, reason, queue_of, runs_dir):
    queue = queue_of()
    config = replace(CONFIG, training=replace(CONFIG.training, batch_size=5000))
    run = Run.create(runs_dir, config)
    words = [word.replace("RUN", run.id) for word in words]
    found = ended(queue, queue.submit(words, runs=[run.id]))
    assert (found.state, found.share) == ("failed", 0.0)
    assert_sentence(found.reason)
    assert found.reason == reason


FAILING = """
import errno, os, runpy
import models.runs.train
def full(run, training, seconds, kept=models.runs.train._save_state):
    if training.step >= int(os.environ["FULL_AFTER"]):
        path = run.folder / ".state.safetensors.x1"
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    kept(run, training, seconds)
models.runs.train._save_state = full
runpy.run_module("models", run_name="__main__")
"""
"""The command line on a disk that is full from some step on."""


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(queue_of, runs_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("FULL_AFTER", "50")
    failing = tmp_path / "failing.py"
    failing.write_text(FAILING)
    queue = queue_of(command=[sys.executable, str(failing)])
    found = ended(queue, train(queue, epochs=4, batch_size=64, autosave=0))
    assert_sentence(found.reason)
    assert found.reason == ".state.safetensors.x1 cannot be used: no space left on device"
    state = read_tensors(Run(runs_dir / found.runs[0]).state_path)[0]
    assert 0 < int(state["step"][0]) < 50
    monkeypatch.setenv("FULL_AFTER", "1000000")
    queue.resume(found.id)
    assert ended(queue, found.id).state == "done"
    assert_same_as_uninterrupted(Run(runs_dir / found.runs[0]), tmp_path)


HELD = """
import os, runpy, time
import models.cli.train as command, models.training.control as control
from models.runs.history import History
control.MAX_PAUSE_SECONDS = 0.3
flags = []
def stop_flag(make=command.stop_flag):
    flags.append(make())
    return flags[-1]
def append(history, row, kept=History.append):
    kept(history, row)
    held = os.path.join(os.path.dirname(__file__), f"held-{row['epoch']}")
    while os.path.exists(held) and not flags[-1]():
        time.sleep(0.01)
command.stop_flag, History.append = stop_flag, append
runpy.run_module("models", run_name="__main__")
"""
"""The command line that stays at the end of an epoch while `held-<epoch>` is beside it, or until it
is told to stop; after a pause of 0.3 seconds it ends."""


def held_command(folder, *epochs):
    """The command line that is held at the ends of these epochs, counted from 0."""
    script = folder / "held.py"
    script.write_text(HELD)
    for epoch in epochs:
        (folder / f"held-{epoch}").touch()
    return [sys.executable, str(script)]


def test_a_training_killed_paused_and_resumed_ends_with_the_same_bits(queue_of, runs_dir, tmp_path):
    queue = queue_of(command=held_command(tmp_path, 3, 6))
    job_id = train(queue, epochs=40, autosave=0)
    wait(lambda: queue.watch(job_id).share == 4 / 40)
    os.kill(family(os.getpid())[1], signal.SIGKILL)
    found = ended(queue, job_id)
    assert (found.state, found.share) == ("failed", 4 / 40)
    (run,) = list_runs(runs_dir)
    assert found.runs == (run.id,) and not run.model_path.exists()
    (tmp_path / "held-3").unlink()
    queue.resume(job_id)
    wait(lambda: queue.watch(job_id).share == 7 / 40)
    queue.pause(job_id)
    paused = ended(queue, job_id)
    assert (paused.state, paused.share) == ("paused", 7 / 40)
    steps = read(run.model_path).card.steps
    assert 0 < steps == int(read_tensors(run.state_path)[0]["step"][0]), "it can be explored"
    queue.resume(job_id)
    found = ended(queue, job_id)
    assert (found.state, found.share, found.runs) == ("done", 1.0, (run.id,))
    assert_same_as_uninterrupted(run, tmp_path)


def test_a_training_held_for_long_is_paused_and_goes_on_bit_for_bit(queue_of, runs_dir, tmp_path):
    queue = queue_of(command=held_command(tmp_path, 3))
    job_id = train(queue, epochs=40)
    wait(lambda: queue.watch(job_id).share == 4 / 40)
    (run,) = list_runs(runs_dir)
    send_request(run.folder, order="hold")
    (tmp_path / "held-3").unlink()
    held = ended(queue, job_id)
    assert (held.state, held.share) == ("paused", 4 / 40)
    queue.resume(job_id)
    assert ended(queue, job_id).state == "done"
    assert_same_as_uninterrupted(run, tmp_path)


def test_a_training_that_diverges_says_so(queue_of, runs_dir):
    queue = queue_of()
    bad = override(preset("digits-2d"), learning_rate=1.0, warmup_steps=0)
    found = ended(queue, queue.train(bad))
    assert found.state == "failed"
    assert found.reason.startswith("every term of the loss must stay finite, but the ")
    assert_sentence(found.reason)
    state = read_tensors(Run(runs_dir / found.runs[0]).state_path)[0]
    assert all(np.isfinite(value).all() for value in state.values())


@pytest.mark.slow
def test_a_sweep_dies_with_its_server_and_is_resumed_by_the_next(runs_dir, queue_of):
    queue = queue_of()
    small = replace(CONFIG.model, hidden=(8, 4)), replace(CONFIG.training, epochs=150)
    configs = grid(replace(CONFIG, model=small[0], training=small[1]), [0.5, 1.0, 2.0])
    sweep = Sweep.open(runs_dir, configs)
    words = ["sweep", f"--resume={sweep.id}", "--autosave=0.2"]
    with Server(runs_dir) as server:
        ids = [member.run.id for member in sweep.members]
        job_id = server.call("submit", words, "three", ids, sweep.id)
        wait(lambda: queue.watch(job_id).share > 0)
        found = queue.watch(job_id)
        everybody = descendants(server.process.pid)
        assert len(everybody) >= 4, "supervisors, sweep, and what it starts"
        server.kill()
    wait(lambda: all(map(is_gone, everybody)))
    left = queue.watch(job_id)
    assert left.state == "interrupted" and 0 < left.share < 1
    assert (left.sweep, set(left.runs)) == (found.sweep, {run.id for run in list_runs(runs_dir)})
    queue.resume(job_id)
    wait(lambda: queue.watch(job_id).share > left.share)
    everybody = descendants(os.getpid())
    queue.cancel(job_id)
    assert ended(queue, job_id).state == "cancelled"
    wait(lambda: all(map(is_gone, everybody)))
    queue.resume(job_id)
    found = ended(queue, job_id)
    assert (found.state, found.share, found.text) == ("done", 1.0, "3 of 3 runs done")
    for run in list_runs(runs_dir):
        assert read(run.model_path).card.steps == run.history.rows()[-1]["step"]
        assert [row["epoch"] for row in run.history.rows()] == list(range(150))
