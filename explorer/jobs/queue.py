"""Trainings and sweeps in other processes, shared by every session: started once, watched by many.

In the server, a training would stall every user. They run as niced processes of their own; what
they make lands on disk, whole, and is found there by the next visitor, also after a restart. A job
never outlives its server: `explorer.jobs.supervisor` sees to that.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from explorer.jobs.progress import Measure, Progress
from models.atomic import write_bytes
from models.config import RunConfig
from models.runs.folder import Run, list_runs
from models.sweeps.plan import cores
from models.sweeps.sweep import Sweep
from models.text import clean_name
from models.training.control import GO, read_request


class JobError(RuntimeError):
    """A process ended without its result, or cannot be had; the message is for the user."""


MAX_WAITING = 25
"""Jobs of one server that may wait."""
MAX_KEPT = 100
"""Jobs that are remembered; the runs of forgotten ones stay."""
CANCEL_SECONDS = 0.7
"""Left to a cancelled job to save its work."""
PAUSE_SECONDS = 30.0
"""Left to a paused one, which also scores its model."""
STUCK_SECONDS = 0.2
"""How much longer its keeper may take."""
CLAIM_SECONDS = 0.5
"""How long to wait where another server looks whether a job is held."""

_LIVE = ("queued", "running")
_RESUMABLE = ("paused", "cancelled", "interrupted", "failed")
_KEEPER = Path(__file__).with_name("supervisor.py")
_ROOT = Path(__file__).resolve().parents[2]
_PATH = re.compile(r"(?<!\w)/(?:[^/\s'\"]+/)+")
_UNEXPECTED = "a job must end by itself or when told to, but an unexpected error stopped it"
_KILLED = "its process must live to the end, but it was killed: resume it to go on"


@dataclass(frozen=True)
class Job:
    """A training or a sweep in the background.

    Attributes:
        id: Generated; in order of submission.
        title: The user's label.
        state: queued, running, paused, done, failed, cancelled, or interrupted: its server ended.
        position: Place in the queue, from 1; 0 if it does not wait.
        share: Done, 0 to 1.
        seconds_left: Estimate; None where there is none.
        text: Where it stands, in one line.
        reason: Why it failed, one sentence; else empty.
        runs: Ids of the runs it trains.
        sweep: Id of their sweep, or nothing.
        began: When it was started last, in seconds since 1970; 0 if it never was.
    """

    id: str
    title: str
    state: str
    position: int = 0
    share: float = 0.0
    seconds_left: float | None = None
    text: str = ""
    reason: str = ""
    runs: tuple[str, ...] = ()
    sweep: str = ""
    began: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it waits or works."""
        return self.state in _LIVE

    @property
    def can_resume(self) -> bool:
        """Whether it ended before its work was done, and its runs are there to go on with."""
        return self.state in _RESUMABLE and bool(self.runs)


@dataclass(frozen=True)
class _Record:
    """A job as it lies on disk; `entered` is when it was last put into the queue of `server`."""

    title: str
    arguments: tuple[str, ...]
    server: str
    entered: float
    state: str = "queued"
    share: float = 0.0
    text: str = ""
    reason: str = ""
    runs: tuple[str, ...] = ()
    sweep: str = ""
    began: float = 0.0

    @classmethod
    def from_bytes(cls, data: bytes) -> _Record:
        """Raises ValueError if it is none."""
        try:
            found = cls(**json.loads(data))
            return replace(found, arguments=tuple(found.arguments), runs=tuple(found.runs))
        except TypeError as error:
            raise ValueError("a job must be a JSON object with the entries of one") from error

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    def at(self, found: Measure) -> _Record:
        """The record with the progress of this moment."""
        return replace(self, share=found.share, text=found.text)


@dataclass(eq=False)
class _Active:
    """A job of this server that waits or works."""

    id: str
    record: _Record
    lock: FileLock
    progress: Progress
    keeper: subprocess.Popen | None = None
    leader: int = 0  # its process, which leads its group
    ending: str = ""  # the state in which it was told to end


