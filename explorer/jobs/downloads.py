"""Data sets that are being downloaded in another process, one of each for all sessions."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

from models.engines.handle import FAILED, RUNNING, Engine, Handle, Work
from models.engines.local import LocalEngine

PATIENCE_SECONDS = 0.5
"""A download that is cancelled has this long to end by itself."""


class Download(NamedTuple):
    """How far a download is: whether it goes on, the bytes that have come, and why it failed."""

    is_running: bool
    received: int
    problem: str


class Downloads:
    """Downloads by data set and folder.

    Args:
        engine: What does the work. Default: a `LocalEngine`.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or LocalEngine()
        self._lock = threading.Lock()
        self._handles: dict[tuple[str, Path], Handle] = {}

    def start(self, name: str, folder: Path) -> None:
        """Starts a download, unless it is under way.

        Raises:
            OSError: If no process can be started here.
        """
        with self._lock:
            key = (name, folder.resolve())
            if key not in self._handles or self._handles[key].state != RUNNING:
                words = ("data", "download", name, "--data-dir", str(key[1]))
                self._handles[key] = self._engine.start(Work(words))

    def cancel(self, name: str, folder: Path) -> None:
        """Ends a download; the files that have come whole are kept for the next try."""
        with self._lock:
            handle = self._handles.pop((name, folder.resolve()), None)
        if handle is not None:
            handle.cancel(PATIENCE_SECONDS)

    def get(self, name: str, folder: Path) -> Download | None:
        """How far the last download of a data set is; None where none was started or it was
        cancelled."""
        with self._lock:
            handle = self._handles.get((name, folder.resolve()))
        if handle is None:
            return None
        received = handle.latest if isinstance(handle.latest, int) else 0
        problem = handle.result().reason if handle.state == FAILED else ""
        return Download(handle.state == RUNNING, received, problem)
