"""What the server was started with: a class or not, its names, frames, room for runs, Dask.

`python -m explorer` sets these as options; both start commands read them from the environment, and
the names and the address from Streamlit's own settings.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from models.engines.dask_scheduler import check_address

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine that nobody else can reach."""
ANY_ADDRESS = ("", "0.0.0.0", "::")
"""Addresses that stand for all of this machine's."""
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
GIGABYTES = 2.0
"""Room for the runs of a class, unless the option says otherwise."""


@dataclass(frozen=True)
class Options:
    """How a server was started.

    Attributes:
        is_class: Whether visitors own what they make and nothing else.
        hosts: Names and addresses under which the server answers.
        names: Those of them that were allowed at the start, the first one first.
        frames: Origins that may show the app inside a page of theirs.
        runs_bytes: Most bytes of the runs of a class.
        dask: Address of the Dask scheduler that may train sweeps, "local" or nothing.
    """

    is_class: bool = False
    hosts: frozenset[str] = frozenset(LOOPBACK)
    names: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    runs_bytes: int = int(GIGABYTES * 1e9)
    dask: str = ""


_current = Options()


def current() -> Options:
    """Returns the options of the server of this process; without a server, the defaults."""
    return _current


def start() -> Options:
    """Reads the options at the start of a server, and tells Streamlit the names it answers to.

    Raises:
        ValueError: If a name, an origin, the room or the address of a scheduler is not one.
    """
    from streamlit import config

    global _current
    address = config.get_option("server.address") or ""
    further = list(map(host_name, config.get_option("server.allowedHosts")))
    hosts = {*LOOPBACK, *further, *_own_names(address)}
    exposed = not is_loopback(address) or not set(further) <= set(LOOPBACK)
    _current = Options(
        is_class={"0": False, "1": True}.get(os.environ.get("LATENT_CLASS", ""), exposed),
        hosts=frozenset(hosts),
        names=tuple(name for name in further if "*" not in name and name not in LOOPBACK),
        frames=tuple(map(origin, os.environ.get("LATENT_ALLOW_FRAME", "").split())),
        runs_bytes=room(os.environ.get("LATENT_CLASS_GB", "")),
        dask=scheduler(os.environ.get("LATENT_DASK", "")),
    )
    config.set_option("server.allowedHosts", sorted(hosts))
    return _current


def base_path() -> str:
    """Returns what stands before every address of the server: nothing, or like `/explorer`."""
    from streamlit import config

    base = config.get_option("server.baseUrlPath").strip("/")
    return f"/{base}" if base else ""


def is_loopback(address: str) -> bool:
    """Tells whether only this machine can reach an address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _own_names(address: str) -> set[str]:
    """The bound address; where that stands for all, the addresses of this machine.

    Addresses are safe to answer to: what a stranger can bend to this machine is a name.
    """
    if address not in ANY_ADDRESS:
        return {address.lower()}
    found = [each.address for cards in psutil.net_if_addrs().values() for each in cards]
    return {address.partition("%")[0].lower() for address in found if _is_ip(address)}


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def host_name(text: str) -> str:
    """Checks a name or an address of this server, and writes it as browsers send it.

    Args:
        text: Like `school.example`, an address, `*.school.example` for all names below, or `*`.

    Raises:
        ValueError: If it is none; a scheme or a port would never match.

    Example:
        >>> host_name("School.example."), host_name("schüle.example"), host_name("[2001:DB8::0:1]")
        ('school.example', 'xn--schle-mva.example', '2001:db8::1')
        >>> host_name("http://school.example:8501")
        Traceback (most recent call last):
        ValueError: a host must be a name or address like school.example, without http:// and \
without a port, got 'http://school.example:8501'
    """
    given = text.strip().lower().removesuffix(".")
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(given.removeprefix("[").removesuffix("]")))
    start = "*." if given.startswith("*.") else ""
    with contextlib.suppress(UnicodeError):
        given = start + given.removeprefix(start).encode("idna").decode()
    if text.strip() != "*" and not _NAME.fullmatch(given):
        raise ValueError(
            "a host must be a name or address like school.example, without http:// and without a "
            f"port, got {text!r}"
        )
    return given


def origin(text: str) -> str:
    """Checks an origin: a scheme, a host and perhaps a port.

    Raises:
        ValueError: If it is none.

    Example:
        >>> origin("https://School.example/")
        'https://school.example'
        >>> origin("school")
        Traceback (most recent call last):
        ValueError: a frame's origin must be like https://school.example, got 'school'
    """
    given = text.lower().removesuffix("/")
    parts = urlsplit(given)
    whole = f"{parts.scheme}://{parts.netloc}"
    odd = set(given) & set(" ;,'\"*\\@")
    if parts.scheme not in ("http", "https") or not parts.hostname or odd or given != whole:
        raise ValueError(f"a frame's origin must be like https://school.example, got {text!r}")
    return given


def room(text: str) -> int:
    """Reads the room for the runs of a class, in gigabytes; returns bytes.

    Raises:
        ValueError: If it is not a positive number.

    Example:
        >>> room("0.5"), room("")
        (500000000, 2000000000)
    """
    try:
        gigabytes = float(text or GIGABYTES)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < 1e6:
        raise ValueError(f"the room for runs must be a number of gigabytes, got {text!r}")
    return int(gigabytes * 1e9)


def scheduler(text: str) -> str:
    """Checks the address of a Dask scheduler, where there is one.

    Raises:
        ValueError: If it is none; see `models.engines.dask_scheduler.check_address`.

    Example:
        >>> scheduler("local"), scheduler("")
        ('local', '')
    """
    return check_address(text) if text else ""
