"""A process that does the work of a local engine, piece by piece.

Standard input has a line for each piece: its words as a JSON list; the end of the input ends the
process. Standard output has a line for each event, `{"event": …}`, and at the end of a piece
`{"end": [succeeded, reason]}`. What the work itself prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psutil

from models.engines.handle import UNEXPECTED
from models.engines.system import end_signals

ORPHAN_SECONDS = 1.0
"""Left to work whose supervisor has died."""
TICK_SECONDS = 0.2
"""Between two looks whether it has, once it writes no more."""

_tell: Callable[[dict[str, Any]], None] | None = None


class WorkError(Exception):
    """Work has failed; the message is one sentence without a full stop, or empty."""


def report(event: Any) -> None:
    """Tells the engine of the work in this process something; without an engine, nobody.

    Args:
        event: JSON values.

    Example:
        >>> report({"share": 0.5})
    """
    if _tell is not None:
        _tell({"event": event})


def serve(do: Callable[[Sequence[str]], None]) -> None:
    """Does what standard input asks for, until it ends.

    Args:
        do: Does one piece of work, given its words; it raises WorkError if that fails.
    """
    global _tell
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no report

    def tell(message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the engine is gone
            print(json.dumps(message), file=reports, flush=True)

    _tell = tell
    for line in _orders():
        try:
            do(json.loads(line))
        except WorkError as error:
            tell({"end": [False, str(error) or UNEXPECTED]})
        except Exception:
            traceback.print_exc()
            tell({"end": [False, UNEXPECTED]})
        else:
            tell({"end": [True, ""]})
        for number in end_signals():  # the work may have had its own way with them
            signal.signal(number, signal.SIG_DFL)


def _orders() -> Iterator[str]:
    """Yields the lines of standard input; ends this process if the one that writes them dies.

    Linux ends it at once; elsewhere it has a while to save its work.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    writer = psutil.Process().parent()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        lines.put("")
        while writer is not None and writer.is_running():
            time.sleep(TICK_SECONDS)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    while line := lines.get():
        yield line
