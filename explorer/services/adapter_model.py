"""The model that `python -m explorer --adapter` opened, for as long as this server lives.

Only that command line adds one: nothing on the screen, in a link or in a file can.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.storage.checkpoint import Checkpoint, read

if TYPE_CHECKING:  # it imports torch
    from models.adapter.measure import Opened

ID = "your-model"
"""Of the model, for links."""

_opened: dict[str, tuple[Path, Opened]] = {}


def adopt(path: Path, opened: Opened) -> None:
    """Offers a stranger's model beside the others, in place of one offered before.

    Args:
        path: Of the checkpoint that `opened` wrote: what the screens read.
        opened: The model itself, with its images.
    """
    found = read(path).fingerprint
    _opened.clear()
    _opened[found] = (path, opened)


def model_of(checkpoint: Checkpoint) -> Opened | None:
    """The stranger's model behind a checkpoint; None if it is one of the project's own."""
    return _opened[checkpoint.fingerprint][1] if checkpoint.fingerprint in _opened else None


def notes(checkpoint: Checkpoint) -> str:
    """What was assumed or looks like a mistake, on one line; empty for the project's own."""
    opened = model_of(checkpoint)
    if opened is None or not opened.notes:
        return ""
    return f"Your model: {'; '.join(opened.notes)}."


def paths() -> list[Path]:
    """The checkpoint of the stranger's model, if there is one."""
    return [path for path, _ in _opened.values()]


def forget() -> None:
    """Offers it no more."""
    _opened.clear()
