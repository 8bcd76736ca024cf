"""Dask for commands: the address that is given, the engine it leads to, and its news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from models.cli.options import Dask, one_sentence
from models.engines.dask_scheduler import LOCAL, check_address, check_installed
from models.engines.worker import report

LOOK_SECONDS = 5.0
"""How long the command `workers` waits for one."""


def is_elsewhere(dask: str) -> bool:
    """Tells whether runs are trained on other machines than this one, as far as that is known.

    Example:
        >>> is_elsewhere(""), is_elsewhere("local"), is_elsewhere("tls://cluster.example:8786")
        (False, False, True)
    """
    return dask not in ("", LOCAL)


def check_dask(dask: str) -> None:
    """Raises ValueError if Dask is asked for but not available."""
    if dask:
        check_installed()
        check_address(dask)


def engine_of(dask: str, found: Any, is_resumed: bool) -> Any:
    """Connects to Dask for a sweep; runs that were made for it go if that fails.

    Args:
        dask: The address, or "local".
        found: A `Sweep`.
        is_resumed: Whether it was there before, by its id.

    Raises:
        ValueError: If that cannot be; one sentence.
    """
    from models.runs.folder import remove_unbegun
    from models.sweeps.elsewhere import dask_engine

    try:
        return dask_engine(dask, found.members)
    except ValueError:
        if not is_resumed:
            remove_unbegun([member.run for member in found.members])
        raise


class Watch:
    """Tells how a sweep on Dask does: the user what differs, and an engine that runs this command
    the rest.

    Args:
        engine: A `DaskEngine`.
        console: Of the command.
        total: Runs of the sweep.
    """

    def __init__(self, engine: Any, console: Any, total: int) -> None:
        self._engine, self._console, self._total = engine, console, total
        self._noted = 0
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self._told: Mapping[str, Any] = {}
        console.print(f"Dask at {engine.address}: {engine.status.workers} workers")
        if engine.status.dashboard:
            console.print(f"Dask's own dashboard: {engine.status.dashboard}")
        self.look(None)

    @property
    def problem(self) -> str:
        """Why all work has ended, or nothing."""
        return self._engine.problem

    def look(self, event: Any) -> None:
        """Takes what happened to a run, if anything, and tells what is new.

        Args:
            event: Of `models.sweeps.sweep.Sweep.train`.
        """
        from models.sweeps.worker import Done, Failed, Started

        if isinstance(event, Started):
            self._begun.add(event.run_id)
        if isinstance(event, Done | Failed):
            self._ended.add(event.run_id)
        for note in self._engine.notes[self._noted :]:
            self._console.print(f"note: {note}")
        self._noted = len(self._engine.notes)
        if (news := self._news()) != self._told:
            self._told = news
            report({"dask": news})

    def _news(self) -> dict[str, Any]:
        status = self._engine.status
        return {
            "workers": status.workers,
            "training": len(self._begun - self._ended),
            "waiting": self._total - len(self._begun | self._ended),
            "dashboard": status.dashboard,
            "note": next(iter(self._engine.notes), ""),
        }


@one_sentence
def workers(dask: Dask) -> None:
    """Count the workers of a Dask scheduler that can train."""
    from models.engines.dask import DaskEngine

    engine = DaskEngine(dask, worker_seconds=LOOK_SECONDS)
    count = engine.status.workers
    engine.close()
    report({"workers": count})
    typer.echo(f"{count} worker{'' if count == 1 else 's'} can train")
