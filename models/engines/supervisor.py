"""Stands between the owner of work and the process that does it, so that none outlives its owner.

    python -m models.engines.supervisor NICENESS COMMAND…

starts the command, a worker (`models.engines.worker`), in a process group of its own. The owner
holds the other end of standard input and writes one JSON object a line: `{"work": words, "log":
file, "memory": bytes}` is handed on to the worker, and `{"end": seconds}` asks the work to end
within so many seconds. So does the end of the file, which comes however the owner dies. Standard
output gives the owner `{"pid": …}` of the worker, the worker's own lines, and, when the worker and
all that it has started are gone, `{"gone": status, "too_large": …}`.

What differs from system to system is in `models.engines.system`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from typing import IO, Any

import psutil

from models.engines import system

ORPHAN_SECONDS = 1.0
"""Left to work whose owner has died, and to processes that a worker leaves behind."""
TICK_SECONDS = 0.2
"""Time between two looks at the memory."""
SCAN_SECONDS = 1.0
"""Time between two searches for processes that the worker has started."""
DRAIN_SECONDS = 0.2
"""Left to the reading of what a dead worker has written."""
MAX_LOG_BYTES = 2**18


class Tree:
    """All processes below this one: the worker and what it has started."""

    def __init__(self) -> None:
        self._root = psutil.Process()
        self._members: list[psutil.Process] = []
        self._scanned = -math.inf

    def members(self) -> list[psutil.Process]:
        """Those that are alive now."""
        alive = []
        for process in self._root.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
        return alive

    def kill(self) -> None:
        """Kills all of them."""
        system.for_each(self.members(), psutil.Process.kill)

    def wake(self) -> None:
        """Has those that are stopped go on."""
        system.for_each(self.members(), psutil.Process.resume)

    def memory(self) -> int:
        """Bytes of all of them, without what they share, such as libraries."""
        now = time.monotonic()
        if now - self._scanned >= SCAN_SECONDS:
            self._members, self._scanned = self.members(), now
        return sum(map(_own_bytes, self._members))

    def end(self, patience: float = ORPHAN_SECONDS) -> None:
        """Leaves those that remain some seconds, then kills them; the worker has ended."""
        end = time.monotonic() + patience
        while self.members() and time.monotonic() < end + ORPHAN_SECONDS:
            if time.monotonic() >= end:
                self.kill()
            system.reap_orphans()
            time.sleep(0.01)
        system.reap_orphans()


def _own_bytes(process: psutil.Process) -> int:
    """Memory of a process without the files and libraries that it maps; 0 if it is gone."""
    try:
        found = process.memory_info()
    except psutil.Error:
        return 0
    return found.rss - getattr(found, "shared", 0)


class Log:
    """A file with the beginning of what work prints.

    Work that prints without end costs no more than that, and a full disk does not stop it.
    """

    def __init__(self) -> None:
        self._path, self._room = "", 0

    def begin(self, path: str) -> None:
        """Starts the log of another piece of work; an empty path keeps nothing."""
        self._path, self._room = path, MAX_LOG_BYTES if path else 0

    def follow(self, pipe: IO[bytes]) -> None:
        """Reads to the end of the pipe."""
        while data := os.read(pipe.fileno(), 2**16):
            if self._room > 0:
                with contextlib.suppress(OSError), open(self._path, "ab") as file:
                    file.write(data[: self._room])
                self._room -= len(data)


class Supervisor:
    """One worker, and the work that it is given.

    Args:
        command: Starts the worker.
        niceness: Of the worker, above ours.
    """

    def __init__(self, command: list[str], niceness: int) -> None:
        self._command, self._niceness = command, niceness
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._tree, self._log = Tree(), Log()
        self._worker: subprocess.Popen | None = None
        self._is_busy = self._is_leaving = self._too_large = False
        self._memory_bytes = 0
        self._deadline = math.inf

    def run(self) -> None:
        """Serves the owner until it closes standard input, or until the worker dies at work."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._start()
        while self._worker is not None or not self._is_leaving:
            with contextlib.suppress(queue.Empty):
                kind, content = self._inbox.get(timeout=self._patience())
                getattr(self, f"_on_{kind}")(content)
            self._check()

    def _patience(self) -> float | None:
        """Seconds until something must be looked at."""
        if self._deadline < math.inf:
            return max(0.0, min(TICK_SECONDS, self._deadline - time.monotonic()))
        return TICK_SECONDS if self._is_busy else None

    def _check(self) -> None:
        """Kills work that is too large, or that has not ended in time."""
        if self._is_busy and self._memory_bytes and self._tree.memory() > self._memory_bytes:
            self._too_large = True
        if self._too_large or time.monotonic() >= self._deadline:
            self._tree.kill()
            self._deadline = time.monotonic() + TICK_SECONDS if self._worker else math.inf

    # what comes in

    def _on_work(self, order: dict[str, Any]) -> None:
        self._log.begin(order["log"])
        self._memory_bytes, self._is_busy = order["memory"], True
        line = json.dumps(order["work"]).encode() + b"\n"
        if self._worker is None or not _write(self._worker, line):  # it died while it waited
            self._start()
            _write(self._worker, line)

    def _on_end(self, patience: float) -> None:
        self._deadline = min(self._deadline, time.monotonic() + patience)
        if self._worker is not None:
            system.ask_to_end(self._worker)
            self._tree.wake()  # a stopped process cannot save its work

    def _on_farewell(self, _content: None) -> None:
        self._is_leaving = True
        self._on_end(ORPHAN_SECONDS)

    def _on_report(self, line: bytes) -> None:
        if line.startswith(b'{"end"'):
            self._is_busy = False
            self._deadline = self._deadline if self._is_leaving else math.inf
        tell(line)

    def _on_gone(self, worker: subprocess.Popen) -> None:
        if worker is not self._worker:
            return
        self._worker, self._deadline = None, math.inf
        self._tree.end(0.0 if self._too_large else ORPHAN_SECONDS)
        if self._is_busy:
            message = {"gone": worker.returncode, "too_large": self._too_large}
            tell(json.dumps(message).encode() + b"\n")
            self._is_leaving = True

    # the worker

    def _start(self) -> None:
        """Starts a worker, and has it listened to."""
        worker = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            **system.group_options(),
        )  # fmt: skip
        self._worker = worker
        system.give_way(worker.pid, self._niceness)
        tell(json.dumps({"pid": worker.pid}).encode() + b"\n")
        reader = threading.Thread(target=self._read, args=(worker,), daemon=True)
        logger = threading.Thread(target=self._log.follow, args=(worker.stderr,), daemon=True)
        awaiter = threading.Thread(target=self._await, args=(worker, reader, logger), daemon=True)
        for thread in (reader, logger, awaiter):
            thread.start()

    def _read(self, worker: subprocess.Popen) -> None:
        for line in worker.stdout:
            self._inbox.put(("report", line))

    def _await(self, worker: subprocess.Popen, *readers: threading.Thread) -> None:
        worker.wait()
        for reader in readers:  # what it wrote comes before the news of its end
            reader.join(DRAIN_SECONDS)
        self._inbox.put(("gone", worker))

    def _listen(self) -> None:
        """Hands on what the owner says; its death is a farewell."""
        for line in sys.stdin:
            order = json.loads(line)
            self._inbox.put(("end", order["end"]) if "end" in order else ("work", order))
        self._inbox.put(("farewell", None))


def _write(worker: subprocess.Popen, line: bytes) -> bool:
    """Writes a line to a worker, and returns whether it was there to read it."""
    try:
        worker.stdin.write(line)
        worker.stdin.flush()
    except OSError:
        return False
    return True


def tell(line: bytes) -> None:
    """Writes a line to the owner, if there still is one."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    system.signal_when_parent_dies("SIGCONT")  # if it has been stopped, it sees the end
    system.adopt_orphans()
    niceness = int(sys.argv[1])
    if niceness:
        system.lower_session(niceness)
    Supervisor(sys.argv[2:], niceness).run()
