"""An adapter in a process of its own, where the user's code may do as it likes.

The file finds its own packages even if they are called as ours are; it may end its process, change
its folder or print; and nothing of it reaches the explorer but numbers and texts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from models.adapter.errors import AdapterError
from models.adapter.wire import receive, send
from models.text import clean_name

if TYPE_CHECKING:  # it imports torch
    from models.adapter.definitions import Layers

HOST = Path(__file__).with_name("host.py")
PATIENCE_SECONDS = 2.0
"""How long the process may take to end."""


class AdapterProcess:
    """Runs the user's file in a process of its own; see `models.adapter.definitions.Adapter`.

    The file begins to run at once, in its own folder, and is first waited for when something is
    asked. Calls from several threads wait for each other. A process that has ended is replaced
    when the next call needs one.

    Args:
        path: The user's Python file.

    Raises:
        AdapterError: If there is no such file; from every method, if the user's code fails, ends
            the process, or answers with what the contract does not allow.

    Example:
        >>> AdapterProcess("nowhere")
        Traceback (most recent call last):
        models.adapter.errors.AdapterError: the adapter must be a Python file (.py), got 'nowhere'
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file() or path.suffix != ".py":
            raise AdapterError(
                f"the adapter must be a Python file (.py), got {clean_name(path.name)!r}"
            )
        self._file = path.resolve()
        self._lock = threading.Lock()
        self._settings: dict[str, Any] | None = None
        self._process = self._start()

    def settings(self) -> dict[str, Any]:
        """See `Adapter.settings`."""
        with self._lock:
            self._begin()
        return self._settings

    def arrays(self) -> dict[str, np.ndarray]:
        """See `Adapter.arrays`."""
        names, arrays = self._ask("arrays")
        return dict(zip(names, arrays, strict=True))

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Adapter.encode`."""
        _, (mean, log_variance) = self._ask("encode", [images])
        return mean, log_variance

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """See `Adapter.decode`."""
        _, (images,) = self._ask("decode", [z], shape=shape)
        return images

    def decoder_layers(self, latent_dim: int, shape: tuple[int, ...]) -> tuple[Layers, str]:
        """See `Adapter.decoder_layers`."""
        (layers, why), arrays = self._ask("decoder_layers", latent_dim=latent_dim, shape=shape)
        return (layers, arrays), why

    def __enter__(self) -> AdapterProcess:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._end()
        self._process.stdout.close()

    def _start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(HOST), str(self._file), os.getcwd()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self._file.parent,
        )  # fmt: skip

    def _begin(self) -> None:
        """Waits until the file has run, in a new process if the last one has ended since."""
        if self._settings is not None and self._process.poll() is not None:
            self.close()
            self._settings, self._process = None, self._start()
        if self._settings is None:
            self._settings, _ = self._receive("the adapter must run to its end")

    def _ask(
        self, name: str, arrays: Sequence[np.ndarray] = (), **fields: Any
    ) -> tuple[Any, list[np.ndarray]]:
        """One call, and the answer to it."""
        with self._lock:
            self._begin()
            with contextlib.suppress(OSError):  # it has ended, as the missing answer will tell
                send(self._process.stdin, {"call": name, **fields}, arrays)
            return self._receive(f"{name} must return")

    def _receive(self, demand: str) -> tuple[Any, list[np.ndarray]]:
        try:
            fields, arrays = receive(self._process.stdout)
        except (EOFError, OSError) as error:
            raise AdapterError(f"{demand}, but it ended its process ({self._end()})") from error
        if "error" in fields:
            raise AdapterError(fields["error"])
        return fields["value"], arrays

    def _end(self) -> str:
        """How the process has ended; one that only cut the line is ended."""
        try:
            return _how(self._process.wait(PATIENCE_SECONDS))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return _how(self._process.wait())


def _how(status: int) -> str:
    """How a process ended.

    Example:
        >>> _how(3), _how(-9)
        ('exit status 3', 'killed by SIGKILL')
    """
    if status >= 0:
        return f"exit status {status}"
    return f"killed by {signal.Signals(-status).name}"
