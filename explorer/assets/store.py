"""What the page fetches by address instead of with every rerun: figures, decoders, images.

An address names its content, so a browser keeps it for ever; the content is made when it is
first asked for, in a thread of the server, while the rest of the page is already there.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.runs.folder import default_runs_dir, find_run
from models.training.snapshots import stream_snapshots

ROOT = Path(__file__).resolve().parents[2]
VERSION = max(
    path.stat().st_mtime_ns
    for part in ("explorer", "models")
    for path in (ROOT / part).rglob("*.[pjc]*")
    if path.suffix in (".py", ".js", ".css")
)
"""Of the program: a browser does not take a file that an older one made for this one's."""
FOLDER = "/latent/"
MAX_FILES = 500
MAX_BYTES = 256 * 2**20
TYPES = {"json": "application/json", "js": "text/javascript", "bin": "application/octet-stream"}


class _File:
    """A file's recipe and, once it was asked for, its bytes."""

    def __init__(self, build: Callable[[], bytes]) -> None:
        self.build = build
        self.lock = threading.Lock()
        self.packed: bytes | None = None

    def content(self) -> bytes:
        """The file, gzipped; made once, however many ask at once."""
        with self.lock:
            if self.packed is None:
                self.packed = gzip.compress(self.build(), 5, mtime=0)
            return self.packed


_files: OrderedDict[str, _File] = OrderedDict()
_lock = threading.Lock()
files_served = threading.Event()
"""Set once a browser has been given what a map or a slider draws."""


def publish(key: tuple, kind: str, build: Callable[[], bytes]) -> str:
    """The address of a file, relative to the server's root.

    Args:
        key: Whatever decides the content: equal keys, equal bytes.
        kind: "json", "js" or "bin".
        build: Makes the bytes; called at most once while the file is kept.

    Returns:
        An absolute path for the browser. Files asked for least recently are forgotten first.

    Example:
        >>> url = publish(("example", 1), "json", lambda: b"{}")
        >>> fetch(url)
        b'{}'
    """
    name = f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.{kind}"
    with _lock:
        _files.setdefault(name, _File(build))
        _files.move_to_end(name)
        held = sum(len(file.packed or b"") for file in _files.values())
        while len(_files) > 1 and (len(_files) > MAX_FILES or held > MAX_BYTES):
            held -= len(_files.popitem(last=False)[1].packed or b"")
    return f"{st.get_option('server.baseUrlPath').rstrip('/')}{FOLDER}{name}"


def fetch(url: str) -> bytes:
    """The content at an address that `publish` gave.

    Raises:
        KeyError: If it is not kept any more.
    """
    return gzip.decompress(_files[url.rpartition("/")[2]].content())


def routes() -> list[Route]:
    """The server's routes to the files, and to the films of training runs."""
    return [Route(FOLDER + "film/{run}/{after}", _answer_film), Route(FOLDER + "{name}", _answer)]


def film_url(run_id: str) -> str:
    """The address of the film of a run, relative to the server's root; a step is to follow."""
    return f"{st.get_option('server.baseUrlPath').rstrip('/')}{FOLDER}film/{run_id}"


def _answer_film(request: Request) -> Response:
    """The frames of a run, or those after a step; it grows while the run is trained."""
    try:
        after = int(request.path_params["after"][:12])
        run = find_run(default_runs_dir(), request.path_params["run"])
    except ValueError:
        return Response("This film no longer exists: reload the page.", 404)
    data = stream_snapshots(run.folder, after)
    return Response(data, headers={"Cache-Control": "no-store"}, media_type=TYPES["bin"])


def _answer(request: Request) -> Response:
    """Serves one file; Starlette calls this in a thread, so building one blocks no other."""
    name = request.path_params["name"]
    with _lock:
        file = _files.get(name)
        if file is not None:
            _files.move_to_end(name)
    if file is None:
        return Response("This file is no longer available: reload the page.", 404)
    try:
        packed = file.content()
    except Exception:  # a user's model may fail in many ways; the page says that it did
        return Response("This file could not be made.", 500)
    if name.endswith(".bin"):
        files_served.set()
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(packed), headers=headers, media_type=_type(name))
    headers["Content-Encoding"] = "gzip"
    return Response(packed, headers=headers, media_type=_type(name))


def _type(name: str) -> str:
    return TYPES[name.rpartition(".")[2]]
