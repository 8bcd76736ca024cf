"""Experiments of lessons in another process, shared by every session.

A result lands on disk, whole, named by its experiment and seeds; the next request for the same
finds it there, also after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.jobs.shared_work import Progress, SharedWork
from models.engines.handle import Engine


class Measurements:
    """Experiments by name and seeds.

    Args:
        folder: Where results are kept.
        engine: What does the work. Default: a `LocalEngine`.
    """

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.folder = folder
        self._work = SharedWork(engine)

    def path(self, name: str, seeds: Sequence[int]) -> Path:
        """Names the file of a result."""
        return self.folder / f"{name}-{'-'.join(map(str, seeds))}.json"

    def start(self, name: str, seeds: Sequence[int]) -> bool:
        """Starts an experiment, unless it is under way; returns whether there was room for it.

        Raises:
            OSError: If no process can be started here, or no folder be made.
        """
        path = self.path(name, seeds)
        self.folder.mkdir(parents=True, exist_ok=True)
        output = ("--output", str(path.resolve()))
        words = ("lesson", name, "--seeds", ",".join(map(str, seeds)), *output)
        return self._work.start(path, words)

    def cancel(self, name: str, seeds: Sequence[int]) -> None:
        """Ends an experiment; nothing is kept of it."""
        self._work.cancel(self.path(name, seeds))

    def get(self, name: str, seeds: Sequence[int]) -> Progress | None:
        """How far an experiment is; None where it was not started or was cancelled."""
        return self._work.get(self.path(name, seeds))
