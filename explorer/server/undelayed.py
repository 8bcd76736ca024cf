"""Small answers leave at once.

An answer is sent in two parts, its headers and its body, and a page's run in many messages. With
Nagle's algorithm the second part waits until the browser has acknowledged the first, which it puts
off for up to 40 ms. asyncio therefore switches the algorithm off, but only for sockets that name
TCP as their protocol, and the one that Streamlit binds does not.
"""

from __future__ import annotations

import contextlib
import socket
from asyncio import base_events


def send_at_once(connection: socket.socket) -> None:
    """Switches Nagle's algorithm off for a TCP connection, whether or not it names its protocol."""
    is_internet = connection.family in (socket.AF_INET, socket.AF_INET6)
    if is_internet and connection.type == socket.SOCK_STREAM:
        with contextlib.suppress(OSError):  # it is closed already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def prepare() -> None:
    """Has asyncio do so with every connection that it makes from now on."""
    base_events._set_nodelay = send_at_once  # it has no public door; uvloop needs none
