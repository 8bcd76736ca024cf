"""The command `export`: a model as files for other tools.

What it was before, one live map as an HTML file, is `python -m explorer export`, which it runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.atomic import write_bytes
from models.cli.custom_images import library_in
from models.cli.options import DataDir, Model, RunsDir, model_path, one_sentence
from models.places import make_folder, user_path

if TYPE_CHECKING:
    import numpy as np

    from models.storage.checkpoint import Checkpoint

EXPLORER = Path(__file__).resolve().parents[2] / "explorer"
ROWS = 256
"""Codes that are decoded at once."""


@one_sentence
def export(
    context: typer.Context,
    model: Model,
    hub: Annotated[
        Path | None,
        typer.Option(help="A new folder: model.safetensors, config.json, README.md with its card."),
    ] = None,
    projector: Annotated[
        Path | None,
        typer.Option(help="A new folder: codes, classes and pictures for the embedding projector."),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(help="A file NAME.onnx: writes NAME-encoder.onnx and NAME-decoder.onnx."),
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
) -> None:
    """Write a model as files that other tools read.

    For the live map as one HTML file: python -m explorer export.
    """
    if hub is None and projector is None and onnx is None:
        _save_map([model, *context.args], data_dir, runs_dir)
    if context.args:
        raise ValueError(f"there must be no other option, got {context.args[0]!r:.40}")
    path = model_path(model, runs_dir)
    if hub is not None:
        from models.export.hub import hub_files

        _write(hub, hub_files(path))
    if projector is not None:
        _write(projector, _projector_files(path, data_dir, runs_dir))
    if onnx is not None:
        _write_onnx(user_path(onnx), path)


def _save_map(words: list[str], data_dir: Path | None, runs_dir: Path | None) -> None:
    """Runs the command of the live map, and ends with its status."""
    typer.echo("This command is now: python -m explorer export", err=True)
    for name, folder in (("--data-dir", data_dir), ("--runs-dir", runs_dir)):
        words += [] if folder is None else [name, str(folder)]
    done = subprocess.run([sys.executable, str(EXPLORER), "export", *words])
    raise typer.Exit(done.returncode)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a new folder, and names it.

    Raises:
        ValueError: If it holds something: the config of a run would be lost.
        OSError: If it cannot be written.
    """
    folder = user_path(folder)
    make_folder(folder)
    if any(folder.iterdir()):
        raise ValueError(f"the folder must be new or empty, got {str(folder)!r}: choose another")
    for name, content in files.items():
        write_bytes(folder / name, content)
    typer.echo(f"{folder}: {', '.join(files)}")


def _projector_files(path: Path, data_dir: Path | None, runs_dir: Path | None) -> dict[str, bytes]:
    """The codes with the test images, or what they are decoded to; says which."""
    from models.export.projector import projector_files
    from models.storage.checkpoint import read

    checkpoint = read(path)
    model = checkpoint.card.config.model
    if not model.capabilities.has_codes:
        raise ValueError(f"the model must have codes of images, got one of family {model.family}")
    if checkpoint.codes is None:
        raise ValueError("the checkpoint must hold the codes of a test set")
    with library_in(runs_dir, checkpoint.card.config.data if runs_dir else None):
        images = _originals(checkpoint, data_dir)
    if images is None:
        typer.echo("note: the test images are not here; the sprite has decoded ones", err=True)
        images = _decoded(checkpoint)
    return projector_files(checkpoint.codes, images, checkpoint.card.class_names)


def _write_onnx(file: Path, path: Path) -> None:
    """Writes the encoder and the decoder of a checkpoint beside each other, and names them.

    Raises:
        ValueError: If the name does not end in .onnx, the model has no encoder, or a package is
            missing.
    """
    from models.export.onnx_file import onnx_files
    from models.storage.checkpoint import read, restore

    if file.suffix != ".onnx":
        raise ValueError(f"onnx must be a file NAME.onnx, got {file.name!r:.80}")
    checkpoint = read(path)
    config = checkpoint.card.config
    if not config.model.capabilities.has_encoder:
        raise ValueError(f"the model must have an encoder, got one of family {config.model.family}")
    if config.model.capabilities.betas == "many":
        typer.echo(f"note: the files are of the model at beta {config.objective.beta:g}", err=True)
    make_folder(file.parent)
    for name, content in onnx_files(restore(checkpoint).at(config.objective.beta)).items():
        place = file.with_stem(f"{file.stem}-{name}")
        write_bytes(place, content)
        typer.echo(f"{place}: {len(content) / 1e3:z.0f} kB")


def _originals(checkpoint: Checkpoint, data_dir: Path | None) -> np.ndarray | None:
    """The test images behind the codes; None where they are not on this machine."""
    from models.data.image_set import DataError
    from models.runs.images import load_images

    try:
        found = load_images(checkpoint.card.config, "test", data_dir)
    except DataError:
        return None
    is_same = found.fingerprint == checkpoint.card.data_fingerprint
    return found.images[: len(checkpoint.codes)] if is_same else None


def _decoded(checkpoint: Checkpoint) -> np.ndarray:
    """The decoded means of the codes, (N, C, H, W)."""
    import torch

    from models.storage.checkpoint import restore

    network = restore(checkpoint)
    with torch.inference_mode():
        parts = torch.from_numpy(checkpoint.codes.mean).split(ROWS)
        return torch.cat([network.decode(part) for part in parts]).numpy()
