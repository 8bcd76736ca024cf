"""What the terminal says of a class: one address with its QR code, and the teacher's link."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import webbrowser

import psutil
import segno

from explorer.server import options
from explorer.server.visitors import teacher

NOBODY = "192.0.2.1"
"""An address that no machine has: nothing is sent, but the way to it has a network card."""


def announce() -> None:
    """Prints who finds the app where, if it is for a class, and opens the teacher's page."""
    from streamlit import config

    if not options.current().is_class:
        return
    teacher.tell = _tell_again
    print(text(address()), flush=True)
    if not config.get_option("server.headless"):
        webbrowser.open(address() + teacher.path)


def text(root: str) -> str:
    """Writes the announcement.

    Args:
        root: The address of the server, like `http://192.168.1.7:8501`.
    """
    lines = [
        "  Class mode: everyone owns what they make, and can look at and copy the rest.",
        f"  For the class:    {root}{options.base_path()}/",
        _code(f"{root}{options.base_path()}/"),
        f"  For the teacher:  {root}{teacher.path}",
        "  The teacher's link works once; a new one will stand here when it has been used.",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _tell_again(path: str) -> None:
    """Prints the teacher's next link."""
    print(f"  The teacher's link was used. The next one:  {address()}{path}", flush=True)


def _code(url: str) -> str:
    """A QR code in half blocks, light on dark; nothing where the terminal cannot show them."""
    stream = io.StringIO()
    segno.make_qr(url).terminal(stream, border=2, compact=True)
    with contextlib.suppress(UnicodeEncodeError, LookupError):
        stream.getvalue().encode(sys.stdout.encoding or "ascii")
        return stream.getvalue()
    return ""


def address() -> str:
    """Finds the address of the server for others: the name that was allowed, or this machine's."""
    from streamlit import config

    secure = "s" if config.get_option("server.sslCertFile") else ""
    host = _host(config.get_option("server.address") or "")
    host = f"[{host}]" if ":" in host else host
    return f"http{secure}://{host}:{config.get_option('server.port')}"


def _host(bound: str) -> str:
    """The name or address that a browser elsewhere can use."""
    if names := options.current().names:
        return names[0]
    return bound if bound not in options.ANY_ADDRESS else _own_address()


def _own_address() -> str:
    """The address of the network card that leads elsewhere; without one, the loopback's."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((NOBODY, 9))
        return probe.getsockname()[0]
    cards = [each for found in psutil.net_if_addrs().values() for each in found]
    addresses = [each.address for each in cards if each.family == socket.AF_INET]
    return next((one for one in addresses if not options.is_loopback(one)), options.LOOPBACK[1])
