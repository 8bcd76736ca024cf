"""The status of a run, from its folder alone: how far it is, and whether it works, waits or ended.

A training run that diverges leaves `failure.json` with the reason; the next attempt removes it.
"""

from __future__ import annotations

import contextlib
import functools
import json
from pathlib import Path
from typing import NamedTuple

from models import strict_json
from models.atomic import write_bytes
from models.runs.folder import Run
from models.runs.history import LatestRow, Row
from models.runs.lock import is_locked
from models.storage.checkpoint import read
from models.storage.tensors import CheckpointError
from models.text import clean_name
from models.training.control import GO, read_request

WAITING = "waiting"
"""Not begun."""
RUNNING = "running"
"""A process trains it."""
PAUSED = "paused"
"""A process holds it where it is, on request."""
STOPPED = "stopped"
"""Ended on request before its last epoch; model and state are those of its last step."""
INTERRUPTED = "interrupted"
"""Its process was killed; what it saved last can be continued."""
FAILED = "failed"
"""The training diverged."""
DONE = "done"
"""Its last epoch is over, and its model is written."""
IMPORTED = "imported"
"""A model from elsewhere, which has neither a history nor a state to continue."""

MAX_FAILURE_BYTES = 4096
MAX_REASON = 400
"""Characters."""


class RunStatus(NamedTuple):
    """How a run is doing.

    Attributes:
        state: One of the constants of this module.
        epochs: Epochs of the whole training.
        row: The last row of its history; None before the first epoch is over.
        model_steps: Updates behind its checkpoint; None if there is none that can be read.
        reason: Why it failed, one sentence; else empty.
    """

    state: str
    epochs: int
    row: Row | None = None
    model_steps: int | None = None
    reason: str = ""

    @property
    def epochs_done(self) -> int:
        """Epochs that are over."""
        return epochs_done(self.row, self.epochs)

    @property
    def share(self) -> float:
        """Share of the epochs that are over, 0 to 1."""
        return self.epochs_done / self.epochs

    @property
    def is_done(self) -> bool:
        """Whether it is trained to its end and its model can be used."""
        return self.state == DONE

    @property
    def total_steps(self) -> int | None:
        """Updates of the whole training; None before the first epoch is over."""
        if self.row is None:
            return None
        return self.row["step"] // (self.row["epoch"] + 1) * self.epochs


def epochs_done(row: Row | None, epochs: int) -> int:
    """Counts the epochs that are over.

    Args:
        row: The last row of the history, or None.
        epochs: Of the whole training.

    Example:
        >>> epochs_done(None, 3), epochs_done({"epoch": 1, "step": 80}, 3)
        (0, 2)
    """
    return 0 if row is None else min(epochs, row["epoch"] + 1)


def run_status(run: Run) -> RunStatus:
    """Reads the status of a run.

    Raises:
        ValueError: If the folder holds no valid settings.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     status = run_status(Run.create(folder, preset("digits-2d")))
        ...     status.state, status.epochs_done, status.epochs
        ('waiting', 0, 200)
    """
    epochs, row = run.config().training.epochs, LatestRow(run.folder).read()
    steps, reason = model_steps(run), read_failure(run)
    state = _state(run, epochs, row, steps, reason)
    return RunStatus(state, epochs, row, steps, reason if state == FAILED else "")


def why_no_model(run: Run, status: RunStatus) -> str:
    """Says why a run has no model that could be used, and what to do.

    Example:
        >>> why_no_model(Run(Path("20260101-000000-abcdef")), RunStatus(RUNNING, 200))
        'a run must have a model, but 20260101-000000-abcdef is still being trained (epoch 1 of \
200): wait for its end, or have it written now by steer 20260101-000000-abcdef --hold'
    """
    go_on = f"train it with train --resume {run.id}"
    why = {
        WAITING: f"has not begun: {go_on}",
        RUNNING: (
            f"is still being trained (epoch {min(status.epochs, status.epochs_done + 1)} of "
            f"{status.epochs}): wait for its end, or have it written now by steer {run.id} --hold"
        ),
        PAUSED: "is being paused, which writes it: try again in a moment",
        FAILED: f"failed before there was one: {status.reason}",
    }
    return "a run must have a model, but " + " ".join(
        (run.id, why.get(status.state, f"was interrupted before there was one: {go_on}"))
    )


def _state(run: Run, epochs: int, row: Row | None, steps: int | None, reason: str) -> str:
    if is_locked(run.folder):
        return RUNNING if read_request(run.folder).order == GO else PAUSED
    if reason:
        return FAILED
    if row is None and not run.state_path.exists():
        return WAITING if steps is None else IMPORTED
    if steps is None or (row is not None and steps < row["step"]):
        return INTERRUPTED
    is_whole = epochs_done(row, epochs) == epochs and steps == row["step"]
    return DONE if is_whole else STOPPED


def model_steps(run: Run) -> int | None:
    """Reads how many updates are behind the checkpoint of a run; None without a usable one."""
    try:
        status = run.model_path.stat()
    except OSError:
        return None
    return _model_steps(run.model_path, status.st_mtime_ns, status.st_ino)


@functools.lru_cache(2000)
def _model_steps(path: Path, changed: int, inode: int) -> int | None:
    try:
        return read(path).card.steps
    except CheckpointError:
        return None


# --- failures ------------------------------------------------------------------------------------


def _failure_path(run: Run) -> Path:
    return run.folder / "failure.json"


def write_failure(run: Run, reason: str) -> None:
    """Records why the training of a run cannot go on; a full disk loses only the record."""
    document = {"reason": clean_name(reason, longest=MAX_REASON)}
    with contextlib.suppress(OSError):
        write_bytes(_failure_path(run), json.dumps(document).encode())


def read_failure(run: Run) -> str:
    """Reads why a run failed; nothing if it did not, or the record is damaged."""
    try:
        document = strict_json.read(_failure_path(run), MAX_FAILURE_BYTES)
    except (OSError, ValueError):
        return ""
    match document:
        case {"reason": str(reason)}:
            return clean_name(reason, "", MAX_REASON)
    return ""


def clear_failure(run: Run) -> None:
    """Removes the record of a failure: the run is tried again."""
    _failure_path(run).unlink(missing_ok=True)
