"""What a command shows while it works, and how it is asked to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from models.engines.system import end_signals


def make_console() -> Any:
    """Makes a console that prints lines as they are: whole paths, at any width, in a pipe too."""
    from rich.console import Console

    return Console(soft_wrap=True, markup=False, highlight=False)


def progress_bar(console: Any, unit: str = "steps") -> Any:
    """Makes a progress bar that counts in that unit and disappears at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    return Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip


def stop_flag() -> Callable[[], bool]:
    """Makes a function that tells whether Ctrl-C or SIGTERM came; a second Ctrl-C acts at once."""
    asked = []

    def note(signum: int, _frame: Any) -> None:
        asked.append(signum)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    for number in end_signals():
        signal.signal(number, note)
    return lambda: bool(asked)
