"""The lock of a run: one process at a time trains it, and a process that has died holds nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

FILE_NAME = "run.lock"
PATIENCE_SECONDS = 0.2
"""Longer than `is_locked` holds a lock to see whether it is free."""


@contextlib.contextmanager
def run_lock(run_folder: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Holds a run while it is trained.

    Args:
        run_folder: Of the run.
        patience: Seconds to wait for another process to leave.

    Raises:
        ValueError: If another process is training the run.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(run_folder / FILE_NAME, timeout=patience, poll_interval=0.01):
            yield
    except Timeout as error:
        raise ValueError(
            f"a run can be trained by one process at a time, and {run_folder.name} already is"
        ) from error


def is_locked(run_folder: Path) -> bool:
    """Whether a process is training the run.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with run_lock(Path(folder)):
        ...         inside = is_locked(Path(folder))
        ...     inside, is_locked(Path(folder))
        (True, False)
    """
    if not (run_folder / FILE_NAME).exists():
        return False
    try:
        with run_lock(run_folder, 0.0):
            return False
    except ValueError:
        return True
    except OSError:  # removed in this moment, or not ours to write
        return False
