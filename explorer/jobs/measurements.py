"""Experiments of lessons in another process, shared by every session.

A result lands on disk, whole, named by its experiment and seeds; the next request for the same
finds it there, also after a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.engines.handle import FAILED, RUNNING, Engine, Handle, Work
from models.engines.local import LocalEngine

MAX_RUNNING = 2
"""Experiments at a time."""
PATIENCE_SECONDS = 0.2


class Progress(NamedTuple):
    """How far an experiment is: whether it goes on, the share done, and why it failed."""

    is_running: bool
    share: float
    problem: str


class Measurements:
    """Experiments by name and seeds.

    Args:
        folder: Where results are kept.
        engine: What does the work. Default: a `LocalEngine`.
    """

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.folder = folder
        self._engine = engine or LocalEngine()
        self._lock = threading.Lock()
        self._handles: dict[Path, Handle] = {}

    def path(self, name: str, seeds: Sequence[int]) -> Path:
        """Names the file of a result."""
        return self.folder / f"{name}-{'-'.join(map(str, seeds))}.json"

    def start(self, name: str, seeds: Sequence[int]) -> bool:
        """Starts an experiment, unless it is under way; returns whether there was room for it.

        Raises:
            OSError: If no process can be started here.
        """
        path = self.path(name, seeds)
        with self._lock:
            running = [key for key, each in self._handles.items() if each.state == RUNNING]
            if path in running:
                return True
            if len(running) >= MAX_RUNNING:
                return False
            self.folder.mkdir(parents=True, exist_ok=True)
            output = ("--output", str(path.resolve()))
            words = ("lesson", name, "--seeds", ",".join(map(str, seeds)), *output)
            self._handles[path] = self._engine.start(Work(words))
            return True

    def cancel(self, name: str, seeds: Sequence[int]) -> None:
        """Ends an experiment; nothing is kept of it."""
        with self._lock:
            handle = self._handles.pop(self.path(name, seeds), None)
        if handle is not None:
            handle.cancel(PATIENCE_SECONDS)

    def get(self, name: str, seeds: Sequence[int]) -> Progress | None:
        """How far an experiment is; None where it was not started or was cancelled."""
        with self._lock:
            handle = self._handles.get(self.path(name, seeds))
        if handle is None:
            return None
        share = handle.latest if isinstance(handle.latest, float) else 0.0
        problem = handle.result().reason if handle.state == FAILED else ""
        return Progress(handle.state == RUNNING, min(1.0, max(0.0, share)), problem)
