"""The groups of a sweep as work for an engine, and the events that are reported."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.engines.handle import Engine, Handle, Work
from models.places import disk_reason
from models.runs.folder import Run
from models.runs.train import AUTOSAVE_SECONDS

HEARTBEAT_SECONDS = 0.4
"""Longest silence of a stream of events."""
REPORT_SECONDS = 0.2
"""Time between two reports of a group."""
LEAVE_SECONDS = 60.0
"""Most that a group may take to save its runs when it is told to stop."""


@dataclass(frozen=True)
class Started:
    """The training of a member has started."""

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
_KINDS = {"advanced": Advanced, "done": Done, "failed": Failed}
_UNTRAINED = "its process must train it to its end, but it was told to stop"


def distribute(
    groups: Sequence[list[Run]],
    room: Callable[[], int],
    engine: Engine,
    work: Callable[[Sequence[Run]], Work],
) -> Iterator[Event | str | None]:
    """Has an engine train the groups, as many at a time as it has room for.

    Args:
        groups: From `models.sweeps.plan.plan`.
        room: Counts how many can be trained at a time, now.
        engine: What does the work; it is closed at the end.
        work: Says what is asked for to have a group trained.

    Yields:
        Events; the id of a run when its training starts; None where there is no news for
        `HEARTBEAT_SECONDS`.
    """
    waiting = deque(groups)
    inbox: queue.SimpleQueue[tuple[Handle, Any]] = queue.SimpleQueue()
    working: dict[Handle, set[str]] = {}

    def start_next() -> Iterator[str]:
        while waiting and len(working) < room():
            runs = waiting.popleft()
            handle = engine.start(work(runs))
            working[handle] = {run.id for run in runs}
            threading.Thread(target=_follow, args=(handle, inbox), daemon=True).start()
            yield from [run.id for run in runs]

    try:
        while waiting or working:
            yield from start_next()
            try:
                handle, message = inbox.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                yield None
                continue
            if message is None:
                reason = handle.result().reason or _UNTRAINED
                yield from [Failed(name, reason) for name in sorted(working.pop(handle))]
            else:
                event = _KINDS[message.pop("kind")](**message)
                if isinstance(event, Done | Failed):
                    working[handle].discard(event.run_id)
                yield event
    finally:
        for handle in working:
            handle.cancel(LEAVE_SECONDS)
        for handle in working:
            handle.result()
        engine.close()


def _follow(handle: Handle, inbox: queue.SimpleQueue) -> None:
    """Puts the events of one piece of work into the inbox of all, and None at its end."""
    for event in handle.events():
        inbox.put((handle, event))
    inbox.put((handle, None))


def train_group(
    runs: Sequence[Run],
    report: Callable[[Any], None],
    is_stopped: Callable[[], bool],
    data_dir: str | Path | None = None,
    device: str = "cpu",
    command: str = "",
    autosave_seconds: float = AUTOSAVE_SECONDS,
) -> None:
    """Trains a group of runs and reports how they do.

    Args:
        runs: Of one group of `models.sweeps.plan.plan`.
        report: Gets every piece of news, as JSON values.
        is_stopped: Whether to keep everything and stop.
        data_dir: See `models.data.load.load`.
        device: "cpu", "cuda" or "mps".
        command: For the cards.
        autosave_seconds: Time between two saves of a state.
    """
    from models.runs.train_together import train_together

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
            if is_stopped():
                break
    except (ValueError, OSError) as error:  # the data: no run of the group can go on
        for run in runs:
            report(_failure(run.id, error))
    rounds.close()


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
    """Why a run stopped, in one sentence without a path of this machine."""
    if isinstance(error, OSError):
        reason = f"a file cannot be used: {disk_reason(error)}"
    else:
        reason = str(error)
    return {"kind": "failed", "run_id": name, "reason": reason}
