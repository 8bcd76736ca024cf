"""The work of a Dask engine: each piece is a task of Dask's, placed again when it is lost."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.engines import dask_worker
from models.engines.dask_carrier import Carrier
from models.engines.dask_connection import Connection
from models.engines.handle import CANCELLED, FAILED, UNEXPECTED, BaseHandle, Result, Work
from models.engines.transfer import Rules
from models.places import disk_reason

RETRIES = 3
"""How often Dask tries work again whose worker was lost."""
FORCE_SECONDS = 1.0
"""How much longer than its work the news of its end may take."""
LOST_SCHEDULER = (
    "the Dask scheduler must live to the end, but its connection broke: start it again, and "
    "resume the sweep, which goes on where it stopped"
)
KILLED_TOO_OFTEN = (
    f"a worker must live to the end of the work, but {RETRIES + 1} were lost with it: look at "
    "their memory, and resume the sweep, which goes on where it stopped"
)
UNHEARD = (
    "a worker must hear of this machine, but did not for long: resume the sweep, which goes on "
    "where it stopped"
)
_REASONS = {
    "KilledWorker": KILLED_TOO_OFTEN,
    "FutureCancelledError": LOST_SCHEDULER,
    "AbandonedError": UNHEARD,
}


@dataclass(eq=False)
class _Placement:
    """Where the latest attempt of a piece of work is."""

    key: str
    future: Any
    places: frozenset[str]
    address: str = ""
    attempt: str = ""


@dataclass(eq=False)
class _Task:
    """A piece of work in the engine's thread."""

    work: Work
    handle: BaseHandle
    over: asyncio.Future
    files: dict[str, str] = field(default_factory=dict)
    tries: int = 0
    placement: _Placement | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def end(self, state: str, reason: str = "") -> None:
        if not self.over.done():
            self.over.set_result(Result(state, reason))


class Tasks:
    """The pieces of work that go on, in the engine's thread.

    Args:
        connection: To the scheduler.
        fit: Addresses of the workers that can do our work, which `Workers` keeps.
        rules: What travels of the folders of runs.
        module: Whose process does the work, on the worker.
        lost_seconds: Silence after which a worker ends our work.
    """

    def __init__(
        self,
        connection: Connection,
        fit: set[str],
        rules: Rules,
        module: str,
        lost_seconds: float,
    ) -> None:
        self._connection, self._fit, self._rules = connection, fit, rules
        self._module, self._lost_seconds = module, lost_seconds
        self._carrier = Carrier(connection.call, connection.owner, rules)
        self._tasks: set[_Task] = set()
        self._numbers = itertools.count()
        self._refusal, self._is_leaving = "", False

    def __len__(self) -> int:
        return len(self._tasks)

    async def do(self, handle: BaseHandle) -> Result:
        """Has a piece of work done, and waits for its end."""
        task = _Task(handle.work, handle, asyncio.get_running_loop().create_future())
        self._tasks.add(task)
        try:
            if self._refusal:
                return Result(FAILED, self._refusal)
            if handle.is_told:
                return Result(CANCELLED)
            for name, path in handle.work.files.items():
                task.files[name] = await self._carrier.digest(path)
            await self._place(task)
            return await task.over
        finally:
            self._tasks.discard(task)
            if task.placement is not None:
                task.placement.future.release()

    def end_all(self, why: str) -> None:
        """Ends all work for a reason, and takes no more."""
        self._refusal = why
        for task in self._tasks:
            task.end(FAILED, why)

    def leave(self) -> None:
        """Listens no more to what Dask says of tasks: it is being left."""
        self._is_leaving = True

    def move(self) -> None:
        """Moves work whose workers are all gone, if there are others."""
        for task in self._tasks if self._fit else ():
            placement = task.placement
            if placement is not None and not placement.places & self._fit:
                self._connection.spawn(self._place(task))

    def stop(self, handle: BaseHandle, patience: float) -> None:
        """Tells the work of a handle to save all and end."""
        for task in [task for task in self._tasks if task.handle is handle]:
            placement = task.placement
            if placement is None or not placement.attempt:  # it has not begun
                task.end(CANCELLED)
            else:
                order = dask_worker.stop, placement.attempt, patience
                self._connection.spawn(self._connection.ask(placement.address, *order))
                loop = asyncio.get_running_loop()
                loop.call_later(patience + FORCE_SECONDS, task.end, CANCELLED)

    async def take(self, address: str, report: dask_worker.Report) -> None:
        """Takes news of an attempt: files first, so that they are there when an event tells so."""
        leave = address, dask_worker.leave, self._connection.owner, report.attempt
        task = self._task_of(report)
        if task is None or task.over.done():
            await self._connection.ask(*leave)
            return
        task.placement.address, task.placement.attempt = address, report.attempt
        if report.number <= task.seen.get(report.attempt, 0):
            return
        task.seen[report.attempt] = report.number
        try:
            await asyncio.to_thread(self._carrier.write, task.work, report)
            problem = await self._carrier.bring(address, task.files, task.work, report)
        except OSError as error:
            problem = f"a file cannot be used: {disk_reason(error)}"
        except ValueError as error:
            problem = str(error)
        for event in report.events:
            task.handle.put(event)
        if problem or report.result is not None:
            await self._connection.ask(*leave)
            task.end(*(Result(FAILED, problem) if problem else report.result))

    async def _place(self, task: _Task) -> None:
        """Has Dask choose a worker among those that are fit, and have no other work of ours."""
        if task.placement is not None:
            task.placement.future.release()
        task.tries += 1
        if task.tries > RETRIES + 1:
            task.end(FAILED, KILLED_TOO_OFTEN)
            return
        work, owner = task.work, self._connection.owner
        key = _key(work, owner, next(self._numbers))
        busy = {each.placement.address for each in self._tasks if each.placement is not None}
        places = frozenset(self._fit - busy or self._fit)
        order = dask_worker.Order(
            owner, key, work.words, work.memory_bytes,
            tuple(Path(folder).name for folder in work.folders), task.files,
            self._rules.sent, self._rules.returned, self._module, self._lost_seconds,
        )  # fmt: skip
        where = {"workers": sorted(places)} if places else {}
        future = self._connection.client.submit(
            dask_worker.perform, order, key=key, pure=False, retries=RETRIES, **where
        )
        task.placement = _Placement(key, future, places)
        self._connection.spawn(self._watch(task, task.placement))

    async def _watch(self, task: _Task, placement: _Placement) -> None:
        """Waits for the end of Dask's task, which comes after the news of the end of the work."""
        reason = UNEXPECTED
        try:
            await placement.future
        except asyncio.CancelledError:
            reason = LOST_SCHEDULER
        except Exception as error:  # of Dask's own kinds
            reason = _REASONS.get(type(error).__name__, UNEXPECTED)
        if task.placement is placement and not self._is_leaving:
            task.end(FAILED, reason)

    def _task_of(self, report: dask_worker.Report) -> _Task | None:
        """The work of an attempt; nothing if another attempt has taken its place."""
        for task in self._tasks:
            placement = task.placement
            if placement is not None and placement.key == report.key:
                is_new = report.number == 1 and report.attempt not in task.seen
                return task if is_new or placement.attempt == report.attempt else None
        return None


def _key(work: Work, owner: str, number: int) -> str:
    """The name of a task: the runs', and whose attempt it is.

    A task of the same runs that an owner left behind may still be ending: it is another one.
    """
    names = [Path(folder).name for folder in work.folders] or [work.words[0]]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}-{digest}-{owner}-{number}"
