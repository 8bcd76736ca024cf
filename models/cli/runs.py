"""The command `list`: the runs of a folder, with their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli.options import RunsDir, one_sentence
from models.places import check_folder
from models.runs.folder import default_runs_dir
from models.runs.index import IndexedRun, RunIndex
from models.runs.status import run_status

HEAD = ("id", "title", "data", "family", "Z", "β", "D", "R", "−ELBO", "status")
UNREADABLE = "unreadable"


@one_sentence
def list_runs(
    find: Annotated[str, typer.Option(help="Only runs with these words in id or title.")] = "",
    count: Annotated[int, typer.Option(help="Runs that are listed, the newest.", min=1)] = 20,
    everything: Annotated[bool, typer.Option("--all", help="List all of them.")] = False,
    runs_dir: RunsDir = None,
) -> None:
    """List your runs, the newest first, with D, R and −ELBO in nats per test image."""
    folder = runs_dir or default_runs_dir()
    found = [run for run in RunIndex(folder).look().runs if _matches(run, find)]
    shown = found if everything else found[:count]
    if not shown:
        check_folder(folder)
        typer.echo(f"There are no {'such ' if find else ''}runs in {folder}.")
        return
    for line in table([HEAD, *map(_row, shown)]):
        typer.echo(line)
    for run in shown:
        for problem in filter(None, (run.problem, run.model_problem)):
            typer.echo(f"{run.id}: {problem}.")
    if len(shown) < len(found):
        typer.echo(f"{len(found) - len(shown)} more: --all lists them, --find searches them.")


def _matches(run: IndexedRun, words: str) -> bool:
    text = f"{run.id} {run.title}".casefold()
    return all(word in text for word in words.casefold().split())


def _row(run: IndexedRun) -> tuple[str, ...]:
    """What is listed of a run."""
    config = run.card.config if run.card else run.config
    if run.config is None or config is None:
        return (run.id, run.title[:30], *["–"] * 7, UNREADABLE)
    beta = f"{config.objective.beta:g}" if config.model.capabilities.betas == "one" else "–"
    metrics = run.card.metrics if run.card else {}
    scores = [_mean(metrics.get(name)) for name in ("distortion", "rate", "negative_elbo")]
    data = Path(config.data).name[:20]
    latents = str(config.model.latent_dim)
    return run.id, run.title[:30], data, config.model.family, latents, beta, *scores, _status(run)


def _mean(score: object) -> str:
    match score:
        case [int() | float() as mean, int() | float()]:
            return f"{mean:z.2f}"
    return "–"


def _status(run: IndexedRun) -> str:
    """How a run is doing; while it is not done, with the share of its epochs that are over."""
    try:
        status = run_status(run.run)
    except ValueError:  # damaged or removed in this moment
        return UNREADABLE
    share = "" if status.is_done or not status.epochs_done else f" {status.share:.0%}"
    return f"{status.state}{share}"


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Aligns the cells of each column, all but the last.

    Example:
        >>> table([("id", "β"), ("first", "1")])
        ['id     β', 'first  1']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]
