"""The command `project`: a t-SNE map of a model as a file; the app gives it to an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.cli.options import check_seed, one_sentence
from models.engines.worker import report
from models.places import make_folder


@one_sentence
def project(
    model: Annotated[Path, typer.Argument(help="A checkpoint with codes.")],
    output: Annotated[
        Path | None,
        typer.Argument(help="Where to write the positions; default: tsne/NAME beside the model."),
    ] = None,
    perplexity: Annotated[float, typer.Option(help="Effective number of neighbours.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Seed of the neighbour search.")] = 0,
) -> None:
    """Compute a t-SNE map in this process; reports the share done."""
    from models.latents.tsne import tsne
    from models.storage.checkpoint import read
    from models.storage.positions import map_path, write_positions

    check_seed(seed)
    codes = read(model).codes
    if codes is None:
        raise ValueError("the checkpoint must hold the codes of a test set")
    positions = tsne(codes.mean, perplexity, seed=seed, progress=report)
    output = output or map_path(model)
    make_folder(output.parent)
    write_positions(output, positions, codes.mean)
