"""One run of a page at a time, in the order in which people came.

Python runs one thread at a time. Forty clicks that share it are all answered when the last one is,
and then all forty people click again together; one after the other they are answered in half the
time, and drift apart. A run that takes long continues beside the next one, so that no session
waits for the work of another.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from explorer.services import run_folders

LONG_SECONDS = 0.25
"""After so long in turn, the next one begins too."""


class Turns:
    """A queue for threads: the first has the turn.

    Args:
        long_seconds: How long one may have it while others wait.

    Example:
        >>> turns = Turns(long_seconds=1.0)
        >>> with turns.turn(), turns.turn():  # a thread that has it need not wait for itself
        ...     print("mine")
        mine
    """

    def __init__(self, long_seconds: float) -> None:
        self._long_seconds = long_seconds
        self._lock = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._since = 0.0
        self._mine = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until it is this thread's turn, which ends with the block."""
        if getattr(self._mine, "has_it", False):
            yield
            return
        ticket = threading.Event()
        with self._lock:
            self._queue.append(ticket)
            if self._queue[0] is ticket:
                self._begin()
        while not ticket.wait(self._long_seconds):
            self._pass_by(ticket)
        self._mine.has_it = True
        try:
            yield
        finally:
            self._mine.has_it = False
            self._end(ticket)

    def _begin(self) -> None:
        """The first in the queue has the turn from now on."""
        self._since = time.monotonic()
        if self._queue:
            self._queue[0].set()

    def _pass_by(self, ticket: threading.Event) -> None:
        """Takes the turn from one that has had it for long, for the next in the queue."""
        with self._lock:
            is_long = time.monotonic() - self._since >= self._long_seconds
            if is_long and not ticket.is_set():
                self._queue.popleft()
                self._begin()

    def _end(self, ticket: threading.Event) -> None:
        """The next one's turn, unless it was taken before."""
        with self._lock:
            if self._queue and self._queue[0] is ticket:
                self._queue.popleft()
                self._begin()


pages = Turns(LONG_SECONDS)
"""Of all sessions of this server."""


@contextmanager
def turn() -> Iterator[None]:
    """Waits for the turn of this run of a page, which then looks at the runs folder once."""
    with pages.turn(), run_folders.one_look():
        yield


def fragment(
    function: Callable[..., None], run_every: float | None = None, key: str | None = None
) -> Callable[..., None]:
    """Makes a part of a page that is run again by itself, in turn: Streamlit's fragment.

    Args:
        function: Shows the part.
        run_every: After so many seconds, again and again.
        key: Under which `run_again` finds it.
    """

    @functools.wraps(function)
    def in_turn(*arguments: Any) -> None:
        with turn():
            function(*arguments)

    return st.fragment(in_turn, run_every=run_every, key=key)


def run_again(*keys: str) -> None:
    """Has these parts of the page run in place of the one whose callback calls this; where one of
    them is not shown, or no callback runs, all stays as it is."""
    with contextlib.suppress(StreamlitAPIException):
        st.rerun(list(keys))
