"""What is asked of an engine, and what it promises: the interface of every engine.

An engine starts work elsewhere and gives a handle. Work is plain data, so that it can be sent to
another process or machine. While work goes on it is paused, continued and changed through its run
folders (`models.training.control`); a handle only follows it and ends it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
KILLED = "its process must live to the end, but it was killed: resume it to go on"
UNEXPECTED = "work must end by itself or when told to, but an unexpected error stopped it"


@dataclass(frozen=True)
class Work:
    """What an engine is asked to do.

    Attributes:
        words: Of the command line, what follows `python -m models`.
        memory_bytes: Beyond which the work is stopped; 0: no limit.
        log: File for the beginning of what it prints; empty: none.
        folders: Of runs: paths that it reads and writes.
        files: What it reads besides: paths by their names, which begin with "data/" for what lies
            in the folder of data sets and with "runs/" for that of runs. Work on another machine
            gets copies of both, and the options `--runs-dir` and `--data-dir` that name them.
    """

    words: tuple[str, ...]
    memory_bytes: int = 0
    log: str = ""
    folders: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, hash=False)


class Result(NamedTuple):
    """How work ended: done, failed or cancelled, and why it failed, in one sentence or empty."""

    state: str
    reason: str = ""


class Handle(Protocol):
    """Work that has been started. Every method may be called from any thread."""

    work: Work

    @property
    def state(self) -> str:
        """Running, done, failed or cancelled."""

    @property
    def latest(self) -> Any:
        """The latest event; None before the first."""

    def events(self) -> Iterator[Any]:
        """Yields what the work reports, in order, until it has ended; for one reader."""

    def result(self, timeout: float | None = None) -> Result:
        """Waits for the end.

        Args:
            timeout: Seconds; None: as long as it takes.

        Raises:
            TimeoutError: If the work has not ended by then.
        """

    def cancel(self, patience: float) -> None:
        """Tells the work to save all and end, and returns at once.

        Args:
            patience: Seconds after which it is ended by force.
        """


class BaseHandle:
    """What handles have in common: events and a result, put by one thread and taken by another.

    Example:
        >>> handle = BaseHandle(Work(("list",)))
        >>> handle.put({"share": 0.5})
        >>> handle.end(True, "")
        >>> list(handle.events()), handle.result().state
        ([{'share': 0.5}], 'done')
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._latest: Any = None
        self._is_told = False
        self._result: Result | None = None
        self._ended = threading.Event()

    @property
    def state(self) -> str:
        return self._result.state if self._result else RUNNING

    @property
    def latest(self) -> Any:
        return self._latest

    @property
    def is_told(self) -> bool:
        """Whether it has been told to end."""
        return self._is_told

    def events(self) -> Iterator[Any]:
        while message := self._events.get():
            yield message[0]

    def result(self, timeout: float | None = None) -> Result:
        if not self._ended.wait(timeout):
            raise TimeoutError("the work must end within the time given, but it goes on")
        return self._result

    def put(self, event: Any) -> None:
        """Takes an event of the work."""
        self._latest = event
        self._events.put((event,))

    def end(self, has_succeeded: bool, reason: str) -> None:
        """Takes the end of the work."""
        state = CANCELLED if self._is_told else DONE if has_succeeded else FAILED
        self._result = Result(state, reason if state == FAILED else "")
        self._ended.set()
        self._events.put(())


class Engine(Protocol):
    """Does several pieces of work at a time; none outlives the process that owns the engine."""

    def start(self, work: Work) -> Handle:
        """Starts work.

        Raises:
            OSError: If it cannot be started here.
        """

    def room(self, threads: int, device: str) -> int:
        """Counts the pieces of work that it can do at a time, now.

        Args:
            threads: Of each.
            device: "cpu", "cuda" or "mps".
        """

    def prepare(self) -> None:
        """Makes ready for the next training, so that it begins sooner."""

    def close(self) -> None:
        """Lets go of what waits for work; work that goes on is not ended."""
