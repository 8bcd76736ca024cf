"""The command `steer`: pauses a run that is being trained, or changes its settings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from models.cli.options import RunsDir, one_sentence
from models.places import default_runs_dir
from models.runs.folder import find_run
from models.training.control import GO, PAUSE, STEP, send_request


@one_sentence
def steer(
    run: Annotated[str, typer.Argument(help="Id of a run that is being trained.")],
    hold: Annotated[bool, typer.Option("--hold", help="Pause before the next step.")] = False,
    go: Annotated[bool, typer.Option("--go", help="Continue.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Finish an epoch, then pause.")] = False,
    beta: Annotated[float | None, typer.Option(help="Weight of the rate from now on.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate from now on.")] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Pause, continue or change a run while it is trained.

    Beta and the learning rate can be changed.
    """
    folder = find_run(runs_dir or default_runs_dir(), run).folder
    orders = [name for name, given in ((PAUSE, hold), (GO, go), (STEP, step)) if given]
    wanted: dict[str, Any] = {"beta": beta, "learning_rate": learning_rate}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if len(orders) > 1 or not (orders or wanted):
        raise ValueError("one of --hold, --go, --step, or --beta or --learning-rate must be given")
    if orders:
        wanted["order"] = orders[0]
    send_request(folder, **wanted)
    typer.echo(f"Asked of {run}: {', '.join(f'{name} {value}' for name, value in wanted.items())}")
