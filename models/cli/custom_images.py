"""What the commands share that read a user's images: how they are read, and how they are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from models.cli.console import make_console, progress_bar
from models.data.read_options import AUTO, ReadOptions

_RUNS_DIR = "LATENT_RUNS_DIR"
Scale = Annotated[
    str,
    typer.Option(
        help="Your own images: the value that is white; auto, none (1, 255 or 65535) or a number."
    ),
]
Size = Annotated[
    int | None,
    typer.Option(help="Your own images: crop and resize them to so many pixels a side, 8 to 64."),
]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Your own images: leave out files that are broken.")
]


def read_images(path: Path, options: ReadOptions) -> Any:
    """Reads images under a progress bar, and prints what was converted or left out."""
    from models.data.ingest import read_path

    with progress_bar(make_console(), "images") as bar:
        task = bar.add_task("reading", total=None)
        found = read_path(
            path, lambda done, count: bar.update(task, total=count, completed=done), options
        )
    for note in found.notes:
        typer.echo(f"note: {note}")
    return found


def add_images(path: Path, title: str, options: ReadOptions) -> str:
    """Adds images to the library, and returns their id there."""
    from models.data.large import is_large
    from models.data.library import add
    from models.places import user_path

    path = user_path(path)
    if is_large(path):
        facts = _add_large(path, title, options)
    else:
        facts = add(read_images(path, options), title, is_bounded=False)
    typer.echo(describe(facts))
    return facts.id


def _add_large(path: Path, title: str, options: ReadOptions) -> Any:
    """Copies a large file into the library under a progress bar."""
    from models.data.library import add_large

    with progress_bar(make_console(), "images") as bar:
        task = bar.add_task("copying", total=None)
        facts = add_large(
            path, title, options, lambda done, count: bar.update(task, total=count, completed=done)
        )
    for note in facts.notes:
        typer.echo(f"note: {note}")
    return facts


def data_name(
    name: str | None, scale: str = AUTO, size: int | None = None, skip_broken: bool = False
) -> str | None:
    """Finds the data set that a command is to use; images at a path are added to the library.

    Args:
        name: Of a data set, or a path; None for that of the preset.
        scale: See `ReadOptions`.
        size: See `ReadOptions`.
        skip_broken: See `ReadOptions`.

    Raises:
        ValueError: If the images cannot be read, or a set that is read already gets options.
    """
    from models.data.load import is_images

    options = ReadOptions(scale, size, skip_broken)
    if name is not None and is_images(name):
        return add_images(Path(name), "", options)
    if options != ReadOptions():
        raise ValueError(
            "scale, size and skip-broken are for images that --data reads from a file or a folder, "
            f"got the data set {name or 'of the preset'!r:.40}"
        )
    return name


@contextmanager
def library_in(runs_dir: Path | None, name: str | None) -> Iterator[None]:
    """Keeps and finds sets in the folder of runs that a command was given, for a while.

    A set that lies in the usual library is found there.

    Args:
        runs_dir: The folder; None for the usual one.
        name: Of the data set.
    """
    from models.data.library import list_paths

    if runs_dir is None or name in list_paths():
        yield
        return
    usual = os.environ.get(_RUNS_DIR)
    os.environ[_RUNS_DIR] = str(runs_dir)  # also for the workers of a sweep
    try:
        yield
    finally:
        os.environ.pop(_RUNS_DIR)
        if usual is not None:
            os.environ[_RUNS_DIR] = usual


def describe(facts: Any) -> str:
    """Describes a set of the user's own images in one line."""
    channels, height, width = facts.image_shape
    return (
        f"{facts.id}  {facts.title}: {facts.count} images, {channels}×{height}×{width}, "
        f"{facts.train} to train, {facts.count - facts.train} to test, {facts.classes} classes"
    )
