"""`python -m models`: the command line.

`python -m models -` imports what training needs, then waits for its arguments: a JSON list on
standard input.
"""

import json
import sys
from importlib import import_module

from typer.main import get_command

from models.cli.app import app

FOR_TRAINING = (
    "models.training.trainer",
    "models.families.registry",
    "models.data.load",
    "filelock",
    "rich.progress",
)

command = get_command(app)
if sys.argv[1:] == ["-"]:
    for name in FOR_TRAINING:
        import_module(name)
    line = sys.stdin.readline()
    if not line:
        sys.exit()  # standard input was closed: there is no command
    sys.argv[1:] = json.loads(line)
command(prog_name="python -m models")
