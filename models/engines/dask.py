"""The Dask engine: work in processes of other machines, which Dask chooses.

Dask places work and moves it when a worker is lost; what the work makes belongs to the run folders
of this machine. A task (`models.engines.dask_worker`) starts our own worker process and waits for
it. While it goes on, this engine asks every worker for news, which also says that the owner is
alive: events, and whatever changed in the folders, so that an attempt elsewhere goes on from there.
Folders and files are brought to a worker that lacks them; no file system is shared.

All talk with Dask is in one thread: `dask_connection` has the client, `dask_survey` the workers,
`dask_tasks` the work. `distributed` is optional and imported when an engine is made. A client
trusts what its scheduler sends: an address must come from whoever starts the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
from pathlib import Path
from typing import NamedTuple

from models.engines.dask_connection import Connection
from models.engines.dask_scheduler import DaskError, check_address, check_installed, unreachable
from models.engines.dask_survey import Workers
from models.engines.dask_tasks import LOST_SCHEDULER, Tasks
from models.engines.handle import DONE, FAILED, UNEXPECTED, BaseHandle, Result, Work
from models.engines.transfer import Rules
from models.places import disk_reason

LOST_SECONDS = 30.0
"""Silence after which a worker ends the work of an owner: it is gone."""
WORKER_SECONDS = 60.0
"""How long to wait for a worker where there is none."""
SURVEY_SECONDS = 0.5


class DaskStatus(NamedTuple):
    """What an engine looks like now: workers that can do work, pieces of work that go on, the
    address of Dask's own dashboard or nothing."""

    workers: int
    working: int
    dashboard: str


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
        self._rules, self._broken = rules, ""
        self._connection = Connection(address, workers, secrets.token_hex(6))
        fit: set[str] = set()
        self._tasks = Tasks(self._connection, fit, rules, module, lost_seconds)
        self._workers = Workers(self._connection, fit, self._tasks.take, worker_seconds)
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait()
        if self._broken:
            self._thread.join()
            raise DaskError(self._broken)

    @property
    def status(self) -> DaskStatus:
        """What it looks like now."""
        return DaskStatus(len(self._workers.fit), len(self._tasks), self._connection.dashboard)

    @property
    def problem(self) -> str:
        """Why it can do no more work, one sentence, or nothing."""
        return self._broken

    @property
    def notes(self) -> list[str]:
        """How results of workers will differ from this machine's, a sentence for each."""
        return self._workers.notes

    def room(self, threads: int, device: str) -> int:
        """Counts the workers: each does one piece of work at a time."""
        return max(1, len(self._workers.fit))

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
            self._loop.call_soon_threadsafe(self._tasks.stop, handle, patience)

    def close(self) -> None:
        """Leaves the scheduler, and ends the one that it started."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._close)
        self._thread.join()

    def _attend(self, handle: DaskHandle) -> None:
        """Follows one piece of work to its end, and holds its folders meanwhile."""
        result = Result(FAILED, UNEXPECTED)
        try:
            with contextlib.ExitStack() as held:
                for folder in handle.work.folders:
                    held.enter_context(self._rules.hold(Path(folder)))
                done = asyncio.run_coroutine_threadsafe(self._tasks.do(handle), self._loop)
                result = done.result()
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
            await self._connection.open(stack)
            self._workers.start_waiting()
            while not self._broken and not self._workers.is_settled:
                await self._survey()
                await asyncio.sleep(0.02)
            self._ready.set()
            while not self._broken and not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), SURVEY_SECONDS)
                await self._survey()
            self._tasks.end_all(self._broken or UNEXPECTED)
            if not self._broken:
                await self._workers.leave()
            self._connection.cancel_background()

    async def _survey(self) -> None:
        """Looks for workers; without a scheduler, or without a worker for long, all work ends."""
        try:
            await self._workers.survey()
            self._broken = self._workers.lack()
        except (OSError, TimeoutError):
            self._broken = LOST_SCHEDULER
        if self._broken:
            self._tasks.end_all(self._broken)
        else:
            self._tasks.move()

    def _close(self) -> None:
        self._tasks.leave()
        self._closing.set()
