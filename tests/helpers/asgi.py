"""Asks an ASGI application without a server: one request, one answer."""

import asyncio


async def nothing():
    """A `receive` of an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


def scope_of(path="/", method="GET", kind="http", scheme=None, **headers):
    """A request's scope; names of headers with `_` for `-`, several values as a list."""
    pairs = {"host": "localhost:8501"} | headers
    path, _, query = path.partition("?")
    return {
        "type": kind, "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
        "scheme": scheme or {"http": "http", "websocket": "ws"}[kind],
        "query_string": query.encode(), "http_version": "1.1", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8501), "subprotocols": [],
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, values in pairs.items()
            for value in (values if isinstance(values, list) else [values])
            if value is not None
        ],
    }  # fmt: skip


def ask(app, *arguments, receive=nothing, **options):
    """What an application sends for a request of `scope_of`: its messages."""
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope_of(*arguments, **options), receive, send))
    return sent


def status(sent):
    """The status of an answer; a WebSocket that is closed at once has the code of that."""
    return sent[0].get("status", sent[0].get("code"))


def headers(sent):
    """The headers of an answer by name."""
    return {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
