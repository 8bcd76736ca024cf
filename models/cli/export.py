"""The command `export` of before: names and runs `python -m explorer export`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

EXPLORER = Path(__file__).resolve().parents[2] / "explorer"


def export(context: typer.Context) -> None:
    """Now: python -m explorer export.

    Saves a model's live map as one HTML file; all options are passed on.
    """
    typer.echo("This command is now: python -m explorer export", err=True)
    done = subprocess.run([sys.executable, str(EXPLORER), "export", *context.args])
    raise typer.Exit(done.returncode)
