"""Starts Python processes, and waits for what they do."""

import os
import subprocess
import sys
import time

from tests.helpers.paths import ROOT

PATIENCE = 300.0
"""Seconds after which a wait has failed: many times what any of them takes, loaded or not."""


def python(*arguments: str, **options) -> subprocess.Popen:
    """A Python process in the project's folder, its output in pipes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    )  # fmt: skip


def finish(process: subprocess.Popen, timeout: float = PATIENCE) -> str:
    """The standard output of a process that must end well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


def wait(condition, seconds: float = PATIENCE):
    """Waits until a condition holds that another process or thread fulfils; its value."""
    end, pause = time.monotonic() + seconds, 0.01
    while not (found := condition()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(pause)
        pause = min(1.5 * pause, 0.05)  # what takes long is asked less often
    return found
