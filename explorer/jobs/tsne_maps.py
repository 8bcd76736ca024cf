"""t-SNE maps computed in another process, shared by every session.

A map of 10 000 codes takes seconds of a processor; in the server they would stall every user. The
finished map lands on disk, whole, and is found there by the next visitor, also after a restart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from explorer.jobs.queue import JobError

POLL_SECONDS = 0.2


@dataclass
class _Projection:
    process: subprocess.Popen
    log: IO[str]
    watchers: int = 0
    reading: threading.Lock = field(default_factory=threading.Lock)

    def progress(self) -> float:
        """Share done, as last printed."""
        with self.reading:
            self.log.seek(0)
            lines = self.log.read().split()
        try:
            return min(1.0, max(0.0, float(lines[-1])))
        except (IndexError, ValueError):
            return 0.0


class Projections:
    """t-SNE maps by file: one process at a time, whoever asks; the last to leave ends it.

    Args:
        folder: Where finished maps are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._jobs: dict[Path, _Projection] = {}

    def path(self, fingerprint: str, perplexity: float = 30.0) -> Path:
        """The file of the map of these codes."""
        return self.folder / f"tsne-{fingerprint[:32]}-{perplexity:g}.safetensors"

    def watch(self, checkpoint: Path, output: Path) -> Iterator[float | None]:
        """Starts or joins the computation of `output`; yields the share done until it is there.

        Yields None while another map is being computed. Closing the iterator leaves the
        computation, and ends it if nobody else watches.

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
                while job.process.poll() is None:
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
                self._jobs[output] = _start(checkpoint, output)
            self._jobs[output].watchers += 1
            return self._jobs[output]

    def _leave(self, output: Path, job: _Projection) -> None:
        with self._lock:
            job.watchers -= 1
            if job.watchers == 0:
                job.process.kill()
                job.process.wait()
                job.log.close()
                for unfinished in output.parent.glob(f".{output.name}.*"):
                    unfinished.unlink()
                self._jobs.pop(output, None)


def _start(checkpoint: Path, output: Path) -> _Projection:
    output.parent.mkdir(parents=True, exist_ok=True)
    # to append, since the process shares our place in the file; closed by the last watcher
    log = tempfile.TemporaryFile("a+")  # noqa: SIM115
    root = Path(__file__).resolve().parents[2]
    command = [
        sys.executable,
        "-m",
        "models",
        "project",
        str(checkpoint.resolve()),
        str(output.resolve()),
    ]
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=root
    )
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    return _Projection(process, log)
