"""The command `lesson`: an experiment of a lesson with seeds of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli.options import one_sentence
from models.engines.worker import report
from models.lessons.experiments import EXPERIMENTS, SHIPPED_SEEDS, run


@one_sentence
def lesson(
    experiment: Annotated[str, typer.Argument(help=f"One of {', '.join(EXPERIMENTS)}.")],
    seeds: Annotated[
        str, typer.Option(help="Seeds with commas between them, one for each repeat.")
    ] = ",".join(map(str, SHIPPED_SEEDS)),
    output: Annotated[
        Path | None, typer.Option(help="JSON file to write; default: print a table.")
    ] = None,
) -> None:
    """Run the experiment of a lesson; on digits, in a minute or less."""
    try:
        numbers = [int(part) for part in seeds.split(",")]
    except ValueError:
        raise ValueError(f"seeds must be whole numbers, got {seeds!r:.60}") from None
    if output is not None and not output.parent.is_dir():
        raise ValueError(f"output must be a file in a folder that exists, got {str(output)!r}")
    found = run(experiment, numbers, report)
    if output is not None:
        found.write(output)
        return
    for quantity, rows in found.values.items():
        for condition in rows:
            text = found.interval(quantity, condition).text(digits=3)
            typer.echo(f"{quantity:<12}{condition:<32}{text}")
    typer.echo(found.evidence)
