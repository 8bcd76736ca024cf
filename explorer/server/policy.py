"""What every answer tells the browser: which scripts may run, who may frame the page."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import streamlit

from explorer.browser import loader

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def headers(frames: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Lists the headers of every answer, as ASGI takes them.

    Args:
        frames: Origins that may show the app inside a page of theirs.
    """
    return [
        (b"content-security-policy", content_policy(tuple(frames)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
    ]


@functools.cache
def content_policy(frames: tuple[str, ...] = ()) -> str:
    """Writes the Content-Security-Policy that all pages obey.

    Scripts come from this server, or are one of those that stand in a page, known by their
    hash; Streamlit runs the script of a component from a blob. Nothing comes from elsewhere.

    Args:
        frames: Origins that may show the app inside a page of theirs.

    Example:
        >>> "frame-ancestors 'none'" in content_policy()
        True
    """
    scripts = " ".join(f"'sha256-{_digest(text)}'" for text in inline_scripts())
    return "; ".join([
        "default-src 'self'",
        f"script-src 'self' blob: 'wasm-unsafe-eval' {scripts}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors " + (" ".join(frames) or "'none'"),
    ])  # fmt: skip


def inline_scripts() -> list[str]:
    """Reads the scripts that stand in a page: Streamlit's own, and ours."""
    page = Path(streamlit.__file__).with_name("static") / "index.html"
    return [*_INLINE.findall(page.read_text(encoding="utf-8")), *loader.page_scripts()]


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
