"""What operating systems offer to keep processes together and out of the way.

psutil and the standard library do most of it everywhere. A closed pipe tells the supervisor of work
that its owner is gone, and the work that its supervisor is. Linux adds to that: it ends work whose
supervisor is killed without the work's help, lets a supervisor adopt what its parents leave behind,
and has a whole session give way. On Windows nothing but Ctrl-Break asks a process to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

_IS_POSIX = hasattr(os, "killpg")
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" and _IS_POSIX else None
_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36  # of prctl(2)


def cores() -> int:
    """Counts the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ask_kernel(request: int, value: int) -> None:
    """Sets one property of this process."""
    if _LIBC is not None:
        _LIBC.prctl(request, value, 0, 0, 0)


def _write(path: str, value: int) -> None:
    with contextlib.suppress(OSError):
        Path(path).write_text(str(value), encoding="ascii")


def signal_when_parent_dies(name: str) -> None:
    """Has the kernel signal this process when its parent dies, however that happens (Linux)."""
    if _LIBC is not None:
        _ask_kernel(_SET_DEATH_SIGNAL, getattr(signal, name))


def adopt_orphans() -> None:
    """Makes processes whose parents die children of this one, so that it can still end them."""
    _ask_kernel(_SET_SUBREAPER, 1)


def reap_orphans() -> None:
    """Lets go of dead processes whose parent died before them: no one else here would."""
    if hasattr(os, "WNOHANG"):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def lower_session(niceness: int) -> None:
    """Has the whole session give way to others (Linux).

    Linux shares the processor out between sessions first; among them a process's own niceness
    counts for nothing (sched(7), autogroup).
    """
    if _LIBC is not None:
        _write("/proc/self/autogroup", min(19, psutil.Process().nice() + niceness))


def group_options() -> dict[str, Any]:
    """Returns what `subprocess.Popen` is told so that a process has a group of its own."""
    if _IS_POSIX:
        return {"process_group": 0, "preexec_fn": _die_with_parent if _LIBC else None}
    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


def _die_with_parent() -> None:
    """In the new process: the kernel kills it when its supervisor dies."""
    signal_when_parent_dies("SIGKILL")


def give_way(pid: int, niceness: int) -> None:
    """Has a process give way to others, and, if memory runs out, be ended before others (Linux)."""
    if not niceness:
        return
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if _IS_POSIX:
            process.nice(min(19, process.nice() + niceness))
        else:
            process.nice(getattr(psutil, "IDLE_PRIORITY_CLASS", 0))
    if _LIBC is not None:
        _write(f"/proc/{pid}/oom_score_adj", 1000)


def ask_to_end(process: subprocess.Popen) -> None:
    """Tells a process to save its work and end; a stopped one is woken first."""
    with contextlib.suppress(psutil.Error, OSError):
        if _IS_POSIX:
            process.terminate()
        else:
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))


def end_signals() -> list[int]:
    """Lists the signals by which a process may be told to end, besides Ctrl-C."""
    return [signal.SIGTERM, *([signal.SIGBREAK] if hasattr(signal, "SIGBREAK") else [])]


def for_each(processes: list[psutil.Process], action: Callable[[psutil.Process], Any]) -> None:
    """Does something to processes, of which some may be gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            action(process)


def kill_group(pid: int) -> None:
    """Kills a process and what it has started, as far as that can be found."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for_each([*process.children(recursive=True), process], psutil.Process.kill)
    if _IS_POSIX:  # those whose parent is gone, too
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
