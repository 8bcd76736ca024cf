"""The command line: its commands, each from the file that is named for it."""

from __future__ import annotations

import typer

from models.cli import data, judge
from models.cli.control import steer
from models.cli.dask import workers
from models.cli.evaluate import evaluate
from models.cli.export import export
from models.cli.lesson import lesson
from models.cli.projection import project
from models.cli.runs import list_runs
from models.cli.sample import sample
from models.cli.sweep import sweep, work
from models.cli.threshold import threshold
from models.cli.train import train

app = typer.Typer(
    help="Train, evaluate and export variational autoencoders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its table leaves 25 columns for the help on a terminal of 80
)
app.command("list")(list_runs)
for command in (train, steer, sweep, evaluate, sample, threshold, project, lesson):
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(export)
app.add_typer(data.app, name="data")
app.add_typer(judge.app, name="judge")
app.command(hidden=True)(work)
app.command(hidden=True)(workers)
