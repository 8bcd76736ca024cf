"""Control of a training run while it works: pause it, go on for an epoch, change β or its rate.

    runs/<id>/wish.json       what is requested now; written by any process
              changes.jsonl   what was changed, and after which update; written by the training

A change is on disk before it is active, and it is active from a known update on: so a run that was
killed and resumed makes the same changes at the same updates, bit for bit.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from models import strict_json
from models.atomic import write_bytes
from models.config import RUN_SETTINGS, ObjectiveConfig, RunConfig, TrainingConfig
from models.places import open_file
from models.settings import Settings, setting

REQUEST_FILE, CHANGES_FILE = "wish.json", "changes.jsonl"
"""Names and contents are a format: runs made by earlier versions have these files."""
MAX_PAUSE_SECONDS = 120.0
"""How long a paused run keeps its process and memory; then it saves everything and ends."""
POLL_SECONDS = 0.05
MAX_CHANGES = 1000
MAX_LINE_BYTES = 4096
BETA, RATE = RUN_SETTINGS["beta"], RUN_SETTINGS["learning_rate"]
"""Their limits hold for changes too."""
GO, PAUSE, STEP = "go", "hold", "step"
"""Orders as they stand in the file."""


@dataclass(frozen=True)
class ControlRequest(Settings):
    """What is requested of a running training.

    Raises:
        ValueError: If a setting is outside its limits.

    Example:
        >>> ControlRequest(beta=-2.0)
        Traceback (most recent call last):
        ValueError: beta must be 0 to 10000, got -2
    """

    order: str = setting(GO, "go, hold, or step: one more epoch.", choices=(GO, PAUSE, STEP))
    serial: int = setting(0, "Tells a second order from the first.", 0, 2**31 - 1)
    beta: float = setting(
        -1.0, "Weight of the rate from now on; -1: unchanged.", None, BETA.maximum
    )
    learning_rate: float = setting(
        0.0, "Peak learning rate from now on; 0: unchanged.", 0.0, RATE.maximum
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta < BETA.minimum and self.beta != -1.0:
            raise ValueError(f"beta must be 0 to {BETA.maximum:g}, got {self.beta:g}")


@dataclass(frozen=True)
class Change(Settings):
    """β and the peak learning rate from the update after `step` on.

    Example:
        >>> print(Change(400, 4.0, 1e-3))
        after step 400: β = 4, learning rate 0.001
    """

    step: int = setting(0, "Updates made before.", 0, 2**62)
    beta: float = setting(1.0, "Weight of the rate.", BETA.minimum, BETA.maximum)
    learning_rate: float = setting(1e-3, "Peak learning rate.", RATE.minimum, RATE.maximum)

    def __str__(self) -> str:
        rate = f"learning rate {self.learning_rate:g}"
        return f"after step {self.step}: β = {self.beta:g}, {rate}"


@dataclass(frozen=True)
class Paused:
    """Event: the training waits before its next update."""

    step: int
    total_steps: int


def read_request(run_folder: Path) -> ControlRequest:
    """Reads what is requested of a run; nothing, if the file is absent or damaged."""
    try:
        document = strict_json.read(run_folder / REQUEST_FILE, MAX_LINE_BYTES)
        return ControlRequest.from_json(document)
    except (OSError, ValueError):
        return ControlRequest()


def send_request(run_folder: Path, **fields: Any) -> ControlRequest:
    """Requests something of a run; fields that are not given stay as they were requested.

    Args:
        run_folder: Of the run.
        fields: Of `ControlRequest`, without the serial.

    Raises:
        ValueError: If a value is outside its limits.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = send_request(Path(folder), order="hold")
        ...     send_request(Path(folder), beta=4.0)
        ControlRequest(order='hold', serial=1, beta=4.0, learning_rate=0.0)
    """
    request = read_request(run_folder)
    serial = request.serial + ("order" in fields)
    request = replace(request, serial=serial, **fields)
    write_bytes(run_folder / REQUEST_FILE, json.dumps(request.to_json()).encode())
    return request


def read_changes(run_folder: Path) -> list[Change]:
    """Reads what was changed, by rising step; damaged lines are skipped."""
    changes = []
    try:
        with open_file(run_folder / CHANGES_FILE) as file:
            lines = file.read(MAX_CHANGES * MAX_LINE_BYTES).splitlines()[:MAX_CHANGES]
    except OSError:
        return []
    for line in lines:
        with contextlib.suppress(ValueError):
            changes.append(Change.from_json(strict_json.parse(line)))
    return sorted(changes, key=lambda change: change.step)


class ActiveSettings(NamedTuple):
    """Settings from the update after `step` on."""

    step: int
    objective: ObjectiveConfig
    training: TrainingConfig


def active_settings(config: RunConfig, changes: Sequence[Change]) -> list[ActiveSettings]:
    """Lists the settings a training run begins with, and those after each change.

    Raises:
        ValueError: If a change is not possible for this run.

    Example:
        >>> from models.presets import preset
        >>> settings = active_settings(preset("digits-2d"), [Change(400, 4.0, 1e-3)])
        >>> [(each.step, each.objective.beta) for each in settings]
        [(0, 1.0), (400, 4.0)]
    """
    settings = [ActiveSettings(0, config.objective, config.training)]
    for change in changes:
        changed = apply(config, change)
        settings.append(ActiveSettings(change.step, changed.objective, changed.training))
    return settings


def next_change(
    config: RunConfig, changes: Sequence[Change], request: ControlRequest, step: int = 0
) -> Change | None:
    """Finds what a request changes after an update; None if everything stays as it is.

    Args:
        config: Of the run.
        changes: Made so far.
        request: What is requested now.
        step: Updates made.

    Example:
        >>> from models.presets import preset
        >>> print(next_change(preset("digits-2d"), [], ControlRequest(beta=4.0), 400))
        after step 400: β = 4, learning rate 0.003
        >>> next_change(preset("digits-multirate"), [], ControlRequest(beta=4.0)) is None
        True
    """
    before = Change(step, config.objective.beta, config.training.learning_rate)
    if changes:
        before = replace(changes[-1], step=step)
    after = before
    if request.beta >= 0:
        after = replace(after, beta=request.beta)
    if request.learning_rate > 0:
        after = replace(after, learning_rate=max(RATE.minimum, request.learning_rate))
    try:
        apply(config, after)
    except ValueError:  # a β for a model that has none
        return None
    return None if after == before else after


def apply(config: RunConfig, change: Change) -> RunConfig:
    """Returns the settings of a run with a change applied.

    Raises:
        ValueError: If the change is not possible: a multirate model has no β of its own.
    """
    return replace(
        config,
        objective=replace(config.objective, beta=change.beta),
        training=replace(config.training, learning_rate=change.learning_rate),
    )


class Control:
    """Applies the requests made of a run to its training.

    Args:
        run_folder: Of the run.
        training: A `models.training.trainer.Training` of it, at the step from which it goes on.
    """

    def __init__(self, run_folder: Path, training: Any) -> None:
        self.run_folder, self.training = run_folder, training
        self.changes = read_changes(run_folder)
        self.training.follow(self.changes)
        self._version: tuple[int, int] | None = None  # inode and time of the file as last read
        self._request = ControlRequest()
        self._stepped = -1  # serial of the step that has been made

    def poll(self, is_epoch_end: bool) -> Iterator[Paused]:
        """Between two updates: changes what is requested, and waits as long as it is paused.

        Returns after `MAX_PAUSE_SECONDS`; `is_paused` is then still true.
        """
        self._read_request()
        if self._request.order == STEP and is_epoch_end:
            self._stepped = self._request.serial
        end = time.monotonic() + MAX_PAUSE_SECONDS
        while self.is_paused and time.monotonic() < end:
            yield Paused(self.training.step, self.training.total_steps)
            time.sleep(POLL_SECONDS)
            self._read_request()

    @property
    def is_paused(self) -> bool:
        """Whether no update may be made now."""
        if self.training.step >= self.training.total_steps:
            return False
        order, is_step_made = self._request.order, self._request.serial == self._stepped
        return order == PAUSE or (order == STEP and is_step_made)

    def _read_request(self) -> None:
        """Reads the request if the file is new, and makes its changes."""
        try:
            status = (self.run_folder / REQUEST_FILE).stat()
        except OSError:
            return
        if (status.st_ino, status.st_mtime_ns) == self._version:
            return
        self._version = status.st_ino, status.st_mtime_ns
        self._request = read_request(self.run_folder)
        self._change()

    def _change(self) -> None:
        """Makes the change that is requested, if there is one."""
        step = self.training.step
        change = next_change(self.training.config, self.changes, self._request, step)
        if change is None or len(self.changes) >= MAX_CHANGES:
            return
        self.changes = [each for each in self.changes if each.step < step] + [change]
        self._write_changes()
        self.training.follow(self.changes)

    def _write_changes(self) -> None:
        """Before a change is active, it is on disk."""
        lines = "".join(json.dumps(asdict(change)) + "\n" for change in self.changes)
        write_bytes(self.run_folder / CHANGES_FILE, lines.encode())
