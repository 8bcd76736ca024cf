"""Calls commands of `python -m models` in this process, and checks their refusals."""

from typer.testing import CliRunner

from models.cli.app import app


def call(*arguments, status=0) -> str:
    """Runs a command in this process; what it prints, to stderr if it must fail."""
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.stderr if status else result.stdout


def train(runs, *arguments, status=0) -> str:
    """Runs `train` with that folder of runs, in float32 on one thread."""
    machine = ("--threads", 1, "--precision", "float32", "--layout", "contiguous")
    return call("train", "--runs-dir", runs, *machine, *arguments, status=status)


def assert_refusal(text: str, phrase: str) -> None:
    """One line that begins with Error, and neither a trace nor a page of help."""
    assert text.startswith("Error: ") and text.endswith(".\n") and text.count("\n") == 1, text
    assert phrase and phrase in text and len(text) < 400 and text[:-1].isprintable(), text
