"""Who a visitor of a class is: a random cookie owns what its browser makes; one link, the teacher.

The cookies are out of reach of scripts, and what lies on disk is a digest of them, so that no copy
of a run gives its owner away. The teacher's link works once: it is swapped for a cookie, and the
address that stays on the screen is clean.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.server import options

OWNER_COOKIE = "latent_owner"
REMEMBERED_SECONDS = 365 * 24 * 3600
"""How long a browser keeps what makes it the owner of its runs."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
USED = (
    "This link has been used, or is of an earlier start: the newest one stands in the terminal "
    "of the server."
)


class Visitor(NamedTuple):
    """A visitor of a class: the owner of what it makes ("" if its browser keeps no cookie), and
    whether it is the teacher."""

    owner: str
    is_teacher: bool


def visitor(cookies: Mapping[str, str]) -> Visitor:
    """Tells who a visitor is from the cookies of its browser."""
    return Visitor(_owner(cookies.get(OWNER_COOKIE, "")), teacher.knows(cookies))


def _owner(secret: str) -> str:
    """What is written on the things of a browser; nothing for a cookie that is none of ours."""
    if not _SECRET.fullmatch(secret):
        return ""
    return hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()


class Teacher:
    """The link of the teacher: its tokens work once, and make a cookie for this server's life.

    Args:
        tell: Called with the address of a new link when one has been used.
    """

    def __init__(self, tell: Callable[[str], None] = lambda path: None) -> None:
        self.tell = tell
        self._lock = threading.Lock()
        self._token = secrets.token_urlsafe(32)
        self._digests: set[str] = set()

    @property
    def path(self) -> str:
        """The address of the link that works next, from the server's root."""
        return f"{options.base_path()}/teacher/{self._token}"

    def swap(self, token: str) -> str | None:
        """Swaps the token of a link for the value of a cookie; None if it is not the present one.

        Example:
            >>> teacher = Teacher()
            >>> token = teacher.path.rpartition("/")[2]
            >>> teacher.swap("wrong") is None, teacher.swap(token) is None, teacher.swap(token)
            (True, False, None)
        """
        with self._lock:
            if not secrets.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            self._digests.add(_owner(cookie))
        self.tell(self.path)
        return cookie

    def knows(self, cookies: Mapping[str, str]) -> bool:
        """Tells whether a browser has swapped a link for a cookie."""
        return _owner(cookies.get(cookie_name(), "")) in self._digests


teacher = Teacher()
"""Of this server."""


def cookie_name() -> str:
    """Names the teacher's cookie: another server of this machine has another port."""
    from streamlit import config

    return f"latent_teacher_{config.get_option('server.port')}"


def routes() -> list[Route]:
    """The server's route of the teacher's link."""
    return [Route(f"{options.base_path()}/teacher/{{token}}", _swap, methods=["GET"])]


def _swap(request: Request) -> Response:
    """Makes the visitor with the link the teacher, and leads to the clean address."""
    if request.method != "GET" or not options.current().is_class:
        return PlainTextResponse(USED, 403)
    cookie = teacher.swap(request.path_params["token"])
    if cookie is None:
        return PlainTextResponse(USED, 403)
    answer = RedirectResponse(f"{options.base_path()}/", 303, {"Cache-Control": "no-store"})
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie_name(), cookie, httponly=True, samesite="lax", secure=secure)
    return answer


class Introduction:
    """ASGI middleware that gives a browser of a class the cookie of an owner, with its first page.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        is_new = (
            scope["type"] == "http"
            and options.current().is_class
            and not _owner(_cookies(scope).get(OWNER_COOKIE, ""))
        )
        await self._app(scope, receive, _introducing(scope, send) if is_new else send)


def _introducing(scope: Scope, send: Send) -> Send:
    """A `send` that adds a new cookie to a page."""

    async def introduce(message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if kind.startswith("text/html"):
                answer = Response()
                answer.set_cookie(
                    OWNER_COOKIE, secrets.token_urlsafe(32), REMEMBERED_SECONDS, httponly=True,
                    samesite="lax", secure=scope["scheme"] == "https",
                )  # fmt: skip
                cookie = (b"set-cookie", answer.headers["set-cookie"].encode())
                message = {**message, "headers": [*message["headers"], cookie]}
        await send(message)

    return introduce


def _cookies(scope: Scope) -> dict[str, str]:
    """The cookies of a request."""
    return Request(scope).cookies
