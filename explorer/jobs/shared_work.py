"""Work in other processes that all sessions share: one process for all who ask for the same."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from models.engines.handle import FAILED, RUNNING, Engine, Handle, Work
from models.engines.local import LocalEngine

MAX_RUNNING = 2
"""Pieces of work at a time."""
PATIENCE_SECONDS = 0.2


class Progress(NamedTuple):
    """How far work is: whether it goes on, the share done, and why it failed."""

    is_running: bool
    share: float
    problem: str


class SharedWork:
    """Commands of the command line by keys; a command reports the share that it has done.

    Args:
        engine: What does the work. Default: a `LocalEngine`.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or LocalEngine()
        self._lock = threading.Lock()
        self._handles: dict[Hashable, Handle] = {}

    def start(self, key: Hashable, words: Sequence[str]) -> bool:
        """Starts work, unless it is under way; returns whether there was room for it.

        Args:
            key: Of the work.
            words: What follows `python -m models`.

        Raises:
            OSError: If no process can be started here.
        """
        with self._lock:
            running = [one for one, each in self._handles.items() if each.state == RUNNING]
            if key in running:
                return True
            if len(running) >= MAX_RUNNING:
                return False
            self._handles[key] = self._engine.start(Work(tuple(words)))
            return True

    def cancel(self, key: Hashable) -> None:
        """Ends work, and forgets it."""
        with self._lock:
            handle = self._handles.pop(key, None)
        if handle is not None:
            handle.cancel(PATIENCE_SECONDS)

    def get(self, key: Hashable) -> Progress | None:
        """How far work is; None where it was not started or was cancelled."""
        with self._lock:
            handle = self._handles.get(key)
        if handle is None:
            return None
        share = handle.latest if isinstance(handle.latest, float) else 0.0
        problem = handle.result().reason if handle.state == FAILED else ""
        return Progress(handle.state == RUNNING, min(1.0, max(0.0, share)), problem)
