"""The room that the runs of a class may take on the disk, deleted ones included.

Nothing is removed by itself: without room nothing new is trained, and the page offers what could
go, the oldest unpinned run first.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from explorer.jobs.job import JobError
from explorer.server import options
from explorer.services import permissions, run_folders
from models.runs.folder import Run, default_runs_dir

LOOK_SECONDS = 10.0
"""So long what was measured is used."""

_sizes: dict[str, tuple[int, int]] = {}
"""Bytes of a folder, and when it was changed."""
_measured: dict[Path, tuple[float, int]] = {}
"""When the runs of a folder were measured, and their bytes."""


def used() -> int:
    """Measures the bytes of all runs, deleted ones included, at most `LOOK_SECONDS` ago."""
    folder = default_runs_dir()
    at, size = _measured.get(folder, (0.0, 0))
    if not at or time.monotonic() - at > LOOK_SECONDS:
        size = sum(map(size_of, [*_folders(folder), *_folders(folder / ".trash")]))
        _measured[folder] = time.monotonic(), size
    return size


def measure_again() -> None:
    """Forgets what was measured, after something was deleted for good."""
    _measured.clear()


def _folders(folder: Path) -> list[str]:
    """The folders in a folder that are not hidden."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [each.path for each in entries if each.is_dir() and each.name[0] != "."]
    return []


def size_of(folder: str | Path) -> int:
    """Measures the bytes of a folder, again only if it has changed."""
    try:
        changed = os.stat(folder).st_mtime_ns
    except OSError:
        return 0
    known = _sizes.get(str(folder))
    if known is None or known[1] != changed:
        known = _sizes[str(folder)] = _bytes(folder), changed
    return known[0]


def _bytes(folder: str | Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # removed in this moment
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def is_full() -> bool:
    """Whether a class has no room for another run."""
    return permissions.is_class() and used() >= options.current().runs_bytes


def check() -> None:
    """Asks whether there is room for another run.

    Raises:
        JobError: If not; what to do.
    """
    if is_full():
        measure_again()
        raise JobError(f"{state()}: delete runs for good, or ask the teacher to, and train again.")


def state() -> str:
    """Says how much room the runs of the class take."""
    size = f"{used() / 1e9:z.2f} of {options.current().runs_bytes / 1e9:g} GB"
    return f"The runs of this class take {size}, deleted ones included"


class Offer(NamedTuple):
    """A run that could be deleted, its title, and its bytes."""

    run: Run
    title: str
    bytes: int


def offer() -> Offer | None:
    """Finds the oldest run that is not pinned, of those that this session may change."""
    for each in reversed(run_folders.listing().runs):
        if not each.label.pinned and permissions.may_change(each.owner):
            return Offer(each.run, each.title, size_of(each.run.folder))
    return None