class Jobs:
    """Trainings and sweeps in processes of their own, a few at a time; the others wait in line.

        runs/.jobs/<id>/job.json   what was asked for, and how it ended
                        log        the beginning of what it printed
                        lock       held by its server while it waits or works

    Jobs of other servers on the same folder can be watched; those of a dead server can be
    resumed by any. Every method may be called from any thread, and none waits for a process. A
    job that needs more than its part of `memory_bytes` is stopped.

    Args:
        runs_dir: The folder of runs.
        slots: Trainings at a time; a sweep takes all. Default: one for two processor cores.
        memory_bytes: For all of them together. Default: `memory_for_jobs()`.
        command: What gets the arguments of a job.

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
        command: Sequence[str] = (sys.executable, "-m", "models"),
    ) -> None:
        self.runs_dir = Path(runs_dir).resolve()
        self.folder = self.runs_dir / ".jobs"
        self.slots = max(1, cores() // 2) if slots is None else slots
        self.memory_bytes = memory_for_jobs() if memory_bytes is None else memory_bytes
        self._command = list(command)
        self._server = secrets.token_hex(4)
        self._entering = threading.Lock()  # held by the one who puts a job into the queue
        self._probing = threading.Lock()  # held by the one who asks whether a server is alive
        self._sparing = threading.Lock()  # held by the one who starts or takes the spare process
        self._spare: subprocess.Popen | None = None
        self._lock = threading.Lock()  # held for the following, never while waiting for a disk
        self._mine: dict[str, _Active] = {}
        self._queue: list[_Active] = []
        self._threads: dict[_Active, threading.Thread] = {}
        self._others: dict[str, Progress] = {}
        self._unwritten: dict[str, _Record] = {}  # ended while the disk was full
        self._read: dict[str, tuple[tuple, _Record]] = {}  # as last read, and when that was written
        self._settled: dict[str, tuple[_Record, _Record]] = {}  # as on disk, and as it is

    def prepare(self) -> None:
        """Has a process wait for the next job with its imports done: they take longer than the
        first epochs of a small model. While a job works there is none, for it would be in its way.
        """
        with self._sparing:
            if self._spare is not None and self._spare.poll() is not None:
                _let_go(self._spare)
                self._spare = None
            if self._threads or self._spare is not None:
                return
            with contextlib.suppress(OSError):
                self._spare = self._start_keeper("--spare", *self._command)

    def train(self, config: RunConfig, title: str = "", label: str = "") -> str:
        """Makes a run of these settings and has it trained; returns the job's id.

        A job that is cancelled before its training began takes its empty run with it, so that
        the list of runs holds no strange ones; such a job cannot be resumed.

        Args:
            config: Of the run; it fits the data.
            title: Of the run.
            label: Of the job; without one, the title.

        Raises:
            JobError: If too many jobs wait already, or the disk is full.
        """
        self._check_room()
        with _storing():
            run = Run.create(self.runs_dir, config, title)
        return self._submit_new(("train", f"--resume={run.id}"), label or title, [run])

    def sweep(self, configs: Sequence[RunConfig], title: str = "", label: str = "") -> str:
        """Opens the sweep of these settings and has its runs trained; returns the job's id.

        Args:
            configs: From `models.sweeps.grid.grid`; they fit the data.
            title: Of the sweep; another one makes another sweep.
            label: Of the job; without one, the title.

        Raises:
            JobError: As in `train`.
        """
        self._check_room()
        with _storing():
            found = Sweep.open(self.runs_dir, configs, title)
        runs = [member.run for member in found.members]
        words = ("sweep", f"--resume={found.id}")
        return self._submit_new(words, label or title, runs, found.id)

    def go_on(self, run_id: str, label: str = "") -> str:
        """Has a run that was stopped trained to its end; returns the job's id.

        Raises:
            JobError: As in `train`.
        """
        return self.submit(("train", f"--resume={run_id}"), label, (run_id,))

    def _submit_new(
        self, words: Sequence[str], label: str, runs: Sequence[Run], sweep: str = ""
    ) -> str:
        """Submits; if that is refused, the runs that were made for it go."""
        try:
            return self.submit(words, label, [run.id for run in runs], sweep)
        except JobError:
            _remove_unbegun(runs)
            raise

    def submit(
        self, words: Sequence[str], title: str = "", runs: Sequence[str] = (), sweep: str = ""
    ) -> str:
        """Has `python -m models <words>` started as soon as it can be; returns the job's id.

        Args:
            words: Of `train --resume` or `sweep --resume`.
            title: A label.
            runs: Ids of the runs that it trains.
            sweep: Id of their sweep, or nothing.

        Raises:
            JobError: If too many jobs wait already, or the disk is full.
        """
        now = time.time_ns()
        record = _Record(
            clean_name(title, words[0]), tuple(words), self._server, now / 1e9,
            runs=tuple(runs), sweep=sweep,
        )  # fmt: skip
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now // 10**9))
        job_id = f"{stamp}-{now % 10**9:09d}-{secrets.token_hex(3)}"
        with self._entering, _storing():
            self._check_room()
            self._forget_oldest()
            try:
                (self.folder / job_id).mkdir(parents=True)
                self._enter(job_id, record, self._claim(job_id))
            except OSError:
                shutil.rmtree(self.folder / job_id, ignore_errors=True)
                raise
        self._start_next()
        return job_id

    def resume(self, job_id: str) -> None:
        """Puts a job that has ended back into the queue; it goes on, bit for bit, where it was.

        Raises:
            JobError: If there is none, it is live, or its work is done; or as in `submit`.
        """
        with self._entering, _storing():
            self._check_room()
            job = self.watch(job_id)
            if not job.can_resume:
                what = "has not ended" if job.is_live else "is done"
                raise JobError(f"Only a job that ended early can be resumed, and this one {what}.")
            lock = self._claim(job_id)
            record = self._on_disk(job_id)
            if record.state in _LIVE:
                record = self._interrupted(job_id, record)
            record = replace(record, state="queued", reason="", server=self._server)
            self._enter(job_id, replace(record, entered=time.time()), lock)
        self._start_next()

    def cancel(self, job_id: str) -> None:
        """Has a job end within a second; what it has saved stays, and can be resumed.

        A job that has ended stays as it is.

        Raises:
            JobError: If there is none, or it is in the hands of another server.
        """
        self._end(job_id, "cancelled", CANCEL_SECONDS)

    def pause(self, job_id: str) -> None:
        """Has a job save all, with a model to explore, and then end; `resume` continues it.

        So it keeps neither memory nor its place, and outlives the server on disk.

        Raises:
            JobError: As in `cancel`.
        """
        self._end(job_id, "paused", PAUSE_SECONDS)

    def watch(self, job_id: str) -> Job:
        """How a job is doing; cheap enough for many who ask four times a second.

        Raises:
            JobError: If there is no such job.
        """
        return self._watch(job_id, self._ids())

    def all(self) -> list[Job]:
        """Every job of the folder, newest first, whoever started it."""
        found, ids = [], self._ids()
        for job_id in sorted(ids, reverse=True):
            with contextlib.suppress(JobError):  # damaged, or forgotten in this moment
                found.append(self._watch(job_id, ids))
        return found

    def _watch(self, job_id: str, ids: Collection[str]) -> Job:
        """How a job of the folder is doing."""
        with self._lock:
            active = self._mine.get(job_id)
            place = self._queue.index(active) + 1 if active in self._queue else 0
        if active is not None:
            record, progress = active.record, active.progress
            if active.ending and record.state == "running":
                return replace(_job(job_id, record, progress), text="stopping")
            return _job(job_id, record, progress, place)
        record = self._on_disk(job_id, ids)
        if record.state in _LIVE:
            record = self._settle(job_id, record)
        return _job(job_id, record, self._progress(job_id, record), self._place(record))

    # what lies on disk

    def _ids(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except OSError:
            return []

    def _on_disk(self, job_id: str, ids: Collection[str] | None = None) -> _Record:
        """The record of a job that is not active here; read again when it has changed."""
        with self._lock:
            record = self._unwritten.get(job_id)
            stamp, known = self._read.get(job_id, (None, None))
        if record is not None:
            return record
        try:
            if job_id not in (self._ids() if ids is None else ids):  # compared, never joined
                raise ValueError("the id must be one of the folder")
            path = self.folder / job_id / "job.json"
            status = path.stat()
            found = status.st_ino, status.st_mtime_ns, status.st_size
            if found != stamp:
                known = _Record.from_bytes(path.read_bytes())
                with self._lock:
                    self._read[job_id] = found, known
            return known
        except (OSError, ValueError) as error:
            raise JobError(f"There is no such job; the last {MAX_KEPT} are remembered.") from error

    def _write(self, job_id: str, record: _Record) -> None:
        write_bytes(self.folder / job_id / "job.json", record.to_bytes())

    def _claim(self, job_id: str, patience: float = CLAIM_SECONDS) -> FileLock:
        """The lock of a job, held."""
        lock = FileLock(self.folder / job_id / "lock", thread_local=False)
        try:
            lock.acquire(timeout=patience, poll_interval=0.01)
        except Timeout as error:
            raise JobError("This job is in the hands of another server: watch it there.") from error
        return lock

    def _settle(self, job_id: str, record: _Record) -> _Record:
        """What is true of a job that says it is live: if nobody holds it, its server has died."""
        with self._probing:
            said, settled = self._settled.get(job_id, (None, record))
            if said == record:
                return settled
            try:
                self._claim(job_id, 0.0).release()
            except (JobError, OSError):
                return record
            found = self._on_disk(job_id)  # it may have ended, or have been resumed, just before
            if found != record:
                return found
            settled = self._interrupted(job_id, record)
            self._settled[job_id] = record, settled
            return settled

    def _interrupted(self, job_id: str, record: _Record) -> _Record:
        """A job that is live on disk, but nobody's."""
        if record.state == "running":
            record = record.at(self._progress(job_id, record).measure(fresh=True))
        return replace(record, state="interrupted")

    def _progress(self, job_id: str, record: _Record) -> Progress:
        """That of another server's job, kept while it is running."""
        fresh = self._progress_of(record)
        with self._lock:
            if record.state == "running":
                return self._others.setdefault(job_id, fresh)
            self._others.pop(job_id, None)
        return fresh

    def _progress_of(self, record: _Record) -> Progress:
        return Progress(self.runs_dir, record.runs, bool(record.sweep))

    def _place(self, record: _Record) -> int:
        """Place in the queue of another server."""
        if record.state != "queued":
            return 0
        records = []
        for job_id in self._ids():
            with contextlib.suppress(JobError):
                records.append(self._on_disk(job_id))
        line = [r.entered for r in records if (r.state, r.server) == ("queued", record.server)]
        return 1 + sum(entered < record.entered for entered in line)

    def _forget_oldest(self) -> None:
        """Removes the folders of old jobs that nobody holds."""
        job_ids = sorted(self._ids())
        for job_id in job_ids[: max(0, len(job_ids) - MAX_KEPT + 1)]:
            with contextlib.suppress(JobError, OSError):
                lock = self._claim(job_id, 0.0)
                shutil.rmtree(self.folder / job_id, ignore_errors=True)
                lock.release()
            with self._probing, self._lock:
                for known in (self._settled, self._unwritten, self._others, self._read):
                    known.pop(job_id, None)

    # the queue

    def _check_room(self) -> None:
        with self._lock:
            waiting = len(self._queue)
        if waiting >= MAX_WAITING:
            raise JobError(
                f"At most {MAX_WAITING} jobs can wait, and {waiting} do: "
                "try again when one of them has ended."
            )

    def _enter(self, job_id: str, record: _Record, lock: FileLock) -> None:
        """Puts a job whose lock is held at the end of the queue."""
        try:
            self._write(job_id, record)
        except OSError:
            lock.release()
            raise
        active = _Active(job_id, record, lock, self._progress_of(record))
        with self._lock:
            for stale in (self._unwritten, self._others):
                stale.pop(job_id, None)
            self._mine[job_id] = active
            self._queue.append(active)

    def _start_next(self) -> None:
        """Starts those at the head of the queue, as far as there is room; none overtakes."""
        with self._lock:
            while self._queue:
                busy = sum(self._slots_of(active) for active in self._threads)
                if busy + self._slots_of(self._queue[0]) > self.slots:
                    return
                active = self._queue.pop(0)
                thread = threading.Thread(target=self._attend, args=(active,), daemon=True)
                self._threads[active] = thread
                thread.start()

    def _slots_of(self, active: _Active) -> int:
        return self.slots if active.record.arguments[0] == "sweep" else 1

    def _end(self, job_id: str, state: str, patience: float) -> None:
        """Takes a job out of the queue, or has it ended."""
        with self._lock:
            active = self._mine.get(job_id)
            waits = active in self._queue
            if waits:
                self._queue.remove(active)
            elif active in self._threads:
                active.ending = active.ending if active.ending == "cancelled" else state
                self._tell(active, patience)
        if waits:
            self._conclude(active, replace(active.record, state=state))
            self._start_next()
        elif active is None and self.watch(job_id).is_live:
            raise JobError("This job is in the hands of another server: stop it there.")

    def _conclude(self, active: _Active, record: _Record) -> None:
        """A job has ended: any server may have it now."""
        unwritten = {}
        if record.state == "cancelled" and self._remove_unbegun(record):
            record = replace(record, runs=())
        try:
            self._write(active.id, record)
        except OSError:
            unwritten = {active.id: record}
        with self._lock:
            self._unwritten |= unwritten
            del self._mine[active.id]
            active.lock.release()

    def _remove_unbegun(self, record: _Record) -> bool:
        """Removes the runs of a job if none of them has begun; tells whether they are gone."""
        return _remove_unbegun([Run(self.runs_dir / name) for name in record.runs])

    # the processes

    def _attend(self, active: _Active) -> None:
        """One job from its start to its end, in a thread of its own."""
        record = active.record = replace(active.record, state="running", began=time.time())
        with contextlib.suppress(OSError):
            self._write(active.id, record)
        ended = replace(record, state="failed", reason=_UNEXPECTED)
        try:
            ended = self._verdict(active, self._run(active))
        finally:
            self._conclude(active, ended)
            with self._lock:
                del self._threads[active]
            self._start_next()

    def _run(self, active: _Active) -> dict[str, Any]:
        """Starts a job and waits for its end; what its keeper says of it, or nothing."""
        log = self.folder / active.id / "log"
        with contextlib.suppress(OSError):
            log.unlink(missing_ok=True)
        try:
            keeper = self._keeper_for(active, str(log))
        except OSError:
            return {}
        with keeper:
            with self._lock:
                active.keeper = keeper
                if active.ending:  # told before it could hear
                    self._tell(active, CANCEL_SECONDS)
            active.leader = int(keeper.stdout.readline() or 0)
            last = keeper.stdout.readline()
        try:
            return json.loads(last)
        except ValueError:  # the keeper was killed
            _kill_group(active.leader)
            return {}

    def _keeper_for(self, active: _Active, log: str) -> subprocess.Popen:
        """The spare keeper, if there is one, or a new one; it has been told what to do."""
        share, arguments = self._share_of(active), list(active.record.arguments)
        with self._sparing:
            spare, self._spare = self._spare, None
        if spare is not None:
            try:
                print(json.dumps([log, share, arguments]), file=spare.stdin, flush=True)
                return spare
            except OSError:  # it has been killed
                _let_go(spare)
        return self._start_keeper(log, str(share), *self._command, *arguments)

    def _start_keeper(self, *arguments: str) -> subprocess.Popen:
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_KEEPER), *arguments], **pipes,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            env=_environment(self.runs_dir),
        )  # fmt: skip

    def _share_of(self, active: _Active) -> int:
        """Bytes that a job may use."""
        return self.memory_bytes * self._slots_of(active) // self.slots

    def _tell(self, active: _Active, patience: float) -> None:
        """Asks a job's keeper to end it; if it does not, it is ended. `_lock` is held."""
        if active.keeper is None:
            return
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            active.keeper.stdin.write(f"{patience}\n")
            active.keeper.stdin.flush()
        force = threading.Timer(patience + STUCK_SECONDS, self._force, [active])
        force.daemon = True
        force.start()

    def _force(self, active: _Active) -> None:
        if active.keeper.poll() is None:
            _kill_group(active.leader)
            active.keeper.kill()

    def _verdict(self, active: _Active, result: dict[str, Any]) -> _Record:
        """How a job has ended."""
        found = active.progress.measure(fresh=True)
        record, status = active.record.at(found), result.get("status")
        is_whole = found.share == 1 or not (record.runs or active.ending)
        if status == 0 and is_whole:
            return replace(record, state="done", share=1.0)
        if active.ending or status == 0:  # stopped by us, or by somebody else
            return replace(record, state=active.ending or self._left(record))
        return replace(record, state="failed", reason=self._reason(active, record, result))

    def _left(self, record: _Record) -> str:
        """How a job ended that nobody here has told to: it was held for long, or stopped."""
        folders = [run.folder for run in list_runs(self.runs_dir) if run.id in record.runs]
        is_held = bool(folders) and all(read_request(folder).order != GO for folder in folders)
        return "paused" if is_held else "interrupted"

    def _reason(self, active: _Active, record: _Record, result: dict[str, Any]) -> str:
        """Why a job has failed, in one sentence without a path."""
        if result.get("too_large"):
            return (
                f"a job must fit into {self._share_of(active) / 2**30:.1f} GB of memory, but this "
                "one grew beyond it: choose a smaller network or fewer images"
            )
        if result.get("status", -1) < 0:
            return _KILLED
        lines = result["tail"].splitlines()
        errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
        if not errors:
            return self._reason_of_sweep(record.sweep) or _UNEXPECTED
        return self._presentable(errors[-1].removesuffix("."))

    def _reason_of_sweep(self, sweep: str) -> str:
        """How many members of a sweep failed, and why the first did; empty if none has."""
        try:
            table = json.loads((self.runs_dir / f"sweep-{sweep}.json").read_bytes())
            failed = [row["reason"] for row in table["members"] if row["reason"]]
            runs = len(table["members"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        which = f"{len(failed)} of {runs} runs failed, the first because "
        return which + self._presentable(failed[0]) if failed else ""

    def _presentable(self, text: str) -> str:
        """A sentence of the command line without folders and characters that do not print."""
        for folder in (self.runs_dir, _ROOT, Path.home()):
            text = text.replace(f"{folder}/", "/")
        return "".join(filter(str.isprintable, _PATH.sub("", text)))[:300]


_SHOWN = ("title", "state", "share", "text", "reason", "runs", "sweep", "began")


def _job(job_id: str, record: _Record, progress: Progress, place: int = 0) -> Job:
    """What is shown of a job; only one that works is measured."""
    shown = {name: getattr(record, name) for name in _SHOWN}
    if record.state == "running":
        shown |= progress.measure()._asdict()
    return Job(job_id, position=place, **shown)


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    """A disk that does not take a job is a sentence for the user."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise JobError(f"The job cannot be stored: {reason}.") from error


def _remove_unbegun(runs: Sequence[Run]) -> bool:
    """Removes runs if none of them has begun, and tells whether it did."""
    if any(run.state_path.exists() or run.model_path.exists() for run in runs):
        return False
    for run in runs:
        shutil.rmtree(run.folder, ignore_errors=True)
    return True


def _environment(runs_dir: Path) -> dict[str, str]:
    """Ours, with the project on the path, one thread for libraries, and plain long lines."""
    known = os.environ.get("PYTHONPATH")
    return os.environ | {
        "LATENT_RUNS_DIR": str(runs_dir),
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{known}" if known else str(_ROOT),
        "PYTHONSAFEPATH": "1",  # a folder `models` where the server was started is not ours
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
    }


def _let_go(keeper: subprocess.Popen) -> None:
    """Ends a keeper that has no job."""
    with contextlib.suppress(OSError), keeper:
        keeper.kill()


def _kill_group(leader: int) -> None:
    if leader:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


def memory_for_jobs() -> int:
    """Half of the memory of this machine, or of the container that the server is in; bytes."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # absent, or no limit
            limits.append(int(Path("/sys/fs/cgroup", path).read_text()))
    return min(limits) // 2
