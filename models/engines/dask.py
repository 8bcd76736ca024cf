"""The Dask engine: work in processes of other machines, which Dask chooses.

Dask places work and moves it when a worker is lost; what the work makes belongs to the run folders
of this machine. A task (`models.engines.dask_worker`) starts our own worker process and waits for
it. While it goes on, this engine asks every worker for news, which also says that the owner is
alive: events, and whatever changed in the folders, so that an attempt elsewhere goes on from there.
Folders and files are brought to a worker that lacks them; no file system is shared.

`distributed` is optional and imported when an engine is made. A client trusts what its scheduler
sends: an address must come from whoever starts the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import secrets
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, NamedTuple

from models.engines import dask_worker
from models.engines.dask_carrier import Carrier
from models.engines.dask_scheduler import (
    LOCAL,
    DaskError,
    check_address,
    check_installed,
    local_cluster,
    security_of_configuration,
    unreachable,
)
from models.engines.handle import CANCELLED, DONE, FAILED, UNEXPECTED, BaseHandle, Result, Work
from models.engines.transfer import Rules
from models.places import disk_reason

RETRIES = 3
"""How often Dask tries work again whose worker was lost."""
LOST_SECONDS = 30.0
"""Silence after which a worker ends the work of an owner: it is gone."""
WORKER_SECONDS = 60.0
"""How long to wait for a worker where there is none."""
CONNECT_SECONDS = 10.0
SURVEY_SECONDS = 0.5
LEAVE_SECONDS, FORCE_SECONDS = 2.0, 1.0
"""How much longer than its work the news of its end may take."""
NO_WORKER = (
    "the Dask scheduler must have a worker that can do the work, but {}: start one in the folder "
    "of this program with `dask worker ADDRESS --nthreads 1`, and give the same command again"
)
LOST_SCHEDULER = (
    "the Dask scheduler must live to the end, but its connection broke: start it again, and give "
    "the same command to go on"
)
KILLED_TOO_OFTEN = (
    f"a worker must live to the end of the work, but {RETRIES + 1} were lost with it: look at "
    "their memory, and give the same command to go on"
)

UNHEARD = "a worker must hear of this machine, but did not for long: give the same command to go on"
_REASONS = {
    "KilledWorker": KILLED_TOO_OFTEN,
    "FutureCancelledError": LOST_SCHEDULER,
    "AbandonedError": UNHEARD,
}


class DaskStatus(NamedTuple):
    """What an engine looks like now: workers that can do work, pieces of work that go on, the
    address of Dask's own dashboard or nothing."""

    workers: int
    working: int
    dashboard: str


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
    handle: DaskHandle
    over: asyncio.Future
    files: dict[str, str] = field(default_factory=dict)
    tries: int = 0
    placement: _Placement | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def end(self, state: str, reason: str = "") -> None:
        if not self.over.done():
            self.over.set_result(Result(state, reason))


class DaskHandle(BaseHandle):
    """Work that Dask places; see `models.engines.handle.Handle`."""

    def __init__(self, work: Work, engine: DaskEngine) -> None:
        super().__init__(work)
        self._engine = engine

    def cancel(self, patience: float) -> None:
        if not self._ended.is_set():
            self._is_told = True
            self._engine.stop(self, patience)


