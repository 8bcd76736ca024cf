"""Decodes codes that the browser posts, for models whose decoder cannot run there.

An address names one model, and only a model that a page has published has one. The decoder runs
in one thread of its own, so that neither the page nor the files wait for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.assets.store import FOLDER, TYPES

MAX_CODES = 1000
MAX_BODY = 2**20
"""Bytes of a request."""
REACH = 1000.0
"""Largest absolute value of a latent."""
MAX_MODELS = 50

Decoder = tuple[int, Callable[[np.ndarray], np.ndarray]]
"""Latents of a model, and its decoder: (N, Z) to (N, C, H, W) in [0, 1]."""

_decoders: OrderedDict[str, Decoder] = OrderedDict()
_lock = threading.Lock()
_worker = ThreadPoolExecutor(1, "decoding")


def publish(key: str, latent_dim: int, decode: Callable[[np.ndarray], np.ndarray]) -> str:
    """The address at which a model decodes, relative to the server's root.

    Args:
        key: Tells models apart.
        latent_dim: Length of a code.
        decode: Codes (N, Z) to mean images (N, C, H, W) in [0, 1].

    Returns:
        An absolute path for the browser. Models published least recently are forgotten first.
    """
    name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    with _lock:
        _decoders[name] = (latent_dim, decode)
        _decoders.move_to_end(name)
        while len(_decoders) > MAX_MODELS:
            _decoders.popitem(last=False)
    return f"{st.get_option('server.baseUrlPath').rstrip('/')}{FOLDER}decode/{name}"


def routes() -> list[Route]:
    """The server's route to the decoders."""
    return [Route(FOLDER + "decode/{name}", _answer, methods=["GET", "POST"])]


async def _answer(request: Request) -> Response:
    """Mean images of the posted codes: levels 0 to 255, one byte each, in the order N, C, H, W."""
    if request.method != "POST":
        return Response("Codes must be posted.", 405, {"Allow": "POST"})
    with _lock:
        decoder = _decoders.get(request.path_params["name"])
    if decoder is None:
        return Response("This model no longer decodes here: reload the page.", 404)
    latent_dim, decode = decoder
    try:
        if request.headers.get("content-type") != "application/json":  # no form of another site
            raise ValueError("the codes must be sent as application/json")
        codes = read_codes(await _body(request), latent_dim)
    except ValueError as error:
        return Response(str(error), 400)
    try:
        loop = asyncio.get_running_loop()
        images = await loop.run_in_executor(_worker, lambda: _levels(decode(codes)))
    except Exception:  # a user's model may fail in many ways; the page says that it did
        return Response("The model could not decode these codes.", 500)
    return Response(images, headers={"Cache-Control": "no-store"}, media_type=TYPES["bin"])


async def _body(request: Request) -> bytes:
    """The request's body, which is read no further than it may be long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise ValueError(f"the codes must fit into {MAX_BODY:,} bytes")
    return bytes(body)


def read_codes(body: bytes, latent_dim: int) -> np.ndarray:
    """Reads codes, shape (N, Z), from the JSON of a request: {"z": [[…], …]}.

    Args:
        body: Of the request.
        latent_dim: Length of a code.

    Raises:
        ValueError: One sentence, if there are none or too many, or if one is not a code.

    Example:
        >>> read_codes(b'{"z": [[0, 1.5]]}', 2).tolist()
        [[0.0, 1.5]]
        >>> read_codes(b'{"z": [[0, NaN]]}', 2)
        Traceback (most recent call last):
        ValueError: every code must be 2 finite numbers from -1,000 to 1,000
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    rows = given.get("z") if isinstance(given, dict) else None
    if not isinstance(rows, list):
        raise ValueError('the codes must be JSON, {"z": [[…], …]}')
    if not 1 <= len(rows) <= MAX_CODES:
        raise ValueError(f"z must hold 1 to {MAX_CODES:,} codes, got {len(rows):,}")
    if not all(_is_code(row, latent_dim) for row in rows):
        raise ValueError(
            f"every code must be {latent_dim} finite numbers from -{REACH:,.0f} to {REACH:,.0f}"
        )
    return np.array(rows, np.float32)


def _is_code(row: object, latent_dim: int) -> bool:
    if not isinstance(row, list) or len(row) != latent_dim:
        return False
    return all(type(value) in (int, float) and abs(value) <= REACH for value in row)


def _levels(images: np.ndarray) -> bytes:
    return (images.clip(0, 1) * 255 + 0.5).astype(np.uint8).tobytes()
