"""The commands `data …`: built-in data sets, and the library of the user's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli.arguments import program
from models.cli.custom_images import (
    Scale,
    Size,
    SkipBroken,
    add_images,
    describe,
    read_images,
)
from models.cli.options import DataDir, one_sentence
from models.data.read_options import AUTO, ReadOptions

app = typer.Typer(help="Download data sets and look at them.", no_args_is_help=True)


@app.command("download")
@one_sentence
def download_data(
    name: Annotated[str, typer.Argument(help="mnist, fashion-mnist or kmnist.")],
    data_dir: DataDir = None,
) -> None:
    """Download a data set through torchvision."""
    from models.data.builtin import default_data_dir, download
    from models.engines.worker import report

    download(name, data_dir or default_data_dir(), report)
    typer.echo(f"{name} is ready in {data_dir or default_data_dir()}")


@app.command("show")
@one_sentence
def show_data(
    name: Annotated[str, typer.Argument(help="A data set's name, a file or a folder of images.")],
    data_dir: DataDir = None,
    scale: Scale = AUTO,
    size: Size = None,
    skip_broken: SkipBroken = False,
) -> None:
    """Show what a data set holds, and what was converted."""
    from models.data.load import is_images, load

    options = ReadOptions(scale, size, skip_broken)
    custom = read_images(Path(name), options) if is_images(name) else None
    for split in ("train", "test"):
        images = custom.split(split) if custom else load(name, split, data_dir)
        channels, height, width = images.images.shape[1:]
        typer.echo(
            f"{images.name} {split}: {len(images)} images, {channels}×{height}×{width}, "
            f"{len(images.class_names)} classes, fingerprint {images.fingerprint}"
        )
    for note in () if custom else images.notes:
        typer.echo(f"note: {note}")


@app.command("add")
@one_sentence
def add_data(
    path: Annotated[
        Path, typer.Argument(help="A .npz, a .npy, a .zip of images or a folder of images.")
    ],
    title: Annotated[str, typer.Option(help="A label; default: the file name.")] = "",
    scale: Scale = AUTO,
    size: Size = None,
    skip_broken: SkipBroken = False,
) -> None:
    """Add your own images to the library.

    They are kept in LATENT_RUNS_DIR, to train on here and in the app. A .npy, or an .npz that is
    not compressed, may take up to a quarter of the disk; anything else 256 MB.
    """
    name = add_images(path, title, ReadOptions(scale, size, skip_broken))
    typer.echo(f"Train with: {program()} train --data {name}")


@app.command("list")
@one_sentence
def list_data() -> None:
    """List your own images that were added."""
    from models.data.library import list_paths, read_info

    found = list_paths()
    for path in found.values():
        try:
            typer.echo(describe(read_info(path)))
        except ValueError as error:
            typer.echo(f"{error}.", err=True)
    if not found:
        typer.echo(f"None yet: {program()} data add PATH")


@app.command("remove")
@one_sentence
def remove_data(
    name: Annotated[str, typer.Argument(help="Its id in data list.")],
    undo: Annotated[bool, typer.Option("--undo", help="Restore a removed set.")] = False,
) -> None:
    """Remove a set of your own images.

    Runs that were trained on it stay.
    """
    from models.data.library import recover, remove

    (recover if undo else remove)(name)
    typer.echo(f"{name} is {'restored' if undo else 'removed; data remove --undo restores it'}")
