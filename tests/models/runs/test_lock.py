"""The lock of a run: one process at a time, and a dead one holds nothing."""

import os
import signal
import threading

import pytest

from models.runs.folder import Run
from models.runs.lock import is_locked
from models.runs.train import execute
from tests.helpers.configs import tiny
from tests.helpers.processes import python
from tests.helpers.sentences import assert_sentence

CONFIG = tiny(training={"epochs": 3, "batch_size": 32, "learning_rate": 3e-3})
"""Three epochs of 40 steps: two events each."""


HOLD = """
import sys, time
from pathlib import Path
from models.runs.folder import Run
with Run(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_lock_refuses_a_second_process_and_dies_with_its_holder(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    holder = python("-c", HOLD, str(run.folder))
    try:
        assert holder.stdout.readline() == "held\n" and is_locked(run.folder)
        with pytest.raises(ValueError, match="one process at a time") as caught:
            next(execute(run))
        assert_sentence(str(caught.value))
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    assert not is_locked(run.folder)
    with run.lock(), pytest.raises(ValueError, match="one process at a time"), run.lock():
        pass
    next(execute(run))


def test_looking_whether_a_run_is_locked_refuses_nobody(tmp_path):
    """A look holds the lock for a moment, and a training waits for longer than that."""
    run = Run.create(tmp_path, CONFIG)
    assert not is_locked(run.folder) and os.listdir(run.folder) == ["config.json"]
    done = threading.Event()

    def look():
        while not done.wait(0.001):
            is_locked(run.folder)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with run.lock():
                pass
    finally:
        done.set()
        looking.join()
