"""What `python -m explorer --adapter` or `--codes` opened, for as long as this server lives.

Only that command line adds one: nothing on the screen, in a link or in a file can.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.storage.checkpoint import Checkpoint, read

if TYPE_CHECKING:  # it imports torch
    from models.adapter.measure import MeasuredModel

ID = "your-model"
"""Of the model, for links."""

_offered: dict[str, tuple[Path, MeasuredModel]] = {}


def offer(path: Path, measured: MeasuredModel) -> None:
    """Offers the user's model beside the others, in place of one offered before.

    Args:
        path: Of the checkpoint that `measured` wrote: what the screens read.
        measured: The model itself, with its images.
    """
    fingerprint = read(path).fingerprint
    _offered.clear()
    _offered[fingerprint] = (path, measured)


def model_of(checkpoint: Checkpoint) -> MeasuredModel | None:
    """Returns the user's model behind a checkpoint; None if it is a model of the project."""
    _, measured = _offered.get(checkpoint.fingerprint, (None, None))
    return measured


def notes(checkpoint: Checkpoint) -> str:
    """Lists what was assumed or looks like a mistake, on one line; empty for other models."""
    measured = model_of(checkpoint)
    if measured is None or not measured.notes:
        return ""
    what = "model" if measured.is_whole else "codes"
    return f"Your {what}: {'; '.join(measured.notes)}."


def is_whole(name: str) -> bool:
    """Whether the model of this id can encode and decode: all but codes without a model."""
    return name != ID or all(measured.is_whole for _, measured in _offered.values())


def codes_alone() -> str:
    """What codes without a model have in place of a decoder, a word of `explorer.guide`: "pictures"
    or "points"; empty where no such codes are offered."""
    for _, measured in _offered.values():
        if not measured.is_whole:
            return "pictures" if measured.model.count else "points"
    return ""


def paths() -> list[Path]:
    """Lists the checkpoint of the user's model, if there is one."""
    return [path for path, _ in _offered.values()]


def forget() -> None:
    """Withdraws the user's model."""
    _offered.clear()
