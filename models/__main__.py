"""`python -m models`: the command line.

`python -m models -` is a worker of an engine: it takes the words of commands from standard input
(`models.engines.worker`). With `- prepare` it does the imports of a training run first.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer
from typer.main import get_command

if not sys.flags.safe_path:  # the working folder may hold namesakes
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from models.cli.app import app
from models.cli.options import sentence_of
from models.engines.worker import WorkError, serve

FOR_TRAINING = (
    "models.training.trainer",
    "models.families.registry",
    "models.data.load",
    "filelock",
    "rich.progress",
)

command = get_command(app)


def do(words: Sequence[str]) -> None:
    """Does what a command line of these words does; raises WorkError if that fails."""
    sys.argv[1:] = words
    try:
        with command.make_context("python -m models", [*words]) as context:
            command.invoke(context)
    except typer.Exit as end:
        if end.exit_code:
            raise WorkError(sentence_of(end.__cause__) if end.__cause__ else "") from end
    except typer.exceptions.TyperException as error:  # the words are wrong
        raise WorkError(error.format_message()) from error


if sys.argv[1:2] == ["-"]:
    for name in FOR_TRAINING if sys.argv[2:] == ["prepare"] else ():
        import_module(name)
    serve(do)
else:
    command(prog_name="python -m models")
