"""The local engine: work in processes of this machine, each behind a supervisor of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.devices import CPU
from models.engines import system
from models.engines.handle import (
    KILLED,
    UNEXPECTED,
    BaseHandle,
    Work,
)

COMMAND = (sys.executable, "-m", "models")
NICENESS = 10
"""Of work that must hardly be felt by those who use the machine meanwhile, but must go on: beside
one who takes all, it still gets a tenth."""
FORCE_SECONDS = 0.2
"""How much longer than its work a supervisor may take to end."""
TOO_LARGE = (
    "the work must fit into {:.1f} GB of memory, but it grew beyond that: choose a smaller "
    "network or fewer images"
)
_ROOT = Path(__file__).resolve().parents[2]


class LocalHandle(BaseHandle):
    """Work in a process of this machine; see `models.engines.handle.Handle`."""

    def __init__(self, work: Work, process: _Process) -> None:
        super().__init__(work)
        self._process = process

    @property
    def pid(self) -> int:
        """Id of the process that does the work; 0 before it is known."""
        return self._process.worker_pid

    def cancel(self, patience: float) -> None:
        if self._ended.is_set():
            return
        self._is_told = True
        self._process.tell({"end": patience})
        force = threading.Timer(patience + FORCE_SECONDS, self._force)
        force.daemon = True
        force.start()

    def _force(self) -> None:
        if not self._ended.is_set():
            self._process.kill()


class _Process:
    """A supervisor with its worker, which does one piece of work at a time."""

    def __init__(
        self, command: Sequence[str], niceness: int, environment: Mapping[str, str]
    ) -> None:
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "models.engines.supervisor", str(niceness), *command],
            **pipes, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            start_new_session=True, env=environment,
        )  # fmt: skip
        self.worker_pid = 0

    @property
    def is_alive(self) -> bool:
        return self._supervisor.poll() is None

    def tell(self, order: dict[str, Any]) -> bool:
        """Tells the supervisor something, and returns whether it was there to be told."""
        try:
            self._supervisor.stdin.write(json.dumps(order) + "\n")
            self._supervisor.stdin.flush()
        except (OSError, ValueError):  # it has ended, or has been let go
            return False
        return True

    def follow(self, handle: LocalHandle) -> tuple[bool, str, bool]:
        """Hands on the events of the work.

        Returns:
            Whether the work succeeded, why not, and whether the process can do more.
        """
        for line in self._supervisor.stdout:
            message = _read(line)
            if "event" in message:
                handle.put(message["event"])
            elif "pid" in message:
                self.worker_pid = message["pid"]
            elif "end" in message:
                return *message["end"], True
            elif "gone" in message:
                return *_verdict(handle.work, message["gone"], message["too_large"]), False
        self._kill_worker()  # without a supervisor, only its group is known
        return False, KILLED, False

    def _kill_worker(self) -> None:
        if self.worker_pid:
            system.kill_group(self.worker_pid)

    def kill(self) -> None:
        """Ends all by force."""
        self._kill_worker()
        self._supervisor.kill()

    def let_go(self) -> None:
        """Ends a process that has no work."""
        with contextlib.suppress(OSError):
            self._supervisor.stdin.close()
        self._supervisor.stdout.close()
        self._supervisor.wait()


def _read(line: str) -> dict[str, Any]:
    """One line of a supervisor; nothing if it was cut short by its death."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _verdict(work: Work, status: int, too_large: bool) -> tuple[bool, str]:
    """Whether work whose process has ended succeeded, and why not."""
    if too_large:
        return False, TOO_LARGE.format(work.memory_bytes / 2**30)
    return status == 0, KILLED if status < 0 else UNEXPECTED


class LocalEngine:
    """Does work in processes of this machine; see `models.engines.handle.Engine`.

    Every process has a supervisor, which ends it when it is told to, when it needs too much
    memory, or when the owner of the engine dies.

    Args:
        niceness: Of the processes, above that of the owner.
        reuses: Whether a process does one piece of work after another.
        environment: Variables that the processes get besides the owner's.
        command: Starts a worker (`models.engines.worker`), with "-" put after it.
    """

    def __init__(
        self,
        niceness: int = NICENESS,
        reuses: bool = False,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._niceness, self._reuses = niceness, reuses
        self._environment, self._command = dict(environment or {}), tuple(command)
        self._lock = threading.Lock()  # held for the following
        self._idle: list[_Process] = []

    def prepare(self) -> None:
        """Has a process wait for work with the imports of a training run done.

        They take longer than the first epochs of a small model.
        """
        with self._lock:
            waiting = [process for process in self._idle if process.is_alive]
            dead = [process for process in self._idle if process not in waiting]
            self._idle = waiting
            if not waiting:
                with contextlib.suppress(OSError):
                    self._idle.append(self._start_process("-", "prepare"))
        for process in dead:
            process.let_go()

    def start(self, work: Work) -> LocalHandle:
        """Starts work, in a process that waits if there is one."""
        order = {"work": work.words, "log": work.log, "memory": work.memory_bytes}
        process = self._take()
        while process is not None and not process.tell(order):  # it was killed while it waited
            process.let_go()
            process = self._take()
        if process is None:
            process = self._start_process("-")
            process.tell(order)
        handle = LocalHandle(work, process)
        threading.Thread(target=self._attend, args=(process, handle), daemon=True).start()
        return handle

    def room(self, threads: int, device: str) -> int:
        """Counts processes: the cores shared out evenly, or one where there is a GPU to share."""
        return max(1, system.cores() // threads) if device == CPU else 1

    def close(self) -> None:
        """Ends the processes that wait for work."""
        while process := self._take():
            process.let_go()

    def _take(self) -> _Process | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _attend(self, process: _Process, handle: LocalHandle) -> None:
        """Follows one piece of work to its end."""
        has_succeeded, reason, can_go_on = process.follow(handle)
        can_go_on = can_go_on and self._reuses and not handle.is_told
        if can_go_on:
            with self._lock:
                self._idle.append(process)
        handle.end(has_succeeded, reason)
        if not can_go_on:
            process.let_go()

    def _start_process(self, *arguments: str) -> _Process:
        known = os.environ.get("PYTHONPATH")
        environment = os.environ | {
            "PYTHONPATH": f"{_ROOT}{os.pathsep}{known}" if known else str(_ROOT),
            "PYTHONSAFEPATH": "1",  # a folder `models` where the owner was started is not ours
            "PYTHONUTF8": "1",
        }
        command = [*self._command, *arguments]
        return _Process(command, self._niceness, environment | self._environment)
