"""`python -m models`: the command line."""

from models.cli import app

app(prog_name="python -m models")
