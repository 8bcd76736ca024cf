"""The workers of a Dask scheduler: which of them can do our work, and the news that they have."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from models.engines import dask_worker
from models.engines.dask_connection import CONNECT_SECONDS, Connection
from models.engines.dask_scheduler import LOCAL

LEAVE_SECONDS = 2.0
"""Longest that the workers are given to hear that no more news is wanted."""
NO_WORKER = (
    "the Dask scheduler must have a worker that can do the work, but {}: start one in the folder "
    "of this program with `dask worker ADDRESS --nthreads 1`, and try again"
)


class Workers:
    """The workers of a scheduler, looked for again and again.

    Args:
        connection: To the scheduler.
        fit: Addresses of the workers that can do our work, which are kept here.
        take: Takes the news of a worker, given its address.
        worker_seconds: How long to wait for a worker where there is none.

    Attributes:
        fit: As given.
        notes: How their results will differ from this machine's, a sentence each.
    """

    def __init__(
        self,
        connection: Connection,
        fit: set[str],
        take: Callable[[str, dask_worker.Report], Awaitable[None]],
        worker_seconds: float,
    ) -> None:
        self.fit = fit
        self.notes: list[str] = []
        self._connection, self._take = connection, take
        self._worker_seconds = worker_seconds
        self._unfit: dict[str, str] = {}
        self._serving: dict[str, asyncio.Task] = {}
        self.start_waiting()

    def start_waiting(self) -> None:
        """Counts the time without a worker, and that to settle, from now on."""
        self._without_worker = time.monotonic()
        self._settled_by = time.monotonic() + CONNECT_SECONDS

    @property
    def is_settled(self) -> bool:
        """Whether there is one, and all that are known have answered or had time to."""
        all_answered = self._serving.keys() <= self.fit or time.monotonic() > self._settled_by
        return bool(self.fit) and all_answered

    async def survey(self) -> None:
        """Looks which workers there are, and serves those that are new.

        Raises:
            OSError: If the scheduler does not answer.
        """
        addresses = await self._connection.workers()
        for address in addresses - self._serving.keys() - self._unfit.keys():
            self._serving[address] = self._connection.spawn(self._serve(address))
        for address in self._serving.keys() - addresses:
            self._serving.pop(address).cancel()
            self.fit.discard(address)
        for address in self._unfit.keys() - addresses:
            del self._unfit[address]

    def lack(self) -> str:
        """Says why there has been no worker for long, or nothing."""
        if self.fit:
            self._without_worker = time.monotonic()
            return ""
        seconds = time.monotonic() - self._without_worker
        if seconds <= self._worker_seconds and not self._unfit:
            return ""
        if not self._serving:
            return NO_WORKER.format(next(iter(self._unfit.values()), "there is none"))
        return NO_WORKER.format("none answers") if seconds > 2 * self._worker_seconds else ""

    async def leave(self) -> None:
        """Tells the workers that no more news is wanted, so that none waits for it to be taken."""
        ask, owner = self._connection.ask, self._connection.owner
        calls = [ask(address, dask_worker.leave, owner) for address in self.fit]
        if calls:
            spawned = [self._connection.spawn(call) for call in calls]
            await asyncio.wait(spawned, timeout=LEAVE_SECONDS)

    async def _serve(self, address: str) -> None:
        """Asks one worker for news until it is gone."""
        try:
            with contextlib.suppress(OSError, KeyError):  # gone; if not, a survey finds it again
                await self._exchange(address)
        finally:
            self.fit.discard(address)
            self._serving.pop(address, None)

    async def _exchange(self, address: str) -> None:
        """Takes news of a worker that can do our work, again and again."""
        if problem := await self._examine(address):
            self._unfit[address] = problem
            return
        self.fit.add(address)
        seen: dict[str, int] = {}
        question = dask_worker.exchange, self._connection.owner, seen
        while True:
            for report in await self._connection.call(address, *question):
                await self._take(address, report)
                seen[report.attempt] = report.number

    async def _examine(self, address: str) -> str:
        """Why a worker cannot do our work, or nothing."""
        question = dask_worker.examine, self._connection.address == LOCAL
        try:
            found = await self._connection.call(address, *question)
        except (OSError, KeyError):  # gone
            raise
        except Exception:  # whatever Dask makes of a module that is not there
            return f"{address} was not started in the folder of this program"
        ours = dask_worker.surroundings()
        if found["program"] != ours["program"]:
            return f"{address} has another version of this program"
        if found["torch"].partition("+")[0] != ours["torch"].partition("+")[0]:
            return f"{address} has torch {found['torch'] or 'not'} and this machine {ours['torch']}"
        if found["threads"] != 1:
            return f"{address} has {found['threads']} threads and must have one"
        if (found["torch"], found["processor"]) != (ours["torch"], ours["processor"]):
            self.notes.append(
                f"the worker {address} has another processor or build of torch "
                f"({found['processor']}, {found['torch']}) than this machine: what it trains "
                "agrees with what this machine would train to rounding, not bit for bit"
            )
        return ""
