"""What the commands share: options, the settings of a run as options, errors of one sentence."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from models.config import RUN_SETTINGS
from models.data.image_set import DataError
from models.places import default_runs_dir, user_path
from models.presets import PRESETS
from models.runs.folder import Run, find_run
from models.runs.status import RUNNING, run_status, why_no_model
from models.settings import AUTO, Description, from_text


def _folder(text: str) -> Path | None:
    """The folder that an option names; nothing, where a shell's variable was empty."""
    return user_path(text) if text.strip() else None


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds MNIST/raw and the like; default: LATENT_DATA_DIR, ./data.",
        parser=_folder,
        metavar="FOLDER",
    ),
]
RunsDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of your runs; default: LATENT_RUNS_DIR, ./runs.",
        parser=_folder,
        metavar="FOLDER",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, mps, or auto: a GPU if there is one.",
        envvar="LATENT_DEVICE",
        show_envvar=False,
    ),
]
Dask = Annotated[
    str,
    typer.Option(
        help="Train on Dask: local, or its scheduler, like tls://cluster.example:8786.",
        metavar="ADDRESS",
    ),
]
Autosave = Annotated[float, typer.Option(help="Seconds between saves of the state.")]
Model = Annotated[str, typer.Argument(help="A checkpoint file, or the id of a run.")]
PresetName = Annotated[str, typer.Option("--preset", help=f"Where to start: {', '.join(PRESETS)}.")]


def one_sentence(command: Callable) -> Callable:
    """Turns a ValueError, or a file that cannot be used, into one line and exit status 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, OSError) as error:
            typer.echo(f"Error: {sentence_of(error)}.", err=True)
            raise typer.Exit(1) from error

    return wrapped


_OPTIONS = {
    "scale": "--scale MAX says which value is white",
    "size": "--size 64 crops and resizes them",
    "skip_broken": "--skip-broken leaves out what is broken",
}


def sentence_of(error: Exception) -> str:
    """Says what is wrong in one sentence, without its full stop.

    Example:
        >>> sentence_of(FileNotFoundError(2, "No such file or directory", "faces.npz"))
        'faces.npz cannot be used: no such file or directory'
    """
    if isinstance(error, DataError) and error.option:
        return f"{error} ({_OPTIONS[error.option]})"
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"{error.filename or 'a file'} cannot be used: {reason}"
    return str(error)


def with_settings(*without: str) -> Callable[[Callable], Callable]:
    """Gives a command an option for each setting of a run, in place of its `**settings`.

    An option that is not given is None. A setting that the command already has as a parameter of
    its own gets no second option.

    Args:
        without: Settings that are no options of this command.

    Example:
        >>> @with_settings("threads")
        ... def command(beta: float = 1.0, **settings): ...
        >>> parameters = signature(command).parameters
        >>> parameters["beta"].default, parameters["seed"].default, "threads" in parameters
        (1.0, None, False)
    """

    def decorate(command: Callable) -> Callable:
        own = signature(command, eval_str=True).parameters.values()
        own = [parameter for parameter in own if parameter.kind != Parameter.VAR_KEYWORD]
        passed_over = {*without, *(parameter.name for parameter in own)}
        options = [
            _option(description)
            for description in RUN_SETTINGS.values()
            if description.has_option and description.name not in passed_over
        ]
        command.__signature__ = Signature([*own, *options])
        return command

    return decorate


def _option(description: Description) -> Parameter:
    """An option of the command line for a setting; lists, and what may be auto, are text."""
    is_text = description.kind is tuple or description.is_automatic
    kind = str if is_text else description.kind
    return Parameter(
        description.name,
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, typer.Option(help=description.option_help)],
    )


def read_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Reads the values of the options made by `with_settings`: text becomes lists and numbers.

    Raises:
        ValueError: If a list is not written as whole numbers, or a number is none.

    Example:
        >>> read_settings({"hidden": "64,32", "threads": "2", "precision": "auto", "beta": None})
        {'hidden': (64, 32), 'threads': 2, 'precision': 'auto', 'beta': None}
    """
    return {name: _read(RUN_SETTINGS[name], value) for name, value in given.items()}


def split_automatic(given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Separates settings from those that are to be chosen for the machine.

    Args:
        given: From `read_settings`.

    Returns:
        The settings, None where the preset decides; the names of those to choose.

    Example:
        >>> split_automatic({"threads": "auto", "precision": None, "layout": "contiguous"})
        ({'threads': None, 'precision': None, 'layout': 'contiguous'}, ['threads', 'precision'])
    """
    automatic = [
        name
        for name, value in given.items()
        if RUN_SETTINGS[name].is_automatic and value in (None, AUTO)
    ]
    return given | dict.fromkeys(automatic), automatic


def _read(description: Description, value: Any) -> Any:
    """The value of an option, which may be text where the setting is none."""
    if isinstance(value, str) and description.kind is tuple:
        return from_text(description.name, value)
    if isinstance(value, str) and description.kind is int and value != AUTO:
        try:
            return int(value)
        except ValueError:
            name = description.name
            raise ValueError(f"{name} must be auto or a whole number, got {value!r:.40}") from None
    return value


def check_surroundings(autosave: float, output: Path | None = None) -> None:
    """Refuses what is no setting of the run but would stop it after it has begun.

    Args:
        autosave: Seconds between two saves.
        output: A file to write.

    Raises:
        ValueError: If `autosave` or `output` cannot be used.
    """
    if not 0 <= autosave < math.inf:
        raise ValueError(f"autosave must be at least 0 and finite, got {autosave:g}")
    if output and not output.parent.is_dir():
        raise ValueError(f"output must be a file in a folder that exists, got {str(output)!r}")


def check_seed(seed: int) -> None:
    """Raises ValueError unless the seed is within the limits of the setting `seed`."""
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed must be 0 to {2**31 - 1}, got {seed}")


def model_path(model: str, runs_dir: Path | None) -> Path:
    """Finds a checkpoint that is named by its file, by its run's folder or by the id of its run.

    Of a run that is still being trained it is the checkpoint of the last pause or stop, which is
    said.

    Raises:
        ValueError: If there is neither such a file nor such a run, or the run has no model yet.
    """
    path = user_path(model)
    if path.is_file():
        return path
    if path.suffix == ".safetensors":
        raise ValueError(f"model must be a checkpoint file, but there is no file {model!r:.200}")
    is_folder = (path / "config.json").is_file()
    run = Run(path) if is_folder else find_run(runs_dir or default_runs_dir(), model)
    status = run_status(run)
    if status.model_steps is None:
        raise ValueError(why_no_model(run, status))
    if status.state == RUNNING:
        typer.echo(
            f"note: {run.id} is still being trained; this is its model after "
            f"{status.model_steps:,} updates",
            err=True,
        )
    return run.model_path
