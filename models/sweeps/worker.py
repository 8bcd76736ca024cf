"""Processes that train the runs of a sweep, and the events they report."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from models.runs.folder import Run
from models.runs.train import AUTOSAVE_SECONDS

HEARTBEAT_SECONDS = 0.4
"""Longest silence of a stream of events."""
REPORT_SECONDS = 0.2
"""Time between two reports of a worker."""
LEAVE_SECONDS = 60.0
"""Most that a worker may take to save its runs when it is told to leave."""


@dataclass(frozen=True)
class Started:
    """A process has taken the member."""

    run_id: str
    beta: float
    seed: int
    latent_dim: int


@dataclass(frozen=True)
class Advanced:
    """Where a member is: step and share done; D and R over its latest steps, nats per image."""

    run_id: str
    step: int
    share: float
    distortion: float
    rate: float


@dataclass(frozen=True)
class Done:
    """A member has reached its end; its checkpoint is there."""

    run_id: str


@dataclass(frozen=True)
class Failed:
    """A member stopped for a reason, one sentence; the others go on."""

    run_id: str
    reason: str


Event = Started | Advanced | Done | Failed


class _Worker:
    """A process that trains one group after another; closing its standard input ends it."""

    def __init__(self, arguments: Sequence[str], niceness: int, inbox: queue.SimpleQueue) -> None:
        root = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH")
        self.unfinished: set[str] = set()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "models", "work", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])},
        )
        if niceness and hasattr(os, "setpriority"):
            own = os.getpriority(os.PRIO_PROCESS, self.process.pid)
            os.setpriority(os.PRIO_PROCESS, self.process.pid, own + niceness)
        self.listener = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self.listener.start()

    def _listen(self, inbox: queue.SimpleQueue) -> None:
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # a line cut short by its death
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))

    def give(self, runs: Sequence[Run]) -> None:
        self.unfinished = {run.id for run in runs}
        with contextlib.suppress(OSError):  # if it has died, its standard output will tell
            self.process.stdin.write(json.dumps([run.id for run in runs]) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def wait(self, seconds: float) -> None:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.process.stdout.close()


def distribute(
    groups: Sequence[list[Run]], count: int, arguments: Sequence[str], niceness: int
) -> Iterator[Event | str | None]:
    """Has the groups trained by at most `count` workers; a run's id stands for its start."""
    waiting = deque(groups)
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    workers: list[_Worker] = []
    busy: set[_Worker] = set()

    def next_group(worker: _Worker | None = None) -> Iterator[str]:
        if not waiting:
            return
        if worker is None:
            worker = _Worker(arguments, niceness, inbox)
            workers.append(worker)
        busy.add(worker)
        worker.give(waiting[0])
        yield from [run.id for run in waiting.popleft()]

    try:
        for _ in range(count):
            yield from next_group()
        while busy:
            try:
                worker, message = inbox.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield None
                continue
            if message is None:  # the process is gone
                status = worker.process.wait()
                yield from [
                    Failed(name, f"its process must live to the end, but it ended with {status}")
                    for name in sorted(worker.unfinished)
                ]
                if worker in busy:
                    busy.remove(worker)
                    yield from next_group()
            elif message == "ready":
                busy.remove(worker)
                yield from next_group(worker)
            else:
                event = _KINDS[message.pop("kind")](**message)
                if isinstance(event, Done | Failed):
                    worker.unfinished.discard(event.run_id)
                yield event
    finally:
        for worker in workers:
            worker.dismiss()
        deadline = time.monotonic() + LEAVE_SECONDS
        for worker in workers:
            worker.wait(max(0.0, deadline - time.monotonic()))


_KINDS = {"advanced": Advanced, "done": Done, "failed": Failed}


def work(
    orders: IO[str],
    reports: IO[str],
    runs_dir: str | Path,
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> None:
    """What a worker process does: trains the groups it is told to, until it is told no more.

    When `orders` ends in the middle of a training, because whoever gave them has stopped or has
    died, everything is kept and the worker leaves.

    Args:
        orders: A line for every group: the ids of its runs as a JSON list.
        reports: Gets a line for every piece of news, and `"ready"` after every group.
        runs_dir: The folder of runs.
        data_dir: See `models.data.load.load`.
        device: "cpu" or "cuda".
        command: For the cards.
        autosave_seconds: Time between two saves of a state.
    """
    groups: queue.SimpleQueue = queue.SimpleQueue()
    left_alone = threading.Event()

    def listen() -> None:
        for line in orders:
            groups.put(json.loads(line))
        left_alone.set()
        groups.put(None)

    def report(message: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            print(json.dumps(message), file=reports, flush=True)

    threading.Thread(target=listen, daemon=True).start()
    from models.runs.train_together import train_together

    for names in iter(groups.get, None):
        runs = [Run(Path(runs_dir) / name) for name in names]
        rounds = train_together(runs, data_dir, device, command, autosave_seconds)
        reported = -math.inf
        try:
            epochs = runs[0].config().training.epochs
            for news in rounds:
                due = bool(news) and time.monotonic() - reported >= REPORT_SECONDS
                reported = time.monotonic() if due else reported
                for name, event in news.items():
                    if due or event is None or isinstance(event, Exception):
                        report(_message(name, event, epochs))
                if left_alone.is_set():
                    break
        except (ValueError, OSError) as error:  # the data: no run of the group can go on
            for name in names:
                report(_failure(name, error))
        rounds.close()
        report("ready")


def _message(name: str, event: Any, epochs: int) -> dict[str, Any]:
    """One piece of news of `models.training.stacked.train_together` as JSON values."""
    if event is None:
        return {"kind": "done", "run_id": name}
    if isinstance(event, Exception):
        return _failure(name, event)
    message = {"kind": "advanced", "run_id": name, "step": event.step}
    if hasattr(event, "total_steps"):
        message |= {"share": event.step / event.total_steps}
        return message | _both(event.terms)
    message |= {"share": (event.epoch + 1) / epochs}
    return message | _both(event.train)


def _both(terms: Mapping[str, float]) -> dict[str, float]:
    """D and R, which every member of a sweep over β has."""
    return {name: terms[name] for name in ("distortion", "rate")}


def _failure(name: str, error: Exception) -> dict[str, Any]:
    """Why a run stopped, as one sentence for a stranger: no path of this machine."""
    if isinstance(error, OSError):
        reason = f"a file cannot be used: {(error.strerror or 'unknown reason').lower()}"
    else:
        reason = str(error)
    return {"kind": "failed", "run_id": name, "reason": reason}
