"""The command line as a whole: commands of before, help, arguments from standard input."""

import json
import re
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from explorer.__main__ import app as explorer
from models.cli.app import app
from models.cli.arguments import program
from models.storage.checkpoint import read
from tests.helpers.command_line import call
from tests.helpers.paths import ROOT

COMMANDS = {
    "": "Train, evaluate and export variational autoencoders.",
    "train": "Train a model, or resume a run.",
    "sweep": "Train a run for every beta and seed",
    "steer": "Pause, continue or change a run while it is trained.",
    "evaluate": "Score a model on the test set",
    "project": "Compute a t-SNE map in this process",
    "data": "Download data sets and look at them.",
    "data show": "Show what a data set holds",
    "data download": "Download a data set through torchvision.",
}
"""What the help of every command begins with."""


OF_BEFORE = [
    "python -m models train --resume 20260101-000000-abcdef --output a.safetensors --autosave 1",
    "python -m models sweep --betas 1,4 --latent-dims 2,10 --threads 1 --device cuda --title x",
    "python -m models steer RUN --hold --beta 4 --learning-rate 0.001 --runs-dir runs",
    "python -m models steer RUN --go",
    "python -m models steer RUN --step",
    "python -m models evaluate RUN --data digits --images 40 --seed 1 --beta 2 --json",
    "python -m models export RUN --html map.html --view pca --x 1 --y 2 --colour kl --no-originals",
    "python -m models data show digits --data-dir data",
    "python -m models data list",
    "python -m models data remove own-0123456789ab --undo",
    "python -m models project in.safetensors out.safetensors --perplexity 30 --seed 0",
    "python -m models work RUN --runs-dir runs --data-dir data --command x --autosave 10",
    "python -m explorer --adapter vae.py --data faces.npz --data-dir data --port 8600 --headless",
]
"""Commands of earlier versions that no document names."""


def documented_commands():
    """The commands in the README and on the cards of the shipped models."""
    text = (ROOT / "README.md").read_text()
    yield from re.findall(r"^(python -m (?:models|explorer) .*?)(?:  .*)?$", text, re.M)
    for path in sorted((ROOT / "checkpoints").glob("*.safetensors")):
        yield read(path).card.command


def parse(line):
    """What the command that a line calls is given, as the command line reads it."""
    _, _, package, *words = shlex.split(line)
    command = get_command({"models": app, "explorer": explorer}[package])
    context = command.make_context(package, words)
    while hasattr(command, "resolve_command") and context._protected_args + context.args:
        words = context._protected_args + context.args
        name, command, words = command.resolve_command(context, words)
        context = command.make_context(name, words, parent=context)
    return context


@pytest.mark.parametrize("line", [*documented_commands(), *OF_BEFORE])
def test_commands_of_before_are_read(line):
    context = parse(line)
    options = {word.partition("=")[0] for word in shlex.split(line) if word.startswith("--")}
    options -= {*context.args}  # what the old export hands on to the new one
    known = {
        param.name
        for param in context.command.params
        if options & {*param.opts, *param.secondary_opts}
    }
    assert len(known) == len(options), "every option is one of the command's"
    assert all(context.get_parameter_source(name).name == "COMMANDLINE" for name in known)


def test_documents_name_many_commands():
    assert len(list(documented_commands())) > 15


def test_an_unknown_option_is_not_read():
    with pytest.raises(Exception, match="No such option"):
        parse("python -m models train --colour red")


def test_the_export_of_before_names_and_runs_the_new_command(tmp_path):
    """Called by its path, also from a folder whose packages have the names of ours."""
    for name in ("models", "explorer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    model, html = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors", tmp_path / "map.html"
    words = [sys.executable, str(ROOT / "models"), "export", str(model), "--html", str(html)]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (
        0, "This command is now: python -m explorer export\n",
    )  # fmt: skip
    assert found.stdout == f"{html}: {html.stat().st_size / 1e3:.0f} kB\n"
    words[3] = "nothing"
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 1 and "Error: the run must be one of" in found.stderr
    assert program(words) == shlex.join(words[:2]), "what is to be typed next works there too"
    assert program(["python3", "-m", "models", "train"]) == "python -m models"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command):
    out = call(*command.split(), "--help")
    assert "Usage:" in out and COMMANDS[command] in out and "Traceback" not in out


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (None, None),
        (["data", "show", "digits"], [True, ""]),
        (["data", "show", "nowhere"], [False, "data must be one of"]),
        (["data", "show", "--nothing"], [False, "No such option"]),
        (["train", "--resume", "x", "--autosave", "much"], [False, "Invalid value for"]),
    ],
    ids=["nothing", "command", "refusal", "option", "value"],
)
def test_a_worker_takes_commands_from_standard_input(words, end):
    found = subprocess.run(
        [sys.executable, "-m", "models", "-"], input="" if words is None else json.dumps(words),
        text=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip
    assert found.returncode == 0
    if words is None:
        assert found.stdout == ""
        return
    (succeeded, reason) = json.loads(found.stdout)["end"]
    assert succeeded == end[0] and reason.startswith(end[1]) and "\n" not in reason
    assert ("1297 images" in found.stderr) == succeeded, "what a command prints is no report"
