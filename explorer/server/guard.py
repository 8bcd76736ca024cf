"""The door of the server: every request and WebSocket is asked for its host and its origin.

A name that is not ours may have been pointed at this machine by an untrusted page, and a page of
another origin must not drive the app; both are refused before anything else sees them.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.server import options, policy

_HOST = re.compile(
    r"(\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[a-zA-Z0-9_.-]+))(:(?P<port>[0-9]{0,5}))?"
)
"""What a Host header holds: an address in brackets or a name, and perhaps a port."""
MAX_PORT = 65535
POLICY_VIOLATION = 1008
"""Why a WebSocket is closed."""
CLOSED = ("/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/")
"""Addresses of Streamlit that nothing here needs."""
FRAMES = ("iframe", "frame", "embed", "object")
"""What a browser says a document is for, if a page shows it inside itself."""
WRONG_HOST = (
    "This server does not answer to this name. To allow the name, start the server with: "
    "python -m explorer --allow-host NAME"
)
WRONG_ORIGIN = "A page of another address may not use this server."


class Guard:
    """ASGI middleware that refuses other names and origins, and adds the headers of every answer.

    Args:
        app: What it guards.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or passes it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return
            await self._app(scope, receive, send)
            return
        answer = refusal or _for_a_frame(scope) or self._app
        await answer(scope, receive, _with_headers(send))


def _refusal(scope: Scope) -> Response | None:
    """Why a request is not answered; None if it is."""
    headers = Headers(scope=scope)
    if not is_allowed(headers.getlist("host"), options.current().hosts):
        return PlainTextResponse(WRONG_HOST, 403)
    if not is_own_origin(headers.getlist("origin"), scope["scheme"], headers["host"]):
        return PlainTextResponse(WRONG_ORIGIN, 403)
    if scope["path"].startswith(tuple(options.base_path() + path for path in CLOSED)):
        return PlainTextResponse("Not found", 404)
    return None


def is_allowed(given: list[str], hosts: frozenset[str]) -> bool:
    """Tells whether a request names this server.

    Args:
        given: Its Host headers; there must be one.
        hosts: Names and addresses of this server; one that begins with `*.` stands for all below
            it, and `*` for all.

    Example:
        >>> is_allowed(["localhost:8501"], frozenset({"localhost"}))
        True
        >>> is_allowed(["evil.example:8501"], frozenset({"localhost"}))
        False
    """
    found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or int(found["port"] or 0) > MAX_PORT:
        return False
    name = (found["address"] or found["name"]).lower().removesuffix(".")
    ends = [host[1:] for host in hosts if host.startswith("*.")]
    return name in hosts or "*" in hosts or any(name.endswith(end) for end in ends)


def is_own_origin(given: list[str], scheme: str, host: str) -> bool:
    """Tells whether a request comes from a page of this server, or from no page.

    Args:
        given: Its Origin headers; a browser sends one, other programs may send none.
        scheme: http, https, ws or wss.
        host: Its Host header.

    Example:
        >>> is_own_origin(["http://localhost:8501"], "ws", "localhost:8501")
        True
        >>> is_own_origin(["http://localhost:9000"], "ws", "localhost:8501")
        False
    """
    secure = "s" if scheme in ("https", "wss") else ""
    return not given or [one.lower() for one in given] == [f"http{secure}://{host.lower()}"]


def _for_a_frame(scope: Scope) -> Response | None:
    """Sends a document that is to be shown inside a page to the address that says so.

    The browser says it, so that no link can leave it out.
    """
    headers = Headers(scope=scope)
    query = scope["query_string"].decode("latin-1")
    if headers.get("sec-fetch-dest") not in FRAMES or "embed=true" in query.split("&"):
        return None
    query = f"{query}&" if query else ""
    return RedirectResponse(f"{scope['path']}?{query}{urlencode({'embed': 'true'})}", 307)


def _with_headers(send: Send) -> Send:
    """A `send` that adds the headers of every answer."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = policy.headers(options.current().frames)
            names = {name for name, _ in ours}
            others = [(k, v) for k, v in message["headers"] if k.lower() not in names]
            message = {**message, "headers": [*others, *ours]}
        await send(message)

    return send_with_headers
