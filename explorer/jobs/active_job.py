"""A job of this server that waits or works: what is started, what it tells, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock

from explorer.jobs.elsewhere import DaskNews
from explorer.jobs.job import Record, presentable
from explorer.jobs.machine import Pulse
from explorer.jobs.progress import Progress
from models.engines.handle import CANCELLED, FAILED, Handle, Result
from models.runs.folder import Run
from models.runs.status import run_status
from models.training.control import GO, read_request

CANCEL_SECONDS = 0.7
"""Left to a cancelled job to save its work."""
CANCEL_ELSEWHERE_SECONDS = 4.0
"""The same, where the work to be saved comes from other processes or machines."""


@dataclass(eq=False)
class ActiveJob:
    """A job that waits or works.

    Attributes:
        id: Of the job.
        record: As it lies on disk.
        lock: Which tells other servers that it is in the hands of this one.
        progress: Of its runs.
        handle: Of its work, once it has begun.
        ending: The state in which it was told to end, or nothing.
        pulse: Of its process.
    """

    id: str
    record: Record
    lock: FileLock
    progress: Progress
    handle: Handle | None = None
    ending: str = ""
    pulse: Pulse = field(default_factory=Pulse)

    @property
    def patience(self) -> float:
        """Seconds left to it when it is cancelled."""
        return CANCEL_ELSEWHERE_SECONDS if self.record.engine else CANCEL_SECONDS

    def words(self, dask: str) -> tuple[str, ...]:
        """Names what is started; where Dask is, the start of this server says."""
        return (*self.record.arguments, *([f"--dask={dask}"] if self.record.engine else []))

    def news(self) -> DaskNews | None:
        """What it tells of Dask."""
        return DaskNews.of(getattr(self.handle, "latest", None))

    def trouble(self) -> str:
        """What keeps it from its work, if it is at work here."""
        return "" if self.record.engine else self.pulse.trouble(getattr(self.handle, "pid", 0))

    def verdict(self, result: Result, runs_dir: Path) -> Record:
        """Tells how it has ended."""
        found = self.progress.measure(fresh=True)
        record = self.record.at(found)
        if result.state == FAILED:
            reason = presentable(result.reason.removesuffix("."), runs_dir)
            return replace(record, state="failed", reason=reason)
        if _is_whole(record, result, runs_dir):
            return replace(record, state="done", share=1.0)
        return replace(record, state=self.ending or _left(record, runs_dir))


def _is_whole(record: Record, result: Result, runs_dir: Path) -> bool:
    """Whether all that a job was asked for is done."""
    if result.state == CANCELLED:  # perhaps too late
        runs = [Run(runs_dir / name) for name in record.runs]
        return record.share == 1 and all(run_status(run).is_done for run in runs)
    return record.share == 1 or not record.runs


def _left(record: Record, runs_dir: Path) -> str:
    """How a job ended that was not told to here: it was paused for long, or stopped."""
    folders = [runs_dir / name for name in record.runs]
    is_held = bool(folders) and all(read_request(each).order != GO for each in folders)
    return "paused" if is_held else "interrupted"
