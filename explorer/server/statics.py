"""Streamlit's own scripts and styles from memory, compressed once.

A browser that comes for the first time fetches some sixty of them. Streamlit reads each from disk
in a thread and sends it as it is: with a class that opens the page at once, most of the work.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import mimetypes
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(st.__file__).with_name("static") / "static"
LEVEL = 6
PACKED = (".js", ".css", ".json", ".svg", ".wasm")
"""Kinds of files that gain by compression; others, such as fonts, are sent as they are."""
FOR_EVER = b"public, immutable, max-age=31536000"
"""The names of the files name their content."""


@functools.cache
def names() -> frozenset[str]:
    """Lists the files, by their paths below the folder."""
    paths = (path for path in FOLDER.rglob("*") if path.is_file())
    return frozenset(path.relative_to(FOLDER).as_posix() for path in paths)


@functools.cache
def answer(name: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Makes headers and body of a file, once.

    Args:
        name: One of `names()`.

    Example:
        >>> script = next(name for name in sorted(names()) if name.endswith(".js"))
        >>> gzip.decompress(answer(script)[1]) == (FOLDER / script).read_bytes()
        True
    """
    body = (FOLDER / name).read_bytes()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = [(b"content-type", kind.encode()), (b"cache-control", FOR_EVER)]
    if name.endswith(PACKED):
        body = gzip.compress(body, LEVEL, mtime=0)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    return [*headers, (b"content-length", str(len(body)).encode())], body


class Statics:
    """ASGI middleware that answers for these files; all else is passed on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _name(scope)
        if name is None:
            await self._app(scope, receive, send)
            return
        headers, body = await asyncio.to_thread(answer, name) if _is_new(name) else answer(name)
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})


_made: set[str] = set()
"""Files that have been read."""


def _is_new(name: str) -> bool:
    """Whether a file has yet to be read and compressed: other visitors do not wait for that."""
    is_new = name not in _made
    _made.add(name)
    return is_new


def _name(scope: Scope) -> str | None:
    """The file that a browser asks for, if it is one of these and the browser takes gzip."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    base = st.get_option("server.baseUrlPath").strip("/")
    before, found, name = scope["path"].lstrip("/").partition("static/")
    if not found or before.strip("/") != base or name not in names():
        return None
    return name if "gzip" in Headers(scope=scope).get("accept-encoding", "") else None
