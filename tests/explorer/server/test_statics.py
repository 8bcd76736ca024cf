"""Streamlit's scripts from memory: the same bytes, compressed once, nothing else of the disk."""

import asyncio
import gzip

import pytest

from explorer.server import statics
from explorer.server.statics import FOLDER, Statics, names

SCRIPT = min((n for n in names() if n.endswith(".js")), key=lambda n: (FOLDER / n).stat().st_size)
FONT = next(name for name in sorted(names()) if name.endswith(".woff2"))


def ask(path, method="GET", accepts="gzip, deflate, br"):
    """Status, headers and body; None if it was passed on."""
    sent = []

    async def passed_on(scope, receive, send):
        sent.append(None)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path,
             "headers": [(b"accept-encoding", accepts.encode())]}  # fmt: skip
    asyncio.run(Statics(passed_on)(scope, None, send))
    if sent == [None]:
        return None
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


def test_a_script_is_the_same_bytes_compressed():
    status, headers, body = ask(f"/static/{SCRIPT}")
    assert status == 200 and gzip.decompress(body) == (FOLDER / SCRIPT).read_bytes()
    assert headers[b"content-encoding"] == b"gzip" and b"javascript" in headers[b"content-type"]
    assert b"immutable" in headers[b"cache-control"]
    assert int(headers[b"content-length"]) == len(body)


def test_a_font_is_sent_as_it_is():
    _, headers, body = ask(f"/static/{FONT}")
    assert body == (FOLDER / FONT).read_bytes() and b"content-encoding" not in headers


def test_each_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(statics.Path, "read_bytes", lambda path: read.append(path) or b"x")
    statics.answer.cache_clear()
    for _ in range(3):
        ask(f"/static/{SCRIPT}")
    assert len(read) == 1
    statics.answer.cache_clear()


@pytest.mark.parametrize(
    "path",
    ["/", "/static/", "/static/none.js", "/static/../index.html", f"/other/static/{SCRIPT}",
     f"/static//{SCRIPT}", f"/latent/{SCRIPT}", "/static/%2e%2e/index.html"],
)  # fmt: skip
def test_all_else_is_passed_on(path):
    assert ask(path) is None


def test_a_browser_without_gzip_and_other_methods_are_passed_on():
    assert ask(f"/static/{SCRIPT}", accepts="identity") is None
    assert ask(f"/static/{SCRIPT}", method="HEAD") is None
