"""Controls a training while it runs: hold it, let it go on for an epoch, change β or its rate.

    runs/<id>/wish.json       what somebody wants of it now; written by anybody
              changes.jsonl   what has been changed, and after which update; written by the training

A change is on disk before it is in force, and is in force from a known update on: so a training
that was killed and resumed makes the same changes at the same updates, bit for bit.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from models.atomic import write_bytes
from models.config import ObjectiveConfig, RunConfig, TrainingConfig
from models.settings import Settings, setting

HOLD_SECONDS = 120.0
"""How long a held training keeps its place and memory; then it saves all and ends."""
LOOK_SECONDS = 0.05
MAX_CHANGES = 1000
GO, HOLD, STEP = "go", "hold", "step"


@dataclass(frozen=True)
class ControlRequest(Settings):
    """What somebody wants of a running training.

    Raises:
        ValueError: If a setting is outside its limits.

    Example:
        >>> ControlRequest(beta=-2.0)
        Traceback (most recent call last):
        ValueError: beta must be 0 to 10000, got -2
    """

    order: str = setting(GO, "go, hold, or step: an epoch more.", choices=(GO, HOLD, STEP))
    serial: int = setting(0, "Tells a second order from the first.", 0, 2**31 - 1)
    beta: float = setting(-1.0, "Weight of the rate from now on; -1: as it is.", None, 1e4)
    learning_rate: float = setting(0.0, "Peak rate from now on; 0: as it is.", 0.0, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta < 0 and self.beta != -1.0:
            raise ValueError(f"beta must be 0 to 10000, got {self.beta:g}")


@dataclass(frozen=True)
class Change(Settings):
    """β and the peak learning rate from the update after `step` on.

    Example:
        >>> print(Change(400, 4.0, 1e-3))
        after step 400: β = 4, learning rate 0.001
    """

    step: int = setting(0, "Updates made before.", 0, 2**62)
    beta: float = setting(1.0, "Weight of the rate.", 0.0, 1e4)
    learning_rate: float = setting(1e-3, "Peak learning rate.", 1e-7, 1.0)

    def __str__(self) -> str:
        rate = f"learning rate {self.learning_rate:g}"
        return f"after step {self.step}: β = {self.beta:g}, {rate}"


@dataclass(frozen=True)
class Paused:
    """The training waits before its next update."""

    step: int
    total_steps: int


def wish_of(run_folder: Path) -> ControlRequest:
    """What is wanted of a run; nothing, if there is no such file or a damaged one."""
    try:
        return ControlRequest.from_json(json.loads((run_folder / "wish.json").read_bytes()))
    except (OSError, ValueError):
        return ControlRequest()


def ask(run_folder: Path, **wanted: Any) -> ControlRequest:
    """Wants something of a run; what is not named stays wanted as it was.

    Args:
        run_folder: Of the run.
        wanted: Fields of `ControlRequest`, without the serial.

    Raises:
        ValueError: If a value is outside its limits.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = ask(Path(folder), order="hold")
        ...     ask(Path(folder), beta=4.0)
        ControlRequest(order='hold', serial=1, beta=4.0, learning_rate=0.0)
    """
    wish = wish_of(run_folder)
    serial = wish.serial + ("order" in wanted)
    wish = replace(wish, serial=serial, **wanted)
    write_bytes(run_folder / "wish.json", json.dumps(wish.to_json()).encode())
    return wish


def changes_of(run_folder: Path) -> list[Change]:
    """What has been changed, by rising step; damaged lines are passed over."""
    try:
        lines = (run_folder / "changes.jsonl").read_bytes().splitlines()[:MAX_CHANGES]
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(Change.from_json(json.loads(line)))
    return sorted(found, key=lambda change: change.step)


class ActiveSettings(NamedTuple):
    """Settings from the update after `step` on."""

    step: int
    objective: ObjectiveConfig
    training: TrainingConfig


def in_force(config: RunConfig, changes: Sequence[Change]) -> list[ActiveSettings]:
    """The settings of a training, and those after each change.

    Raises:
        ValueError: If a change is not lawful for this run.

    Example:
        >>> from models.presets import preset
        >>> found = in_force(preset("digits-2d"), [Change(400, 4.0, 1e-3)])
        >>> [(each.step, each.objective.beta) for each in found]
        [(0, 1.0), (400, 4.0)]
    """
    found = [ActiveSettings(0, config.objective, config.training)]
    for change in changes:
        changed = apply(config, change)
        found.append(ActiveSettings(change.step, changed.objective, changed.training))
    return found


def apply(config: RunConfig, change: Change) -> RunConfig:
    """The settings of a run as a change makes them.

    Raises:
        ValueError: If they are not lawful: a multirate model has no β of its own.
    """
    return replace(
        config,
        objective=replace(config.objective, beta=change.beta),
        training=replace(config.training, learning_rate=change.learning_rate),
    )


class Control:
    """Makes a training do what is wanted of it.

    Args:
        run_folder: Of the run.
        training: A `models.training.trainer.Training` of it, at the step from which it goes on.
    """

    def __init__(self, run_folder: Path, training: Any) -> None:
        self.run_folder, self.training = run_folder, training
        self.changes = changes_of(run_folder)
        self.training.follow(self.changes)
        self._read: tuple[int, int] | None = None  # inode, time of change
        self._wish = ControlRequest()
        self._stepped = -1  # serial of the step that has been made

    def obey(self, is_epoch_end: bool) -> Iterator[Paused]:
        """Between two updates: changes what is to be changed, and waits as long as it is held.

        Returns after `HOLD_SECONDS`; `is_held` then still says so.
        """
        self._look()
        if self._wish.order == STEP and is_epoch_end:
            self._stepped = self._wish.serial
        end = time.monotonic() + HOLD_SECONDS
        while self.is_held and time.monotonic() < end:
            yield Paused(self.training.step, self.training.total_steps)
            time.sleep(LOOK_SECONDS)
            self._look()

    @property
    def is_held(self) -> bool:
        """Whether no update may be made now."""
        if self.training.step >= self.training.total_steps:
            return False
        wish = self._wish
        return wish.order == HOLD or (wish.order == STEP and wish.serial == self._stepped)

    def _look(self) -> None:
        """Reads the wish if it is a new one, and makes its changes."""
        try:
            found = (self.run_folder / "wish.json").stat()
        except OSError:
            return
        if (found.st_ino, found.st_mtime_ns) == self._read:
            return
        self._read = found.st_ino, found.st_mtime_ns
        self._wish = wish_of(self.run_folder)
        self._change()

    def _change(self) -> None:
        """Takes β and the rate from the wish, if they differ from the last that were taken."""
        config, step = self.training.config, self.training.step
        last = Change(step, config.objective.beta, config.training.learning_rate)
        if self.changes:
            last = replace(self.changes[-1], step=step)
        wanted = last
        if self._wish.beta >= 0:
            wanted = replace(wanted, beta=self._wish.beta)
        if self._wish.learning_rate > 0:
            wanted = replace(wanted, learning_rate=max(1e-7, self._wish.learning_rate))
        if wanted == last or len(self.changes) >= MAX_CHANGES:
            return
        with contextlib.suppress(ValueError):  # a β for a model that has none
            apply(config, wanted)
            self.changes = [each for each in self.changes if each.step < step] + [wanted]
            self._keep()
            self.training.follow(self.changes)

    def _keep(self) -> None:
        """On disk, before it is in force."""
        lines = "".join(json.dumps(asdict(change)) + "\n" for change in self.changes)
        write_bytes(self.run_folder / "changes.jsonl", lines.encode())
