"""Uploads: only for a session whose page shows an uploader, and no more than memory has room for.

Streamlit accepts a file from any session, and keeps it as long as the session lives.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

SESSION_BYTES = 64 * 2**20
"""Of the uploads of one session."""
SERVER_BYTES = 256 * 2**20
"""Of the uploads of all."""
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")
NO_UPLOADER = "This page takes no files now: reload it, and choose them again."
NO_LENGTH = "A file must come with its length."
TOO_MUCH = f"The files that wait may take {SESSION_BYTES >> 20} MB together: choose fewer at once."
NO_ROOM = "The server holds as many files as it can: try again in a minute."

_lock = threading.Lock()
_shown: dict[str, set[str]] = {}
"""Names of the uploaders on the page of each session."""
_coming: Counter[str] = Counter()
"""Bytes that each session is sending."""


@contextmanager
def page() -> Iterator[None]:
    """Notes which uploaders a run of the whole page shows; without any, its files are freed."""
    context = get_script_run_ctx()
    if context is None:
        yield
        return
    session = context.session_id
    with _lock:
        before = _shown.pop(session, set())
        _shown[session] = set()
    try:
        yield
    except BaseException:  # cut short by the next run: what was there may still be there
        with _lock:
            if session in _shown:  # the session may have ended meanwhile
                _shown[session] |= before
        raise
    if not _shown.get(session):
        _free(session)


def note(name: str) -> None:
    """Notes that the page shows an uploader."""
    context = get_script_run_ctx()
    if context is not None:
        with _lock:
            _shown.setdefault(context.session_id, set()).add(name)


def free_left() -> None:
    """Frees the files of sessions that have left."""
    if not runtime.exists():
        return
    is_here = runtime.get_instance().is_active_session
    with _lock:
        left = [session for session in {*_shown, *_files()} if not is_here(session)]
    for session in left:
        _free(session)


def _free(session: str) -> None:
    """Forgets a session that shows no uploader, and its files."""
    with _lock:
        _shown.pop(session, None)
    if runtime.exists():
        runtime.get_instance().uploaded_file_mgr.remove_session_files(session)


def _files() -> dict[str, int]:
    """Bytes of the files of each session."""
    if not runtime.exists():
        return {}
    kept = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(kept.items())
    }


def refusal(session: str, size: int | None) -> tuple[int, str] | None:
    """Why a file is not taken: the status and a sentence; None if it is.

    Args:
        session: Whose it is.
        size: Its bytes, if they are known.
    """
    files = _files()
    mine = files.get(session, 0) + _coming[session]
    if not _shown.get(session):
        return 403, NO_UPLOADER
    if size is None:
        return 411, NO_LENGTH
    if mine + size > SESSION_BYTES:
        return 413, TOO_MUCH
    if sum(files.values()) + _coming.total() + size > SERVER_BYTES:
        return 503, NO_ROOM
    return None


class Uploads:
    """ASGI middleware that refuses files nobody asked for, and more than there is room for.

    Args:
        app: What takes the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        found = scope["type"] == "http" and _ADDRESS.search(scope["path"])
        if not found or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        session, size = found[1], _length(scope)
        refused = refusal(session, size)
        if refused is not None:
            await PlainTextResponse(refused[1], refused[0])(scope, receive, send)
            return
        _coming[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            _coming[session] -= size
            if not _coming[session]:
                del _coming[session]


def _length(scope: Scope) -> int | None:
    """The length of a request's body, if it says one."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else None
