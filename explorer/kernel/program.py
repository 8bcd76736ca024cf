"""Has the program, in a process of its own, make a live map for a notebook.

The notebook's kernel needs NumPy and nothing of ours but a few files: its own packages may be named
as ours are. The process ends with the answer, with the kernel, or when it is interrupted.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

PATIENCE_SECONDS = 2.0
"""How long the process may take to end."""

Message = tuple[Any, list[np.ndarray]]
"""JSON values and arrays."""


def program_folder() -> Path:
    """Finds the folder that holds our packages: in an installation inside this package, where no
    other `models` can meet it; in the repository its root.

    Example:
        >>> (program_folder() / "models" / "adapter" / "wire.py").is_file()
        True
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "program"
    return installed if installed.is_dir() else package.parent


def default_python() -> str:
    """Names the Python that runs the program: `LATENT_PYTHON`, else that of the kernel."""
    return os.environ.get("LATENT_PYTHON", "").strip() or sys.executable


def ask_program(
    request: Mapping[str, Any],
    arrays: Sequence[np.ndarray] = (),
    answer: Callable[[str, np.ndarray], Message] | None = None,
    python: str = "",
) -> Message:
    """Sends one request, and returns the answer to it.

    Args:
        request: See `explorer.kernel.host`.
        arrays: That go with it.
        answer: Called with what the program asks of the notebook's model, "encode" or "decode", and
            an array.
        python: Path of the Python that runs the program; "" for `default_python()`.

    Raises:
        ValueError: One sentence on why there is no answer.
    """
    wire, python = _wire(), python or default_python()
    with tempfile.TemporaryFile() as log, _running(python, log) as process:
        try:
            wire.send(process.stdin, request, arrays)
            fields, found = wire.receive(process.stdout)
            while "ask" in fields:
                wire.send(process.stdin, *answer(fields["ask"], *found))
                fields, found = wire.receive(process.stdout)
        except (EOFError, OSError) as error:
            raise ValueError(
                f"the program must answer, but its process ended: {_last_line(log)} (in {python})"
            ) from error
    if "error" in fields:
        raise ValueError(fields["error"])
    return fields["value"], found


def _wire() -> ModuleType:
    """`models.adapter.wire`, by its path: the kernel's `models` may be the user's own."""
    path = program_folder() / "models" / "adapter" / "wire.py"
    spec = importlib.util.spec_from_file_location("latent_wire", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _running(python: str, log: IO[bytes]) -> Iterator[subprocess.Popen]:
    """The process, which is gone afterwards; an interrupt of the kernel does not reach it."""
    host = program_folder() / "explorer" / "kernel" / "host.py"
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    try:
        process = subprocess.Popen([python, str(host)], **pipes, stderr=log, start_new_session=True)
    except OSError as error:
        raise ValueError(
            f"python must name a Python that can be started, got {python!r:.200}: give python=…, "
            "or set LATENT_PYTHON"
        ) from error
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        _end(process)
        process.stdout.close()


def _end(process: subprocess.Popen) -> None:
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: IO[bytes]) -> str:
    """What the process has said last."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "without a word"
