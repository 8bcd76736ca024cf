"""What a worker of Dask does for the owner of a `models.engines.dask.DaskEngine`.

Dask calls `perform` in the worker's one thread: it receives what the work needs, has a local
engine do it in a process, and waits. Meanwhile the owner calls the other functions, which Dask
runs beside its tasks: `exchange` fetches news, `give` and `put` bring files, `stop` and `leave`
end it. So everything passes through the scheduler, nothing is kept there, and work of which nobody
has asked for a while ends by itself, for its owner is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import os
import platform
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.engines.handle import CANCELLED, FAILED, Result, Work
from models.engines.local import LocalEngine, LocalHandle
from models.engines.transfer import Changes, write_folder
from models.places import disk_reason, make_folder

LOOK_SECONDS = 0.02
"""Between two looks for news."""
REPORT_SECONDS = 1.0
"""Between two reports of work that goes on."""
SILENCE_SECONDS = 1.0
"""Longest that an owner waits for an answer."""
LEAVE_SECONDS = 5.0
"""Left to work whose owner is gone."""

_PACKAGE = Path(__file__).resolve().parents[1]
_heard: dict[str, float] = {}
_attempts: dict[str, Attempt] = {}


@dataclass(frozen=True)
class Order:
    """A piece of work as it travels.

    Attributes:
        owner: Whose it is, a random name.
        key: Of the task.
        words: See `Work`.
        memory_bytes: See `Work`.
        folders: Names of the folders that it reads and writes.
        files: Fingerprints of what it reads besides, by name.
        sent: See `models.engines.transfer.Rules`.
        returned: Likewise.
        module: Whose process does it.
        lost_seconds: Silence of the owner after which the work ends.
    """

    owner: str
    key: str
    words: tuple[str, ...]
    memory_bytes: int
    folders: tuple[str, ...]
    files: Mapping[str, str]
    sent: tuple[str, ...]
    returned: tuple[str, ...]
    module: str
    lost_seconds: float


@dataclass(frozen=True)
class Report:
    """News of an attempt, numbered from 1; it is repeated until its owner has it.

    Attributes:
        attempt: Its id.
        key: Of its task.
        number: Of the report.
        needs_folders: Names of folders that are to be given.
        needs_files: Fingerprints of files that are to be put.
        events: What the work reported.
        changed: Files by folder and name.
        gone: Names of files that are no more, by folder.
        result: How the work ended, if it has; the last report.
    """

    attempt: str
    key: str
    number: int
    needs_folders: tuple[str, ...]
    needs_files: tuple[str, ...]
    events: tuple[Any, ...]
    changed: Mapping[str, Mapping[str, bytes]]
    gone: Mapping[str, list[str]]
    result: Result | None


class AbandonedError(Exception):
    """Nobody has asked for the work for too long."""


class Attempt:
    """One try of a piece of work on this worker.

    Args:
        order: What is asked for.
        home: A folder of this worker.
    """

    def __init__(self, order: Order, home: Path) -> None:
        self.id, self.order = secrets.token_hex(6), order
        self._store = home / "latent-files"
        self.place = home / f"latent-{self.id}"
        self._handle: LocalHandle | None = None
        self._patience: float | None = None  # once it has been told to stop
        self._is_taken = threading.Event()
        self._lock = threading.Lock()  # held for the following
        self._waits_for_folders = set(order.folders)
        self._events: list[Any] = []
        self._changes: dict[str, Changes] = {}
        self._result: Result | None = None
        self._latest: Report | None = None
        self._number, self._reported = 0, -float("inf")
        self._asked: Any = None

    # in the worker's thread

    def run(self) -> None:
        """Does the work and waits until its owner has the news of its end."""
        _heard[self.order.owner] = time.monotonic()
        try:
            make_folder(self.place / "runs")
            make_folder(self.place / "data")
            make_folder(self._store)
            engine = local_engine(self.order.module)
            engine.prepare()  # its imports go on while the files come
            if self._receive():
                self._do(engine)
        except OSError as error:
            self.end(Result(FAILED, _of_this_disk(error)))
        while not self._is_taken.wait(LOOK_SECONDS):
            self._check_owner()

    def _receive(self) -> bool:
        """Waits until all is here; tells whether the work is still wanted then."""
        while any(self._needs()):
            self._check_owner()
            if self._patience is not None:
                self.end(Result(CANCELLED))
                return False
            time.sleep(LOOK_SECONDS)
        for name, digest in self.order.files.items():
            target = self.place / name
            make_folder(target.parent)
            try:
                os.link(self._store / digest, target)
            except OSError:  # not on this disk
                shutil.copyfile(self._store / digest, target)
        return True

    def _needs(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Folders and fingerprints of files that are not here yet."""
        digests = sorted(set(self.order.files.values()))
        missing = tuple(digest for digest in digests if not (self._store / digest).exists())
        return tuple(sorted(self._waits_for_folders)), missing

    def _do(self, engine: LocalEngine) -> None:
        """Has a process do the work, and follows it to its end."""
        order, place = self.order, self.place
        words = (*order.words, f"--runs-dir={place / 'runs'}", f"--data-dir={place / 'data'}")
        words = words if order.folders else order.words
        handle = engine.start(Work(words, order.memory_bytes))
        reader = threading.Thread(target=self._read, args=(handle,), daemon=True)
        reader.start()
        self._handle = handle
        if self._patience is not None:  # told before it could hear
            handle.cancel(self._patience)
        result = None
        while result is None:
            with contextlib.suppress(TimeoutError):
                result = handle.result(10 * LOOK_SECONDS)
            self._check_owner()
        reader.join()
        self.end(result)

    def _read(self, handle: LocalHandle) -> None:
        for event in handle.events():
            with self._lock:
                self._events.append(event)

    def _check_owner(self) -> None:
        """Ends the work of an owner that is gone."""
        if time.monotonic() - _heard[self.order.owner] < self.order.lost_seconds:
            return
        if self._handle is not None:
            self._handle.cancel(LEAVE_SECONDS)
            self._handle.result()
        raise AbandonedError("the owner of the work must ask for it, but is gone")

    # beside it

    def end(self, result: Result) -> None:
        """Takes the end of the work."""
        with self._lock:
            self._result = self._result or result

    def stop(self, patience: float) -> None:
        """Tells the work to save all and end."""
        self._patience = patience
        if self._handle is not None:
            self._handle.cancel(patience)

    def leave(self) -> None:
        """Ends an attempt of which its owner wants no more news."""
        self._is_taken.set()
        if self._result is None:
            self.stop(0.0)

    def give(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Takes the files of a folder."""
        if folder not in self.order.folders:
            raise ValueError(f"the folder must be one of the work's, got {folder!r:.80}")
        write_folder(self.place / "runs" / folder, files, (), self.order.sent)
        with self._lock:
            path = self.place / "runs" / folder
            self._changes[folder] = Changes(path, self.order.returned)
            self._waits_for_folders.discard(folder)

    def has_news(self, seen: int) -> bool:
        """Whether there is a report for an owner that has seen that many."""
        if self._number > seen or self._result is not None:
            return not self._is_taken.is_set()
        needs = self._needs()
        if any(needs) and needs != self._asked:
            return True
        return not any(needs) and time.monotonic() - self._reported >= REPORT_SECONDS

    def report(self, seen: int) -> Report | None:
        """Makes the next report, or the last one again if it has not been seen."""
        with self._lock:
            if self._number > seen:
                return self._latest
            if self._latest is not None and self._latest.result is not None:
                self._is_taken.set()
                return None
            result, events, self._events = self._result, self._events, []
            self._asked = self._needs() if result is None else ((), ())
            changed, gone = {}, {}
            for name, changes in self._changes.items():
                found, lost = changes.take()
                changed |= {name: found} if found else {}
                gone |= {name: lost} if lost else {}
            self._number += 1
            self._reported = time.monotonic()
            given = (self.id, self.order.key, self._number, *self._asked, tuple(events))
            self._latest = Report(*given, changed, gone, result)
            return self._latest

    def put(self, digest: str, start: int, data: bytes, is_last: bool) -> None:
        """Takes a piece of a file, and keeps the file once it is whole and the one expected."""
        part = self._store / f"{digest}-{self.id}"
        if not start:
            part.write_bytes(b"")
        with open(part, "r+b") as file:
            file.seek(start)
            file.write(data)
        if is_last:
            with open(part, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != digest:
                raise ValueError("a file must arrive as it was sent, but it did not: try again")
            part.replace(self._store / digest)


def _of_this_disk(error: OSError) -> str:
    return f"a file cannot be used on a worker: {disk_reason(error)}"


RETURNS_MEMORY = "MALLOC_TRIM_THRESHOLD_"
"""Dask's nanny sets it, so that a worker gives memory back at once; a training takes the same again
at every step, and was 1.7 times as long."""
_engines: dict[str, LocalEngine] = {}
_making = threading.Lock()


def local_engine(module: str) -> LocalEngine:
    """The one engine of this worker whose processes run that module."""
    with _making:
        if module not in _engines:
            os.environ.pop(RETURNS_MEMORY, None)
            command = (sys.executable, "-m", module)
            _engines[module] = LocalEngine(niceness=0, reuses=True, command=command)
        return _engines[module]


# --- what Dask calls -----------------------------------------------------------------------------


def perform(order: Order) -> None:
    """Does a piece of work in a process of this machine; the task.

    Raises:
        AbandonedError: If its owner is gone, so that Dask may try again where one is left.
    """
    from distributed import get_worker

    attempt = Attempt(order, Path(get_worker().local_directory))
    _attempts[attempt.id] = attempt
    try:
        attempt.run()
    finally:
        del _attempts[attempt.id]
        shutil.rmtree(attempt.place, ignore_errors=True)


async def exchange(owner: str, seen: Mapping[str, int]) -> list[Report]:
    """Waits a moment for news of the attempts of an owner.

    Args:
        owner: See `Order`.
        seen: Numbers of the last reports by attempt.
    """
    end = time.monotonic() + SILENCE_SECONDS
    while True:
        _heard[owner] = time.monotonic()
        ours = [attempt for attempt in [*_attempts.values()] if attempt.order.owner == owner]
        news = [each for each in ours if each.has_news(seen.get(each.id, 0))]
        if news or time.monotonic() >= end:
            break
        await asyncio.sleep(LOOK_SECONDS)
    reports = [await asyncio.to_thread(each.report, seen.get(each.id, 0)) for each in news]
    return [report for report in reports if report is not None]


async def give(owner: str, attempt_id: str, folder: str, files: Mapping[str, bytes]) -> str:
    """Takes a folder for an attempt; returns why it cannot be kept, or nothing."""
    _heard[owner] = time.monotonic()
    return await _keep(attempt_id, "give", folder, files)


async def put(
    owner: str, attempt_id: str, digest: str, start: int, data: bytes, is_last: bool
) -> str:
    """Takes a piece of a file for an attempt; returns why it cannot be kept, or nothing."""
    _heard[owner] = time.monotonic()
    return await _keep(attempt_id, "put", digest, start, data, is_last)


async def _keep(attempt_id: str, method: str, *content: Any) -> str:
    attempt = _attempts.get(attempt_id)
    if attempt is None:  # it has ended meanwhile
        return ""
    try:
        await asyncio.to_thread(getattr(attempt, method), *content)
    except OSError as error:
        return _of_this_disk(error)
    except ValueError as error:
        return str(error)
    return ""


def leave(owner: str, attempt_id: str = "") -> None:
    """Ends an attempt of an owner, or all of them: no more news is wanted."""
    for attempt in [*_attempts.values()]:
        if attempt.order.owner == owner and attempt_id in ("", attempt.id):
            attempt.leave()


def stop(attempt_id: str, patience: float) -> None:
    """Tells an attempt to save all and end."""
    if attempt := _attempts.get(attempt_id):
        attempt.stop(patience)


def examine(is_local: bool, dask_worker: Any = None) -> dict[str, Any]:
    """Describes this worker: its threads, and what its results depend on.

    Args:
        is_local: Whether its owner started it. Then Ctrl-C reaches both, and is the owner's to
            answer: the work must be saved first.
        dask_worker: Dask gives it.
    """
    if is_local:
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    return {"threads": dask_worker.state.nthreads, **surroundings()}


def surroundings() -> dict[str, str]:
    """Describes what results depend on: this program, torch, and the kind of processor.

    Example:
        >>> sorted(surroundings())
        ['processor', 'program', 'torch']
    """
    torch = ""
    with contextlib.suppress(PackageNotFoundError):
        torch = version("torch")
    return {"program": _program(), "torch": torch, "processor": _processor()}


@functools.cache
def _program() -> str:
    """A digest of the sources of this package."""
    total = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        total.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def _processor() -> str:
    """The kind of processor, as far as the system tells it."""
    kind = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        kind = names[0] if names else kind
    return f"{platform.machine()} {kind}".strip()
