"""Jobs on disk: records, and the locks that tell which server has them in hand.

runs/.jobs/<id>/job.json   what was asked for, and how it ended
                log        the beginning of what it printed
                lock       held by its server while it waits or works
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from explorer.jobs.job import JobError, Record
from explorer.jobs.progress import Progress
from models.atomic import write_bytes
from models.places import make_folder, open_file

MAX_KEPT = 100
"""Jobs that are remembered; the runs of forgotten ones stay."""
MAX_RECORD_BYTES = 2**20
"""What lies beyond is not read, and makes no record."""
CLAIM_SECONDS = 0.5
"""How long to wait where another server looks whether a job is held."""


class JobStore:
    """The jobs of a folder of runs, of every server that uses it.

    Every method may be called from any thread.

    Args:
        runs_dir: The folder of runs.
    """

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir, self.folder = runs_dir, runs_dir / ".jobs"
        self._probing = threading.Lock()  # held while asking whether a server is alive
        self._lock = threading.Lock()  # held for the following, never while waiting for a disk
        self._others: dict[str, Progress] = {}
        self._unwritten: dict[str, Record] = {}  # ended while the disk was full
        self._read: dict[str, tuple[tuple, Record]] = {}  # as last read, and when it was written
        self._settled: dict[str, tuple[Record, Record]] = {}  # as on disk, and as it is

    def ids(self) -> list[str]:
        """Lists the ids of all jobs."""
        try:
            return os.listdir(self.folder)
        except OSError:
            return []

    def log(self, job_id: str) -> Path:
        """Names the file of what a job prints."""
        return self.folder / job_id / "log"

    def progress_of(self, record: Record) -> Progress:
        """Makes the progress of the runs of a job."""
        return Progress(self.runs_dir, record.runs, bool(record.sweep))

    def make(self, job_id: str) -> FileLock:
        """Makes the folder of a job, and holds it."""
        make_folder(self.folder / job_id, exist_ok=False)
        return self.claim(job_id)

    def remove(self, job_id: str) -> None:
        """Removes the folder of a job."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def claim(self, job_id: str, patience: float = CLAIM_SECONDS) -> FileLock:
        """Takes the lock of a job.

        Raises:
            JobError: If another server holds it.
        """
        lock = FileLock(self.folder / job_id / "lock", thread_local=False)
        try:
            lock.acquire(timeout=patience, poll_interval=0.01)
        except Timeout as error:
            raise JobError("This job is in the hands of another server: watch it there.") from error
        return lock

    def write(self, job_id: str, record: Record) -> None:
        """Writes a record, whole or not at all."""
        write_bytes(self.folder / job_id / "job.json", record.to_bytes())
        with self._lock:
            for stale in (self._unwritten, self._others):
                stale.pop(job_id, None)

    def keep(self, job_id: str, record: Record) -> None:
        """Writes how a job ended; if the disk is full, it is remembered."""
        try:
            self.write(job_id, record)
        except OSError:
            with self._lock:
                self._unwritten[job_id] = record

    def read(self, job_id: str, ids: Collection[str] | None = None) -> Record:
        """Reads a record, again only if it has changed.

        Args:
            job_id: Of the job.
            ids: Of all jobs, if they are known.

        Raises:
            JobError: If there is no such job, or its record is damaged.
        """
        with self._lock:
            record = self._unwritten.get(job_id)
            stamp, known = self._read.get(job_id, (None, None))
        if record is not None:
            return record
        try:
            if job_id not in (self.ids() if ids is None else ids):  # compared, never joined
                raise ValueError("the id must be one of the folder")
            path = self.folder / job_id / "job.json"
            status = path.stat()
            found = status.st_ino, status.st_mtime_ns, status.st_size
            if found != stamp:
                with open_file(path) as file:
                    known = Record.from_bytes(file.read(MAX_RECORD_BYTES))
                with self._lock:
                    self._read[job_id] = found, known
            return known
        except (OSError, ValueError) as error:
            raise JobError(f"There is no such job; the last {MAX_KEPT} are remembered.") from error

    def settle(self, job_id: str, record: Record) -> Record:
        """Finds out what is true of a job that says it is live.

        If no server holds it, its server has died, and it is interrupted.
        """
        with self._probing:
            said, settled = self._settled.get(job_id, (None, record))
            if said == record:
                return settled
            try:
                self.claim(job_id, 0.0).release()
            except (JobError, OSError):
                return record
            found = self.read(job_id)  # it may have ended, or have been resumed, just before
            if found != record:
                return found
            settled = self.interrupted(job_id, record)
            self._settled[job_id] = record, settled
            return settled

    def interrupted(self, job_id: str, record: Record) -> Record:
        """Makes the record of a job whose server has died."""
        if record.state == "running":
            record = record.at(self.progress(job_id, record).measure(fresh=True))
        return replace(record, state="interrupted")

    def progress(self, job_id: str, record: Record) -> Progress:
        """Finds the progress of another server's job, kept while it is running."""
        fresh = self.progress_of(record)
        with self._lock:
            if record.state == "running":
                return self._others.setdefault(job_id, fresh)
            self._others.pop(job_id, None)
        return fresh

    def place(self, record: Record) -> int:
        """Counts the place of a job in the queue of another server, from 1; 0: it does not wait."""
        if record.state != "queued":
            return 0
        records = []
        for job_id in self.ids():
            with contextlib.suppress(JobError):
                records.append(self.read(job_id))
        line = [r.entered for r in records if (r.state, r.server) == ("queued", record.server)]
        return 1 + sum(entered < record.entered for entered in line)

    def forget_oldest(self) -> None:
        """Removes the folders of old jobs that no server holds."""
        job_ids = sorted(self.ids())
        for job_id in job_ids[: max(0, len(job_ids) - MAX_KEPT + 1)]:
            with contextlib.suppress(JobError, OSError):
                lock = self.claim(job_id, 0.0)
                self.remove(job_id)
                lock.release()
            with self._probing, self._lock:
                for known in (self._settled, self._unwritten, self._others, self._read):
                    known.pop(job_id, None)