class DaskEngine:
    """Does work on the workers of a Dask scheduler; see `models.engines.handle.Engine`.

    Args:
        address: Of the scheduler, checked here; "local" starts one with workers on this machine.
        rules: What travels of the folders of runs.
        workers: How many are started by "local".
        module: Whose process does the work, on the worker.
        lost_seconds: Silence after which a worker ends our work.
        worker_seconds: How long to wait for a worker.

    Raises:
        DaskError: If `distributed` is not installed, the address is not allowed, or there is no
            scheduler or no worker that can do the work; a sentence on why.
    """

    def __init__(
        self,
        address: str,
        rules: Rules = Rules(),  # noqa: B008
        workers: int = 1,
        module: str = "models",
        lost_seconds: float = LOST_SECONDS,
        worker_seconds: float = WORKER_SECONDS,
    ) -> None:
        self.address = check_address(address)
        check_installed()
        self.notes: list[str] = []
        self._rules, self._count, self._module = rules, workers, module
        self._lost_seconds, self._worker_seconds = lost_seconds, worker_seconds
        self._owner = secrets.token_hex(6)
        self._dashboard, self._broken = "", ""
        self._fit: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._serving: dict[str, asyncio.Task] = {}
        self._tasks: set[_Task] = set()
        self._background: set[asyncio.Task] = set()
        self._carrier = Carrier(self._call, self._owner, rules)
        self._without_worker, self._numbers = time.monotonic(), itertools.count()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait()
        if self._broken:
            self._thread.join()
            raise DaskError(self._broken)

    # what an engine does

    @property
    def status(self) -> DaskStatus:
        return DaskStatus(len(self._fit), len(self._tasks), self._dashboard)

    def room(self, threads: int, device: str) -> int:
        """Counts the workers: each does one piece of work at a time."""
        return max(1, len(self._fit))

    def prepare(self) -> None:
        """Nothing: every worker prepares itself while the files of its work come."""

    def start(self, work: Work) -> DaskHandle:
        """Starts work, where Dask has a worker for it."""
        handle = DaskHandle(work, self)
        threading.Thread(target=self._attend, args=(handle,), daemon=True).start()
        return handle

    def stop(self, handle: DaskHandle, patience: float) -> None:
        """Tells the work of a handle to save all and end; returns at once."""
        with contextlib.suppress(RuntimeError):  # the engine is closed
            self._loop.call_soon_threadsafe(self._on_stop, handle, patience)

    def close(self) -> None:
        """Leaves the scheduler, and ends the one that it started."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _attend(self, handle: DaskHandle) -> None:
        """Follows one piece of work to its end, and holds its folders meanwhile."""
        result = Result(FAILED, UNEXPECTED)
        try:
            with contextlib.ExitStack() as held:
                for folder in handle.work.folders:
                    held.enter_context(self._rules.hold(Path(folder)))
                result = asyncio.run_coroutine_threadsafe(self._do(handle), self._loop).result()
        except RuntimeError:
            result = Result(FAILED, "the engine was closed before the work had ended")
        except OSError as error:
            result = Result(FAILED, f"a file cannot be used: {disk_reason(error)}")
        except ValueError as error:
            result = Result(FAILED, str(error))
        finally:
            handle.end(result.state == DONE, result.reason)

    # the engine's thread

    def _live(self) -> None:
        for name in ("distributed", "asyncio", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # one sentence is ours to say
        try:
            self._loop.run_until_complete(self._run())
        except (OSError, TimeoutError, ValueError) as error:
            self._broken = str(error) if isinstance(error, DaskError) else unreachable(self.address)
        except Exception:
            self._broken = UNEXPECTED
        finally:
            self._ready.set()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(asyncio.sleep(0))
                self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _run(self) -> None:
        """Connects, then surveys the workers until the engine is closed."""
        async with contextlib.AsyncExitStack() as stack:
            self._client = await self._connect(stack)
            await self._find_dashboard()
            self._without_worker = time.monotonic()
            deadline = time.monotonic() + CONNECT_SECONDS
            while not self._broken and not self._is_settled(deadline):
                await self._survey()
                self._check_workers()
                await asyncio.sleep(0.02)
            self._ready.set()
            while not self._broken and not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), SURVEY_SECONDS)
                await self._survey()
                self._check_workers()
            for task in self._tasks:
                task.end(FAILED, self._broken or UNEXPECTED)
            if not self._broken:
                await self._leave()
            for task in [*self._serving.values(), *self._background]:
                task.cancel()

    def _is_settled(self, deadline: float) -> bool:
        """Whether there is a worker, and all that are known have answered or had time to."""
        all_answered = self._serving.keys() <= self._fit or time.monotonic() > deadline
        return bool(self._fit) and all_answered

    async def _leave(self) -> None:
        """Tells the workers that no more news is wanted, so that none waits for it to be taken."""
        calls = [self._ask(address, dask_worker.leave, self._owner) for address in self._fit]
        if calls:
            await asyncio.wait([self._spawn(call) for call in calls], timeout=LEAVE_SECONDS)

    async def _connect(self, stack: contextlib.AsyncExitStack) -> Any:
        from distributed import Client

        address, security = self.address, None
        if address == LOCAL:
            cluster = await stack.enter_async_context(local_cluster(self._count))
            address = cluster.scheduler_address
        elif address.startswith("tls:"):
            security = security_of_configuration()
        options = {"timeout": CONNECT_SECONDS, "security": security, "set_as_default": False}
        client = Client(address, asynchronous=True, **options)
        return await stack.enter_async_context(client)

    async def _find_dashboard(self) -> None:
        """Remembers where Dask's dashboard is; without bokeh, the scheduler shows none."""
        with contextlib.suppress(PackageNotFoundError, OSError):
            await self._client.run_on_scheduler(version_of, "bokeh")
            self._dashboard = self._client.dashboard_link or ""

    async def _survey(self) -> None:
        """Looks which workers there are, and serves those that are new."""
        try:
            found = await asyncio.wait_for(self._client.scheduler.identity(), CONNECT_SECONDS)
        except (OSError, TimeoutError):
            self._break(LOST_SCHEDULER)
            return
        addresses = set(found["workers"])
        for address in addresses - self._serving.keys() - self._unfit.keys():
            self._serving[address] = self._spawn(self._serve(address))
        for address in self._serving.keys() - addresses:
            self._serving.pop(address).cancel()
            self._fit.discard(address)
        for address in self._unfit.keys() - addresses:
            del self._unfit[address]

    def _check_workers(self) -> None:
        """Moves work whose workers are all gone; gives up where there has been none for long."""
        if self._fit:
            self._without_worker = time.monotonic()
            for task in self._tasks:
                placement = task.placement
                if placement is not None and not placement.places & self._fit:
                    self._spawn(self._place(task))
        elif time.monotonic() - self._without_worker > self._worker_seconds or self._unfit:
            why = next(iter(self._unfit.values()), "there is none")
            if not self._serving:
                self._break(NO_WORKER.format(why))
            elif time.monotonic() - self._without_worker > 2 * self._worker_seconds:
                self._break(NO_WORKER.format("none answers"))

    def _break(self, why: str) -> None:
        """Ends all work: nothing can be done any more."""
        self._broken = why
        for task in self._tasks:
            task.end(FAILED, why)

    def _spawn(self, coroutine: Coroutine) -> asyncio.Task:
        task = self._loop.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # work

    async def _do(self, handle: DaskHandle) -> Result:
        """Has a piece of work done, and waits for its end."""
        task = _Task(handle.work, handle, self._loop.create_future())
        self._tasks.add(task)
        try:
            if self._broken:
                return Result(FAILED, self._broken)
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

    async def _place(self, task: _Task) -> None:
        """Has Dask choose a worker among those that are fit, and have no other work of ours."""
        if task.placement is not None:
            task.placement.future.release()
        task.tries += 1
        if task.tries > RETRIES + 1:
            task.end(FAILED, KILLED_TOO_OFTEN)
            return
        work, key = task.work, _key(task.work, self._owner, next(self._numbers))
        busy = {each.placement.address for each in self._tasks if each.placement is not None}
        places = frozenset(self._fit - busy or self._fit)
        order = dask_worker.Order(
            self._owner, key, work.words, work.memory_bytes,
            tuple(Path(folder).name for folder in work.folders), task.files,
            self._rules.sent, self._rules.returned, self._module, self._lost_seconds,
        )  # fmt: skip
        where = {"workers": sorted(places)} if places else {}
        future = self._client.submit(
            dask_worker.perform, order, key=key, pure=False, retries=RETRIES, **where
        )
        task.placement = _Placement(key, future, places)
        self._spawn(self._watch(task, task.placement))

    async def _watch(self, task: _Task, placement: _Placement) -> None:
        """Waits for the end of Dask's task, which comes after the news of the end of the work."""
        reason = UNEXPECTED
        try:
            await placement.future
        except asyncio.CancelledError:
            reason = LOST_SCHEDULER
        except Exception as error:  # of Dask's own kinds
            reason = _REASONS.get(type(error).__name__, UNEXPECTED)
        if task.placement is placement and not self._closing.is_set():
            task.end(FAILED, reason)

    def _on_stop(self, handle: DaskHandle, patience: float) -> None:
        for task in [task for task in self._tasks if task.handle is handle]:
            placement = task.placement
            if placement is None or not placement.attempt:  # it has not begun
                task.end(CANCELLED)
            else:
                stop = dask_worker.stop, placement.attempt, patience
                self._spawn(self._ask(placement.address, *stop))
                self._loop.call_later(patience + FORCE_SECONDS, task.end, CANCELLED)

    async def _call(self, address: str, function: Any, *arguments: Any) -> Any:
        """Has a worker run a function beside its tasks."""
        return (await self._client.run(function, *arguments, workers=[address]))[address]

    async def _ask(self, address: str, function: Any, *arguments: Any) -> Any:
        """The same; None if the worker is gone."""
        with contextlib.suppress(OSError, KeyError, ValueError):
            return await self._call(address, function, *arguments)
        return None

    # workers

    async def _serve(self, address: str) -> None:
        """Asks one worker for news until it is gone."""
        try:
            if problem := await self._examine(address):
                self._unfit[address] = problem
                return
            self._fit.add(address)
            seen: dict[str, int] = {}
            while True:
                call = self._client.run(dask_worker.exchange, self._owner, seen, workers=[address])
                for report in (await call)[address]:
                    await self._take(address, report)
                    seen[report.attempt] = report.number
        except (OSError, KeyError):  # gone; if not, the next survey finds it again
            pass
        finally:
            self._fit.discard(address)
            self._serving.pop(address, None)

    async def _examine(self, address: str) -> str:
        """Why a worker cannot do our work, or nothing."""
        question = dask_worker.examine, self.address == LOCAL
        try:
            found = (await self._client.run(*question, workers=[address]))[address]
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

    async def _take(self, address: str, report: dask_worker.Report) -> None:
        """Takes news of an attempt: files first, so that they are there when an event tells so."""
        task = self._task_of(report)
        if task is None or task.over.done():
            await self._ask(address, dask_worker.leave, self._owner, report.attempt)
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
            await self._ask(address, dask_worker.leave, self._owner, report.attempt)
            task.end(*(Result(FAILED, problem) if problem else report.result))

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
