"""t-SNE maps computed in another process, shared by every session.

A map of 10 000 codes takes seconds of a processor; in the server they would stall every user. The
finished map lands on disk, whole, and is found there by the next visitor, also after a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.jobs.job import JobError
from models.engines.handle import RUNNING, Engine, Handle, Work
from models.engines.local import LocalEngine
from models.places import make_folder

POLL_SECONDS = 0.2


@dataclass
class _Projection:
    """A map that is being computed, and how many watch."""

    handle: Handle
    watchers: int = 0

    def progress(self) -> float:
        """Share done, as last reported."""
        share = self.handle.latest
        return min(1.0, max(0.0, share)) if isinstance(share, float) else 0.0


class Projections:
    """t-SNE maps by file: one is computed at a time; the last watcher to leave ends it.

    Args:
        folder: Where finished maps are kept.
        engine: What does the work. Default: a `LocalEngine`.
    """

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.folder = folder
        self._engine = engine or LocalEngine()
        self._lock = threading.Lock()
        self._jobs: dict[Path, _Projection] = {}

    def path(self, fingerprint: str, perplexity: float = 30.0) -> Path:
        """Names the file of the map of these codes."""
        return self.folder / f"tsne-{fingerprint[:32]}-{perplexity:g}.safetensors"

    def watch(self, checkpoint: Path, output: Path) -> Iterator[float | None]:
        """Starts or joins the computation of `output`; yields the share done until it is there.

        Yields None while another map is being computed. Closing the iterator leaves the
        computation, and ends it if there is no other watcher.

        Raises:
            JobError: If the process fails.
        """
        while not output.exists():
            job = self._join(checkpoint, output)
            if job is None:
                yield None
                time.sleep(POLL_SECONDS)
                continue
            try:
                while job.handle.state == RUNNING:
                    yield job.progress()
                    time.sleep(POLL_SECONDS)
            finally:
                self._leave(output, job)
            if not output.exists():
                raise JobError(
                    "The map could not be computed: choose another view, then try again."
                )

    def _join(self, checkpoint: Path, output: Path) -> _Projection | None:
        with self._lock:
            if output not in self._jobs:
                if self._jobs:
                    return None
                make_folder(output.parent)
                words = ("project", str(checkpoint.resolve()), str(output.resolve()))
                self._jobs[output] = _Projection(self._engine.start(Work(words)))
            self._jobs[output].watchers += 1
            return self._jobs[output]

    def _leave(self, output: Path, job: _Projection) -> None:
        with self._lock:
            job.watchers -= 1
            if job.watchers == 0:
                job.handle.cancel(0.0)
                job.handle.result()
                for unfinished in output.parent.glob(f".{output.name}.*"):
                    unfinished.unlink()
                self._jobs.pop(output, None)
