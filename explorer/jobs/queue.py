"""Training runs and sweeps in the background, shared by every session.

In the server, training would stall every user. It runs in processes of its own; what it makes
lands on disk, whole, and is found there by the next visitor, also after a restart. A job never
outlives its server: the engine (`models.engines`) sees to that.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from explorer.jobs.active_job import ActiveJob
from explorer.jobs.elsewhere import DASK
from explorer.jobs.job import LIVE, STOPPING, Job, JobError, Record, new_id, shown_job, storing
from explorer.jobs.machine import engine_for, memory_for_jobs
from explorer.jobs.store import JobStore
from explorer.jobs.turns import Claim, order, waits
from models.config import RunConfig
from models.engines.dask_scheduler import LOCAL
from models.engines.handle import FAILED, UNEXPECTED, Engine, Result, Work
from models.engines.system import cores
from models.runs.folder import Run, remove_unbegun
from models.sweeps.sweep import Sweep
from models.text import clean_name

MAX_WAITING = 25
"""Jobs of one server that may wait."""
MAX_WAITING_SHARED = 100
"""The same, where many owners share it."""
MAX_WAITING_EACH = 3
"""Jobs of one owner that may wait there, besides the one at work."""
PAUSE_SECONDS = 30.0
"""Left to a paused one, which also scores its model."""
NO_DASK = (
    "This sweep was to be trained on Dask, which the app was not started with: start it with "
    "--dask, or train the same values on this machine, which goes on where they stopped."
)


class Jobs:
    """A queue of training runs and sweeps: a few are trained at a time, the others wait in line.

    Where many owners share it, they take turns: each has one job at work and a few that wait.

    Jobs of other servers on the same folder can be watched; those of a dead server can be
    resumed by any. Every method may be called from any thread, and none waits for a process. A
    job that needs more than its part of `memory_bytes` is stopped.

    Args:
        runs_dir: The folder of runs.
        slots: Runs at a time; a sweep takes all. Default: one for two processor cores.
        memory_bytes: For all of them together. Default: `memory_for_jobs()`.
        engine: What does the work. Default: a `LocalEngine` for this folder.
        is_shared: Whether owners take turns; else the order is that of coming.
        dask: Address of the Dask scheduler that may train sweeps, checked; empty: none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Jobs(folder, slots=1).all()
        []
    """

    def __init__(
        self,
        runs_dir: str | Path,
        slots: int | None = None,
        memory_bytes: int | None = None,
        engine: Engine | None = None,
        is_shared: bool = False,
        dask: str = "",
    ) -> None:
        self.is_shared, self._dask = is_shared, dask
        self.runs_dir = Path(runs_dir).absolute()
        self.folder = self.runs_dir / ".jobs"
        self.slots = max(1, cores() // 2) if slots is None else slots
        self.memory_bytes = memory_for_jobs() if memory_bytes is None else memory_bytes
        self._engine = engine or engine_for(self.runs_dir)
        self._store = JobStore(self.runs_dir)
        self._server = secrets.token_hex(4)
        self._entering = threading.Lock()  # held while a job is put into the queue
        self._lock = threading.Lock()  # held for the following, never while waiting for a disk
        self._mine: dict[str, ActiveJob] = {}
        self._queue: list[ActiveJob] = []
        self._working: dict[ActiveJob, threading.Thread] = {}
        self._served: list[str] = []  # owners of the jobs that were started, the last one last

    def prepare(self) -> None:
        """Makes ready for the next job, unless a job works: it would be in its way."""
        if not self._working:
            self._engine.prepare()

    def train(
        self,
        config: RunConfig,
        title: str = "",
        label: str = "",
        owner: str = "",
        seconds: float = 0.0,
        purpose: str = "",
    ) -> str:
        """Makes a run of these settings and has it trained; returns the job's id.

        A job that is cancelled before its training began takes its empty run with it, so that
        the list of runs holds no strange ones; such a job cannot be resumed.

        Args:
            config: Of the run; it fits the data.
            title: Of the run.
            label: Of the job; without one, the title.
            owner: Of the run and the job.
            seconds: What it takes, an estimate; 0: unknown.
            purpose: Of the run: see `Run.create`.

        Raises:
            JobError: If too many jobs wait already, or the disk is full.
        """
        self._check_room(owner)
        with storing():
            run = Run.create(self.runs_dir, config, title, owner=owner, purpose=purpose)
        words = ("train", f"--resume={run.id}")
        return self._submit_new(words, label or title, [run], owner=owner, seconds=seconds)

    def sweep(
        self,
        configs: Sequence[RunConfig],
        title: str = "",
        label: str = "",
        owner: str = "",
        seconds: float = 0.0,
        engine: str = "",
    ) -> str:
        """Opens the sweep of these settings and has its runs trained; returns the job's id.

        Args:
            configs: From `models.sweeps.grid.grid`; they fit the data.
            title: Of the sweep; another one makes another sweep.
            label: Of the job; without one, the title.
            owner: As in `train`; another one makes another sweep.
            seconds: As in `train`.
            engine: What trains them: empty, this machine; "dask", the scheduler of the start.

        Raises:
            JobError: As in `train`, or if the server was started without Dask.
        """
        self._check_room(owner)
        self._check_engine(engine)
        with storing():
            found = Sweep.open(self.runs_dir, configs, title, owner)
        runs = [member.run for member in found.members]
        words = ("sweep", f"--resume={found.id}")
        return self._submit_new(words, label or title, runs, found.id, owner, seconds, engine)

    def go_on(self, run_id: str, label: str = "", owner: str = "", seconds: float = 0.0) -> str:
        """Has a run that was stopped trained to its end; returns the job's id.

        Raises:
            JobError: As in `train`.
        """
        words = ("train", f"--resume={run_id}")
        return self.submit(words, label, (run_id,), owner=owner, seconds=seconds)

    def _submit_new(
        self,
        words: Sequence[str],
        label: str,
        runs: Sequence[Run],
        sweep: str = "",
        owner: str = "",
        seconds: float = 0.0,
        engine: str = "",
    ) -> str:
        """Submits; if that is refused, the runs that were made for it go."""
        names = [run.id for run in runs]
        try:
            return self.submit(words, label, names, sweep, owner, seconds, engine)
        except JobError:
            remove_unbegun(runs)
            raise

    def submit(
        self,
        words: Sequence[str],
        title: str = "",
        runs: Sequence[str] = (),
        sweep: str = "",
        owner: str = "",
        seconds: float = 0.0,
        engine: str = "",
    ) -> str:
        """Has `python -m models <words>` started as soon as it can be; returns the job's id.

        Args:
            words: Of `train --resume` or `sweep --resume`.
            title: A label.
            runs: Ids of the runs that it trains.
            sweep: Id of their sweep, or nothing.
            owner: As in `train`.
            seconds: As in `train`.
            engine: As in `sweep`.

        Raises:
            JobError: If too many jobs wait already, or the disk is full.
        """
        now = time.time_ns()
        record = Record(
            clean_name(title, words[0]), tuple(words), self._server, now / 1e9,
            runs=tuple(runs), sweep=sweep, owner=owner, seconds=seconds or 0.0, engine=engine,
        )  # fmt: skip
        job_id = new_id(now, self._store.ids())
        with self._entering, storing():
            self._check_room(owner)
            self._store.forget_oldest()
            try:
                self._enter(job_id, record, self._store.make(job_id))
            except OSError:
                self._store.remove(job_id)
                raise
        self._start_next()
        return job_id

    def resume(self, job_id: str) -> None:
        """Puts a job that has ended back into the queue; it goes on, bit for bit, where it was.

        Raises:
            JobError: If there is none, it is live, or its work is done; or as in `submit`.
        """
        with self._entering, storing():
            job = self.watch(job_id)
            self._check_room(job.owner)
            if not job.can_resume:
                what = "has not ended" if job.is_live else "is done"
                raise JobError(f"Only a job that ended early can be resumed, and this one {what}.")
            self._check_engine(job.engine)
            lock = self._store.claim(job_id)
            record = self._store.read(job_id)
            if record.state in LIVE:
                record = self._store.interrupted(job_id, record)
            record = replace(record, state="queued", reason="", server=self._server)
            self._enter(job_id, replace(record, entered=time.time()), lock)
        self._start_next()

    def cancel(self, job_id: str) -> None:
        """Has a job end within a second; what it has saved stays, and can be resumed.

        On Dask it ends within two, unless its workers need longer to save it.

        A job that has ended stays as it is.

        Raises:
            JobError: If there is none, or it is in the hands of another server.
        """
        self._end(job_id, "cancelled")

    def pause(self, job_id: str) -> None:
        """Has a job save all, with a model to explore, and then end; `resume` continues it.

        So it keeps neither memory nor its place, and outlives the server on disk.

        Raises:
            JobError: As in `cancel`.
        """
        self._end(job_id, "paused", PAUSE_SECONDS)

    def clear(self, reason: str) -> int:
        """Cancels all jobs of this server that wait, and tells how many.

        Args:
            reason: What their owners will read.
        """
        with self._lock:
            cleared = [active for active in self._queue]
            self._queue.clear()
        for active in cleared:
            self._conclude(active, replace(active.record, state="cancelled", reason=reason))
        return len(cleared)

    def watch(self, job_id: str) -> Job:
        """How a job is doing; cheap enough for many who ask four times a second.

        Raises:
            JobError: If there is no such job.
        """
        return self._watch(job_id, self._store.ids())

    def all(self) -> list[Job]:
        """Lists every job of the folder, newest first, also those of other servers."""
        found, ids = [], self._store.ids()
        for job_id in sorted(ids, reverse=True):
            with contextlib.suppress(JobError):  # damaged, or forgotten in this moment
                found.append(self._watch(job_id, ids))
        return found

    def _watch(self, job_id: str, ids: Collection[str]) -> Job:
        """How a job of the folder is doing."""
        with self._lock:
            active = self._mine.get(job_id)
            line = self._line()
            place = line.index(active) + 1 if active in line else 0
            working = list(self._working)
        if active is not None:
            record, progress = active.record, active.progress
            if place:
                wait = self._waits(line, working)[place - 1]
                return replace(shown_job(job_id, record, progress, place), wait_seconds=wait)
            if active.ending and record.state == "running":
                return replace(shown_job(job_id, record, progress), text=STOPPING)
            shown = shown_job(job_id, record, progress)
            return replace(shown, trouble=active.trouble(), dask=active.news())
        record = self._store.read(job_id, ids)
        if record.state in LIVE:
            record = self._store.settle(job_id, record)
        progress = self._store.progress(job_id, record)
        return shown_job(job_id, record, progress, self._store.place(record))

    # the queue

    def _check_room(self, owner: str) -> None:
        with self._lock:
            owners = [active.record.owner for active in self._queue]
        most = MAX_WAITING_SHARED if self.is_shared else MAX_WAITING
        if self.is_shared and owners.count(owner) >= MAX_WAITING_EACH:
            raise JobError(
                f"Everyone may have {MAX_WAITING_EACH} jobs waiting, and you have "
                f"{owners.count(owner)}: try again when one of them has begun."
            )
        if len(owners) >= most:
            raise JobError(
                f"At most {most} jobs can wait, and {len(owners)} do: "
                "try again when one of them has ended."
            )

    def _check_engine(self, engine: str) -> None:
        if engine and not (engine == DASK and self._dask):
            raise JobError(NO_DASK)

    def _line(self) -> list[ActiveJob]:
        """The jobs that wait, in the order of their turns."""
        if not self.is_shared:
            return [*self._queue]
        working = [active.record.owner for active in self._working]
        owners = [active.record.owner for active in self._queue]
        return [self._queue[place] for place in order(owners, working, self._served)]

    def _waits(self, line: Sequence[ActiveJob], working: Sequence[ActiveJob]) -> list[float | None]:
        """Seconds until each job of the line begins, an estimate."""
        claims = [[self._claim(active) for active in each] for each in (line, working)]
        return waits(*claims, self.slots, self.is_shared)

    def _claim(self, active: ActiveJob) -> Claim:
        record, seconds = active.record, active.record.seconds or None
        if record.state == "running":
            measure = active.progress.measure()
            left = None if seconds is None else seconds * (1 - measure.share)
            seconds = left if measure.seconds_left is None else measure.seconds_left
        return Claim(record.owner, self._slots_of(active), seconds)

    def _enter(self, job_id: str, record: Record, lock: FileLock) -> None:
        """Puts a job whose lock is held at the end of the queue."""
        try:
            self._store.write(job_id, record)
        except OSError:
            lock.release()
            raise
        active = ActiveJob(job_id, record, lock, self._store.progress_of(record))
        with self._lock:
            self._mine[job_id] = active
            self._queue.append(active)

    def _start_next(self) -> None:
        """Starts those whose turn it is, as far as there is room; none overtakes."""
        with self._lock:
            while (active := self._next()) is not None:
                self._queue.remove(active)
                active.record = replace(active.record, state="running", began=time.time())
                self._served = [*self._served[-MAX_WAITING_SHARED:], active.record.owner]
                thread = threading.Thread(target=self._attend, args=(active,), daemon=True)
                self._working[active] = thread
                thread.start()

    def _next(self) -> ActiveJob | None:
        """The job that can start now; one whose owner has another at work lets others go first."""
        busy = sum(map(self._slots_of, self._working))
        working = {active.record.owner for active in self._working} if self.is_shared else set()
        turns = [active for active in self._line() if active.record.owner not in working]
        fits = turns and busy + self._slots_of(turns[0]) <= self.slots
        return turns[0] if fits else None

    def _slots_of(self, active: ActiveJob) -> int:
        is_elsewhere = bool(active.record.engine) and self._dask != LOCAL
        return self.slots if active.record.arguments[0] == "sweep" and not is_elsewhere else 1

    def _end(self, job_id: str, state: str, patience: float | None = None) -> None:
        """Takes a job out of the queue, or has it ended."""
        with self._lock:
            active = self._mine.get(job_id)
            waits = active in self._queue
            if waits:
                self._queue.remove(active)
            elif active in self._working:
                active.ending = active.ending if active.ending == "cancelled" else state
                if active.handle is not None:
                    active.handle.cancel(active.patience if patience is None else patience)
        if waits:
            self._conclude(active, replace(active.record, state=state))
            self._start_next()
        elif active is None and self.watch(job_id).is_live:
            raise JobError("This job is in the hands of another server: stop it there.")

    def _conclude(self, active: ActiveJob, record: Record) -> None:
        """Records that a job has ended: any server may have it now."""
        if record.state == "cancelled" and self._remove_unbegun(record):
            record = replace(record, runs=())
        self._store.keep(active.id, record)
        with self._lock:
            del self._mine[active.id]
            active.lock.release()

    def _remove_unbegun(self, record: Record) -> bool:
        """Removes the runs of a job if none of them has begun; tells whether they are gone."""
        return remove_unbegun([Run(self.runs_dir / name) for name in record.runs])

    # the work

    def _attend(self, active: ActiveJob) -> None:
        """Follows one job from its start to its end, in a thread of its own."""
        record = active.record
        with contextlib.suppress(OSError):
            self._store.write(active.id, record)
        ended = replace(record, state="failed", reason=UNEXPECTED)
        try:
            ended = active.verdict(self._run(active), self.runs_dir)
        finally:
            self._conclude(active, ended)
            with self._lock:
                del self._working[active]
            self._start_next()

    def _run(self, active: ActiveJob) -> Result:
        """Starts a job and waits for its end."""
        log = self._store.log(active.id)
        with contextlib.suppress(OSError):
            log.unlink(missing_ok=True)
        memory = self.memory_bytes * self._slots_of(active) // self.slots
        try:
            handle = self._engine.start(Work(active.words(self._dask), memory, str(log)))
        except OSError:
            return Result(FAILED, UNEXPECTED)
        with self._lock:
            active.handle = handle
            if active.ending:  # told before it could hear
                handle.cancel(active.patience)
        return handle.result()
