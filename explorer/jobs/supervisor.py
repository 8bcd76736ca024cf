"""Stands between the server and one job, so that the job never outlives the server.

    python explorer/keeper.py LOG BYTES COMMAND…
    python explorer/keeper.py --spare COMMAND…

starts the command in a process group of its own: for a job, or before there is one, so that its
imports are done by then. The spare command is given one more argument, "-", and waits for its
others on standard input; the server's first line is then a JSON list of LOG, BYTES and these.

The server holds the other end of standard
input: a line with a number asks the job to end within so many seconds, and so does the end of
the file, which comes however the server dies. Standard output tells the server the job's process
id, then, when the last of the group is gone, one JSON object: `status`, `too_large`, and `tail`,
the end of what the job printed.

Imports the standard library alone: it starts at once, and its memory is small. POSIX; outside
Linux nothing limits the memory of a job, and a job outlives a keeper that is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

ORPHAN_SECONDS = 1.0
"""Left to a job whose server has died, and to processes that a job leaves behind."""
TICK_SECONDS = 0.2
"""Time between two looks at the job's memory."""
SCAN_SECONDS = 1.0
"""Time between two searches for processes that the job has started."""
NICENESS = 15
MAX_LOG_BYTES = 2**18
TAIL_BYTES = 2**13

_IS_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None) if _IS_LINUX else None
_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36  # of prctl(2)
_OWN = (b"RssAnon:", b"RssShmem:")


def _ask_kernel(request: int, value: int) -> None:
    """Sets one property of this process, where Linux runs it."""
    if _LIBC is not None:
        _LIBC.prctl(request, value, 0, 0, 0)


def _give_way() -> None:
    """The whole session gives way: Linux shares the processor out between sessions first.

    Among them a process's own niceness counts for nothing (sched(7), autogroup).
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


def _reap_orphans() -> None:
    """Lets go of dead processes whose parent died before them: some containers have none who do."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


class Group:
    """The job's first process and all that it has started."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        self._members: list[str] = []
        self._scanned = -math.inf

    def signal(self, number: int) -> bool:
        """Signals all of them, with 0 none; tells whether there is one."""
        try:
            os.killpg(self.leader, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def memory(self) -> int:
        """Bytes of all of them, without what they share, such as libraries; 0 if not on Linux."""
        now = time.monotonic()
        if now - self._scanned >= SCAN_SECONDS:
            names = filter(str.isdigit, os.listdir("/proc") if _IS_LINUX else [])
            self._members = [pid for pid in names if _group_of(pid) == self.leader]
            self._scanned = now
        return sum(map(_own_bytes, self._members))

    def end(self, patience: float = ORPHAN_SECONDS) -> None:
        """Leaves those that remain some seconds, then kills them."""
        end = time.monotonic() + patience
        while self.signal(0) and time.monotonic() < end:
            _reap_orphans()
            time.sleep(0.01)
        self.signal(signal.SIGKILL)


def _group_of(pid: str) -> int:
    """The group of a process, 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[2])
    except (OSError, IndexError):
        return 0


def _own_bytes(pid: str) -> int:
    """Anonymous and shared memory of a process, without the files it maps; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return sum(1024 * int(line.split()[1]) for line in file if line.startswith(_OWN))
    except OSError:
        return 0


class Output:
    """What the job prints: the beginning goes to a file, the end stays in memory.

    A job that prints without end costs no more than that, and one that prints onto a full disk
    is not stopped by it.

    Args:
        log: The file.
    """

    def __init__(self, log: str | Path) -> None:
        self.tail = b""
        self._log = log
        self._room = MAX_LOG_BYTES

    def follow(self, pipe: IO[bytes]) -> None:
        """Reads to the end of the pipe."""
        while data := os.read(pipe.fileno(), 2**16):
            self.tail = (self.tail + data)[-TAIL_BYTES:]
            if self._room > 0:
                with contextlib.suppress(OSError), open(self._log, "ab") as file:
                    file.write(data[: self._room])
                self._room -= len(data)


def _bind() -> None:
    """In the new process: it dies with its keeper, and gives way to all others."""
    _ask_kernel(_SET_DEATH_SIGNAL, signal.SIGKILL)
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # if memory runs out, the kernel takes this one first
        Path("/proc/self/oom_score_adj").write_text("1000")


def start(command: list[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen:
    """Starts a command in a group of its own, bound to this process."""
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        process_group=0, preexec_fn=_bind,
    )  # fmt: skip


def keep_spare(command: list[str]) -> None:
    """Starts a command that waits for its arguments, and keeps it once it has them.

    Args:
        command: What to start, without "-".
    """
    worker = start([*command, "-"], subprocess.PIPE)
    order = sys.stdin.readline()
    if not order:  # the server has ended
        Group(worker.pid).signal(signal.SIGKILL)
        return
    log, max_bytes, arguments = json.loads(order)
    try:
        worker.stdin.write(json.dumps(arguments).encode() + b"\n")
        worker.stdin.close()
    except OSError:  # it has died while it waited
        worker = start([*command, *arguments])
    keep(log, max_bytes, worker)


def keep(log: str | Path, max_bytes: int, worker: subprocess.Popen) -> None:
    """Keeps a job to its end, or to the end of the server; see the module.

    Args:
        log: File for what the job prints.
        max_bytes: Memory beyond which the job is killed.
        worker: Its first process.
    """
    tell(worker.pid)
    output, group = Output(log), Group(worker.pid)
    printing = threading.Thread(target=output.follow, args=(worker.stdout,), daemon=True)
    printing.start()
    too_large = _wait(worker, group, max_bytes)
    group.end()
    printing.join(ORPHAN_SECONDS)
    tail = output.tail.decode("utf-8", "replace")
    tell({"status": worker.returncode, "too_large": too_large, "tail": tail})


def _wait(worker: subprocess.Popen, group: Group, max_bytes: int) -> bool:
    """Until the job's first process has ended; tells whether the group grew too large."""
    orders: queue.SimpleQueue[float | None] = queue.SimpleQueue()

    def await_end() -> None:
        worker.wait()
        orders.put(None)

    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    threading.Thread(target=await_end, daemon=True).start()
    deadline, too_large = math.inf, False
    while worker.returncode is None:
        with contextlib.suppress(queue.Empty):
            left = max(0.0, deadline - time.monotonic())
            patience = orders.get(timeout=min(TICK_SECONDS, left))
            if patience is not None:
                deadline = min(deadline, time.monotonic() + patience)
                worker.terminate()
                group.signal(signal.SIGCONT)  # a stopped process cannot save its work
        too_large = too_large or group.memory() > max_bytes
        if too_large or time.monotonic() >= deadline:
            group.signal(signal.SIGKILL)
            worker.wait()
    return too_large


def _listen(orders: queue.SimpleQueue) -> None:
    """Hands on what the server says; its death is an order."""
    for line in sys.stdin:
        orders.put(float(line))
    orders.put(ORPHAN_SECONDS)


def tell(message: object) -> None:
    """A line to the server, if there still is one."""
    with contextlib.suppress(OSError):
        print(json.dumps(message), flush=True)


if __name__ == "__main__":
    _ask_kernel(_SET_DEATH_SIGNAL, signal.SIGCONT)  # if it has been stopped, it sees the end
    _ask_kernel(_SET_SUBREAPER, 1)  # what the job leaves behind becomes the keeper's child
    _give_way()
    if sys.argv[1] == "--spare":
        keep_spare(sys.argv[2:])
    else:
        keep(sys.argv[1], int(sys.argv[2]), start(sys.argv[3:]))
