"""Open files: the server takes as many as the system grants, and turns visitors away before they
run out.

A visitor takes four: a connection, and an event loop of three. Where no file can be opened, no run
can be saved and no page be answered, so the last ones are kept for those who are in already.
Streamlit keeps the session of a visitor who has left, in case the connection was only interrupted;
here it is ended after a while, and earlier when files are short.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import OrderedDict
from typing import Any

import psutil
import streamlit as st
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.session_manager import SessionInfo, SessionStorage

WANTED = (65_536, 10_240)
"""Limits that are asked for, the first that the system grants; macOS grants the second."""
RESERVED = 40
"""Files that are not for new visitors: for a training run, for saving, for pages being fetched."""
MOST_LEFT = 64
"""Sessions of visitors who have left."""
TRY_AGAIN_SECONDS = 10
FULL = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Latent space explorer</title>
<meta http-equiv="refresh" content="{TRY_AGAIN_SECONDS}"></head>
<body><h1>Latent space explorer</h1>
<p>Everybody is here: this server cannot take another visitor now. This page tries again every
{TRY_AGAIN_SECONDS} seconds.</p></body></html>"""


def raise_limit() -> float:
    """Raises the limit of open files of this process as far as it may, and returns it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return math.inf
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in WANTED:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            if soft > limit():
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            break
    return limit()


def limit() -> float:
    """Reads how many files this process may have open."""
    try:
        import resource
    except ImportError:
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def free() -> float:
    """Counts the files that can still be opened."""
    most = limit()
    return most if most == math.inf else most - psutil.Process().num_fds()


class LeftSessions(SessionStorage):
    """The sessions of visitors who have left, each for some seconds.

    Args:
        seconds: How long each is kept.
        most: How many are kept.
    """

    def __init__(self, seconds: float, most: int = MOST_LEFT) -> None:
        self._seconds, self._most = seconds, most
        self._loop = asyncio.get_running_loop()
        self._kept: OrderedDict[str, SessionInfo] = OrderedDict()

    def get(self, session_id: str) -> SessionInfo | None:
        return self._kept.get(session_id)

    def list(self) -> list[SessionInfo]:
        return list(self._kept.values())

    def save(self, session_info: SessionInfo) -> None:
        name = session_info.session.id
        self._kept[name] = session_info
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._seconds, self._end, name, session_info
        )
        if len(self._kept) > self._most:
            self.end_oldest()
        self.make_room()

    def delete(self, session_id: str) -> None:
        self._kept.pop(session_id, None)

    def make_room(self) -> None:
        """Ends the oldest ones as long as files are short."""
        while self._kept and free() < 2 * RESERVED:
            self.end_oldest()

    def end_oldest(self) -> None:
        """Ends the session of the visitor who has left first."""
        name, session_info = next(iter(self._kept.items()))
        self._end(name, session_info)

    def _end(self, name: str, session_info: SessionInfo) -> None:
        """Ends a session, unless its visitor has come back and perhaps left again."""
        if self._kept.get(name) is session_info:
            del self._kept[name]
            session_info.session.shutdown()


def prepare() -> None:
    """Raises the limit, and has sessions that were left end soon; called in the server's loop."""
    raise_limit()
    manager: Any = runtime.get_instance()._session_mgr  # there is no public way to set it
    manager._session_storage = LeftSessions(st.get_option("server.disconnectedSessionTTL"))


def has_room() -> bool:
    """Whether another visitor can be taken in, if need be in place of one who has left."""
    if free() >= RESERVED:
        return True
    storage = runtime.get_instance()._session_mgr._session_storage
    if isinstance(storage, LeftSessions):
        storage.make_room()
    return free() >= RESERVED


class Room:
    """Middleware that turns new visitors away, with a page that says so, while files are short."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not has_room():
            await receive()
            await send({"type": "websocket.close", "code": 1013})
        elif _is_page(scope) and not has_room():
            await _answer_full(send)
        else:
            await self._app(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """Whether a browser asks for a page, not for a file of one."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


async def _answer_full(send: Send) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"retry-after", str(TRY_AGAIN_SECONDS).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": FULL.encode()})
