"""What this machine gives to jobs: an engine, memory, and a part of its processor."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import psutil

from models.engines.local import LocalEngine

SAMPLE_SECONDS = 1.0
"""Between two looks at a process, however many watch."""
WINDOW_SECONDS = 10.0
"""Over which its part of the processor is taken."""
FEWEST_SECONDS = 4.0
"""A process is not judged before it has run for so long."""
SMALL_SHARE = 0.4
"""Part of one processor below which the machine is called busy."""
IS_STOPPED = "its process is stopped and waits to be continued"


def engine_for(runs_dir: Path) -> LocalEngine:
    """Makes the engine of the jobs of a folder: one thread a process, and out of the way."""
    return LocalEngine(environment={"LATENT_RUNS_DIR": str(runs_dir), "OMP_NUM_THREADS": "1"})


def memory_for_jobs() -> int:
    """Half of the memory of this machine, or of the container that the server is in; bytes."""
    limits = [psutil.virtual_memory().total]
    for path in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # absent, or no limit
            limits.append(int(Path("/sys/fs/cgroup", path).read_text(encoding="utf-8")))
    return min(limits) // 2


class _Sample(NamedTuple):
    """When a process was looked at, its processor time until then, and whether it was stopped."""

    at: float
    used: float
    is_stopped: bool


class Pulse:
    """Tells what keeps a working process from its work.

    Every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: psutil.Process | None = None
        self._samples: deque[_Sample] = deque()

    def trouble(self, pid: int) -> str:
        """Looks at a process: a phrase if it is stopped, or gets little of the processor; else
        empty.

        Args:
            pid: Its id; 0 if it is not known.
        """
        with self._lock, contextlib.suppress(psutil.Error):
            if not pid:
                return ""
            if self._process is None or self._process.pid != pid:
                self._process = psutil.Process(pid)
                self._samples.clear()
            if not self._samples or time.monotonic() - self._samples[-1].at >= SAMPLE_SECONDS:
                self._add(_look(self._process))
            return self._phrase()
        return ""

    def _add(self, sample: _Sample) -> None:
        self._samples.append(sample)
        while len(self._samples) > 2 and sample.at - self._samples[1].at > WINDOW_SECONDS:
            self._samples.popleft()

    def _phrase(self) -> str:
        latest = list(self._samples)[-2:]
        if len(latest) == 2 and all(sample.is_stopped for sample in latest):
            return IS_STOPPED
        first, last = self._samples[0], self._samples[-1]
        if last.at - first.at < FEWEST_SECONDS:
            return ""
        share = (last.used - first.used) / (last.at - first.at)
        if share >= SMALL_SHARE:
            return ""
        return f"this machine is busy, and gives it {max(0.01, share):.0%} of a processor"


def _look(process: psutil.Process) -> _Sample:
    """Takes a sample of a process and of what it has started."""
    used, is_stopped = 0.0, process.status() == psutil.STATUS_STOPPED
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = each.cpu_times()
            used += times.user + times.system
    return _Sample(time.monotonic(), used, is_stopped)
