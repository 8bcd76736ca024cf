"""What is asked of an engine, and what it promises: the interface of every engine.

An engine starts work elsewhere and gives a handle. Work is plain data, so that it can be sent to
another process or machine. While work goes on it is paused, continued and changed through its run
folders (`models.training.control`); a handle only follows it and ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    """

    words: tuple[str, ...]
    memory_bytes: int = 0
    log: str = ""


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


class Engine(Protocol):
    """Does several pieces of work at a time; none outlives the process that owns the engine."""

    def start(self, work: Work) -> Handle:
        """Starts work.

        Raises:
            OSError: If it cannot be started here.
        """

    def prepare(self) -> None:
        """Makes ready for the next training, so that it begins sooner."""

    def close(self) -> None:
        """Lets go of what waits for work; work that goes on is not ended."""
