"""The connection of an engine to its Dask scheduler: a client, and what workers run for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

from models.engines.dask_scheduler import LOCAL, local_cluster, security_of_configuration

CONNECT_SECONDS = 10.0


class Connection:
    """A client of a scheduler, in the engine's thread.

    Args:
        address: Of the scheduler, checked; "local" starts one with workers on this machine.
        workers: How many are started by "local".
        owner: See `models.engines.dask_worker.Order`.
    """

    def __init__(self, address: str, workers: int, owner: str) -> None:
        self.address, self.owner = address, owner
        self.client: Any = None
        self.dashboard = ""
        self._count = workers
        self._background: set[asyncio.Task] = set()

    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        """Connects until the stack is closed.

        Raises:
            DaskError: If a certificate is missing.
            OSError: If there is no scheduler.
        """
        from distributed import Client

        address, security = self.address, None
        if address == LOCAL:
            cluster = await stack.enter_async_context(local_cluster(self._count))
            address = cluster.scheduler_address
        elif address.startswith("tls:"):
            security = security_of_configuration()
        options = {"timeout": CONNECT_SECONDS, "security": security, "set_as_default": False}
        client = Client(address, asynchronous=True, **options)
        self.client = await stack.enter_async_context(client)
        await self._find_dashboard()

    async def _find_dashboard(self) -> None:
        """Remembers where Dask's dashboard is; without bokeh, the scheduler shows none."""
        with contextlib.suppress(PackageNotFoundError, OSError):
            await self.client.run_on_scheduler(version_of, "bokeh")
            self.dashboard = self.client.dashboard_link or ""

    async def workers(self) -> set[str]:
        """Lists the addresses of all workers.

        Raises:
            OSError: If the scheduler does not answer.
        """
        found = await asyncio.wait_for(self.client.scheduler.identity(), CONNECT_SECONDS)
        return set(found["workers"])

    async def call(self, address: str, function: Any, *arguments: Any) -> Any:
        """Has a worker run a function beside its tasks.

        Raises:
            OSError: If the worker is gone; or KeyError.
        """
        return (await self.client.run(function, *arguments, workers=[address]))[address]

    async def ask(self, address: str, function: Any, *arguments: Any) -> Any:
        """Does the same; returns None if the worker is gone."""
        with contextlib.suppress(OSError, KeyError, ValueError):
            return await self.call(address, function, *arguments)
        return None

    def spawn(self, coroutine: Coroutine) -> asyncio.Task:
        """Runs a coroutine in the background."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def cancel_background(self) -> None:
        """Cancels all that runs in the background."""
        for task in self._background:
            task.cancel()
