"""A Dask scheduler: which address is allowed, how to reach it, and one of this machine.

A client trusts what its scheduler sends: it may have it run anything. So an address comes from
whoever starts the program, and what leaves this machine is encrypted and knows its certificates.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
from typing import Any
from urllib.parse import urlsplit

LOCAL = "local"
"""Stands for a scheduler and workers of this machine, which live as long as the engine."""
INSTALL = (
    "sweeps on Dask need the package distributed, which is not installed: run "
    "pip install -r models/engines/requirements-dask.txt"
)


class DaskError(ValueError):
    """Why Dask cannot do work, in one sentence without its full stop."""


def check_address(address: str) -> str:
    """Checks the address of a scheduler: `tcp://` on this machine, `tls://` everywhere.

    Args:
        address: Like "tls://cluster.example:8786", or "local".

    Raises:
        DaskError: If it is none.

    Example:
        >>> check_address("tcp://127.0.0.1:8786")
        'tcp://127.0.0.1:8786'
        >>> check_address("tcp://10.0.0.7:8786")
        Traceback (most recent call last):
        models.engines.dask_scheduler.DaskError: a Dask scheduler on another machine must be \
reached by tls://, since a client trusts what its scheduler sends, got 'tcp://10.0.0.7:8786'
    """
    if address == LOCAL:
        return address
    try:
        parts = urlsplit(address)
        is_whole = (
            bool(parts.hostname and parts.port) and address == f"{parts.scheme}://{parts.netloc}"
        )
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in ("tcp", "tls") or parts.username is not None:
        raise DaskError(
            "the address of a Dask scheduler must be local, or like tls://cluster.example:8786, "
            f"got {address!r:.80}"
        )
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname):
        raise DaskError(
            "a Dask scheduler on another machine must be reached by tls://, since a client trusts "
            f"what its scheduler sends, got {address!r:.80}"
        )
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_installed() -> None:
    """Raises DaskError unless `distributed` is installed."""
    if importlib.util.find_spec("distributed") is None:
        raise DaskError(INSTALL)


def unreachable(address: str) -> str:
    """Says what to do where no scheduler answers."""
    return (
        f"a Dask scheduler must listen at {address}, but none answers: start it with "
        "`dask scheduler`, and see that the address and the certificates are right"
    )


def security_of_configuration() -> Any:
    """Reads the certificates that Dask's own configuration names.

    Raises:
        DaskError: If it names none.
    """
    from distributed import Security

    security = Security(require_encryption=True)
    if not (security.tls_ca_file and security.tls_client_cert):
        raise DaskError(
            "a tls:// address needs certificates: name them in Dask's configuration, "
            "distributed.comm.tls.ca-file and distributed.comm.tls.client.cert and key"
        )
    return security


def local_cluster(workers: int) -> Any:
    """Makes a scheduler in this process, and workers in processes of their own."""
    from distributed import LocalCluster

    has_dashboard = importlib.util.find_spec("bokeh") is not None
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": has_dashboard}, memory_limit=0, asynchronous=True,
        silence_logs=logging.CRITICAL,
    )  # fmt: skip
