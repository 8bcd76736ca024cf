"""Sweeps on Dask, as the server knows them: by what processes of its own tell.

A client of Dask trusts what its scheduler sends. So the server has none: the command `sweep` talks
to the scheduler that the server was started with, and so does `workers`, which counts its workers.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from models.engines.dask_scheduler import LOCAL
from models.engines.handle import FAILED, RUNNING, Engine, Handle, Work
from models.engines.local import LocalEngine
from models.engines.system import cores

DASK = "dask"
"""Names the engine in a job and in a link; its address is named by the start alone."""
LOOK_SECONDS = 30.0
"""So long the number of workers is believed."""


class DaskNews(NamedTuple):
    """What a sweep on Dask tells: workers; runs in training and waiting; the address of Dask's own
    dashboard; how results will differ from this machine's; both may be empty."""

    workers: int = 0
    training: int = 0
    waiting: int = 0
    dashboard: str = ""
    note: str = ""

    @classmethod
    def of(cls, event: Any) -> DaskNews | None:
        """Reads the latest event of a job; None where it is no news of Dask.

        Example:
            >>> DaskNews.of({"dask": {"workers": 4, "dashboard": "javascript:alert(1)"}})
            DaskNews(workers=4, training=0, waiting=0, dashboard='', note='')
            >>> DaskNews.of(0.5) is None
            True
        """
        told = event.get(DASK) if isinstance(event, dict) else None
        if not isinstance(told, dict):
            return None
        counts = [_count(told.get(name)) for name in ("workers", "training", "waiting")]
        note = str(told.get("note", ""))[:300]
        return cls(*counts, _page(told.get("dashboard")), "".join(filter(str.isprintable, note)))


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0


def _page(address: Any) -> str:
    """The address of a page; nothing if it is none."""
    text = address if isinstance(address, str) and address.isprintable() else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.hostname else ""


class Known(NamedTuple):
    """What is known of a scheduler: how many workers can train, None before it has answered;
    whether it is being asked; and why none can train, one sentence or nothing."""

    workers: int | None
    is_asked: bool
    problem: str


class Scheduler:
    """The Dask scheduler that the server was started with, asked now and then for its workers.

    Every method may be called from any thread, and none waits.

    Args:
        address: As checked by `explorer.server.options`.
        engine: What asks. Default: a `LocalEngine`.
    """

    def __init__(self, address: str, engine: Engine | None = None) -> None:
        self.address = address
        self._engine = engine or LocalEngine()
        self._lock = threading.Lock()  # held for the following
        self._handle: Handle | None = None
        self._asked = -math.inf
        self._workers: int | None = None

    @property
    def place(self) -> str:
        """Says where it is.

        Example:
            >>> Scheduler("tls://cluster.example:8786").place, Scheduler("local").place
            ('at cluster.example:8786', 'on this machine')
        """
        return "on this machine" if self.address == LOCAL else f"at {urlsplit(self.address).netloc}"

    def look(self) -> Known:
        """Asks for its workers, unless that was not long ago; tells what is known."""
        with self._lock, contextlib.suppress(OSError):  # no process can be started here
            if self.address != LOCAL and self._is_old():
                self._handle = self._engine.start(Work(("workers", f"--dask={self.address}")))
                self._asked = time.monotonic()
        return self.known()

    def known(self) -> Known:
        """Tells what is known; while an answer is awaited, the one before counts."""
        if self.address == LOCAL:
            return Known(cores(), False, "")
        with self._lock:
            handle = self._handle
            if handle is None or handle.state == RUNNING:
                return Known(self._workers, handle is not None, "")
            problem = handle.result().reason if handle.state == FAILED else ""
            told = handle.latest.get("workers") if isinstance(handle.latest, dict) else None
            self._workers = None if problem else _count(told)
            return Known(self._workers, False, problem)

    def _is_old(self) -> bool:
        is_asked = self._handle is not None and self._handle.state == RUNNING
        return not is_asked and time.monotonic() - self._asked > LOOK_SECONDS
