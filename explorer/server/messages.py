"""What a browser sends over its WebSocket: so many messages a second, only those that are needed.

A rerun that comes while another waits replaces it, with what was clicked in the first; so a flood
costs its sender, nobody else, and the last value always arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes

from explorer.server import uploads

AT_ONCE = 4
"""Messages that are passed on without a wait, after a rest."""
PER_SECOND = 16
"""Messages passed on in a second of many: with those at once, 20 in any second."""
MAX_WAITING = 32
"""Messages that wait; the browser is read no further meanwhile."""
READ_SECONDS, READ_BYTES_PER_SECOND = 0.0005, 10e6
"""What reading a message beside others takes, and its bytes: the pace of a flood."""
BREATH_SECONDS = 0.01
"""The shortest pause."""
NEEDED = {"rerun_script", "stop_script", "file_urls_request", "app_heartbeat"}
NEEDED_OPERATIONS = {"deferred_file", "dataframe_chunk"}
"""Kinds of messages that the pages need. Others would clear the cache of all, or install things."""
TRIGGERS = {"trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value"}
"""Values of widgets that happen, like a click, and are sent once."""


class Pace:
    """A pace of some at once, then so many a second.

    Args:
        now: The time, seconds.

    Example:
        >>> pace = Pace(0.0)
        >>> [pace.take(0.0) for _ in range(4)]
        [0.0, 0.0, 0.0, 0.0]
        >>> pace.wait(0.0)
        0.0625
    """

    def __init__(self, now: float) -> None:
        self._free_at = now - AT_ONCE / PER_SECOND

    def wait(self, now: float) -> float:
        """Seconds until the next may pass."""
        return max(0.0, self._earliest(now) + 1 / PER_SECOND - now)

    def take(self, now: float) -> float:
        """Lets one pass; returns how much too early that was, seconds."""
        early = self.wait(now)
        self._free_at = self._earliest(now) + 1 / PER_SECOND
        return early

    def _earliest(self, now: float) -> float:
        """What was not used counts for as many as may pass at once."""
        return max(self._free_at, now - AT_ONCE / PER_SECOND)


@dataclass
class _Waiting:
    """A message that waits, and what it says if it is a rerun."""

    message: Message
    rerun: BackMsg | None = None

    def to_message(self) -> Message:
        """As the app receives it."""
        if self.rerun is None:
            return self.message
        return {"type": "websocket.receive", "bytes": self.rerun.SerializeToString()}


class Line:
    """The messages of one browser, between its WebSocket and the app.

    Args:
        receive: Of the WebSocket.
        clock: Seconds.
    """

    def __init__(self, receive: Receive, clock: Callable[[], float] = time.monotonic) -> None:
        self._receive, self._clock = receive, clock
        self._pace = Pace(clock())
        self._waiting: deque[_Waiting] = deque()
        self._changed = asyncio.Condition()
        self._debt = 0.0

    async def read(self) -> None:
        """Reads the browser until it leaves."""
        while True:
            message = await self._receive()
            async with self._changed:
                if self._waiting:
                    await self._changed.wait_for(lambda: len(self._waiting) < MAX_WAITING)
                if is_needed(message):
                    self._add(message)
                    self._changed.notify_all()
            if message["type"] == "websocket.disconnect":
                return
            await self._rest(message)

    def _add(self, message: Message) -> None:
        """Lets a message wait, or merges it with the last one."""
        rerun = _rerun(message) if self._waiting else None
        last = self._waiting[-1] if self._waiting else None
        if rerun is not None and last is not None:
            older = last.rerun or _rerun(last.message)
            if older is not None and is_same_part(older, rerun):
                last.rerun = merged(older, rerun)
                return
        self._waiting.append(_Waiting(message, rerun))

    async def _rest(self, message: Message) -> None:
        """Pauses where one message follows another, so that others have their turn."""
        if not self._waiting:
            self._debt = 0.0
            return
        size = len(message.get("bytes") or message.get("text") or b"")
        self._debt += READ_SECONDS + size / READ_BYTES_PER_SECOND
        if self._debt >= BREATH_SECONDS:
            await asyncio.sleep(self._debt)
            self._debt = 0.0

    async def receive(self) -> Message:
        """The next message for the app, when it is time."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
        if self._waiting[0].message["type"] == "websocket.receive":
            while (seconds := self._pace.wait(self._clock())) > 0:
                await asyncio.sleep(seconds)
            self._pace.take(self._clock())
        async with self._changed:
            found = self._waiting.popleft()
            self._changed.notify_all()
        return found.to_message()


def is_needed(message: Message) -> bool:
    """Tells whether a message is one of those that the pages need; one that cannot be read is left
    to Streamlit, which ends the connection."""
    back = _parsed(message)
    if back is None:
        return True
    kind = back.WhichOneof("type")
    if kind == "backend_operation_request":
        return back.backend_operation_request.WhichOneof("payload") in NEEDED_OPERATIONS
    return kind in NEEDED


def _parsed(message: Message) -> BackMsg | None:
    """What a message says; None if it is not one of Streamlit's."""
    data = message.get("bytes")
    if message["type"] != "websocket.receive" or not data:
        return None
    if len(data) > get_max_widget_state_size_bytes():  # Streamlit will end the connection
        return None
    back = BackMsg()
    try:
        back.ParseFromString(data)
    except Exception:  # protobuf's own kinds
        return None
    return back


def _rerun(message: Message) -> BackMsg | None:
    """What a message says if it asks for a rerun."""
    back = _parsed(message)
    return back if back is not None and back.WhichOneof("type") == "rerun_script" else None


def is_same_part(older: BackMsg, newer: BackMsg) -> bool:
    """Tells whether two reruns are of the same page, and of the same part of it."""
    return all(
        getattr(older.rerun_script, name) == getattr(newer.rerun_script, name)
        for name in ("page_script_hash", "page_name", "fragment_id", "is_auto_rerun")
    )


def merged(older: BackMsg, newer: BackMsg) -> BackMsg:
    """Makes one rerun of two: the values of the newer one, and what was clicked in the older."""
    states = newer.rerun_script.widget_states.widgets
    known = {state.id for state in states}
    for state in older.rerun_script.widget_states.widgets:
        if state.WhichOneof("value") in TRIGGERS and state.id not in known:
            states.add().CopyFrom(state)
    return newer


class Messages:
    """ASGI middleware that lets a browser's messages through at their pace.

    Args:
        app: What receives them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; of a WebSocket, its messages."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        line = Line(receive)
        reading: asyncio.Task[Any] = asyncio.create_task(line.read())
        try:
            await self._app(scope, line.receive, send)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reading
            uploads.free_left()
