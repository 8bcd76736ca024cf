"""What only Linux offers to keep processes together and out of the way; elsewhere, nothing.

Without these, work ends all the same when its owner dies in the usual ways: a closed pipe tells
its supervisor. They cover the rest: a supervisor that is killed, or stopped, or a process that
leaves the tree of its parents.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36  # of prctl(2)


def _ask_kernel(request: int, value: int) -> None:
    """Sets one property of this process."""
    if _LIBC is not None:
        _LIBC.prctl(request, value, 0, 0, 0)


def _write(path: str, value: int) -> None:
    with contextlib.suppress(OSError):
        Path(path).write_text(str(value))


def signal_when_parent_dies(number: int) -> None:
    """Has the kernel signal this process when its parent dies, however that happens."""
    _ask_kernel(_SET_DEATH_SIGNAL, number)


def adopt_orphans() -> None:
    """Makes processes whose parents die children of this one, so that it can still end them."""
    _ask_kernel(_SET_SUBREAPER, 1)


def lower_session(niceness: int) -> None:
    """Has the whole session give way to others.

    Linux shares the processor out between sessions first; among them a process's own niceness
    counts for nothing (sched(7), autogroup).
    """
    _write("/proc/self/autogroup", niceness)


def be_killed_first() -> None:
    """If memory runs out, the kernel takes this process before others."""
    _write("/proc/self/oom_score_adj", 1000)
