"""The command `sample`: new images of a trained model, of any family that has a prior."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.atomic import write_bytes
from models.cli.options import Device, Model, RunsDir, check_seed, model_path, one_sentence
from models.devices import find_device
from models.places import make_folder


@one_sentence
def sample(
    model: Model,
    output: Annotated[
        Path, typer.Option(help="File to write: a picture NAME.png, or an array NAME.npz.")
    ] = Path("samples.png"),
    count: Annotated[int, typer.Option(help="Images.")] = 64,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    steps: Annotated[
        int | None,
        typer.Option(help="Evaluations of the network for each image, where a model takes steps."),
    ] = None,
    runs_dir: RunsDir = None,
    device: Device = "cpu",
) -> None:
    """Draw new images from the prior of a model."""
    from models.export.new_images import image_array, image_sheet

    writers = {".png": image_sheet, ".npz": image_array}
    if output.suffix not in writers:
        raise ValueError(f"output must be a file NAME.png or NAME.npz, got {output.name!r:.80}")
    check_seed(seed)
    device = find_device(device)
    images = _draw(model_path(model, runs_dir), count, seed, steps, device)
    content = writers[output.suffix](images)
    make_folder(output.parent)
    write_bytes(output, content)
    typer.echo(f"{output}: {len(images):,} new images, {len(content) / 1e3:z.0f} kB")


def _draw(path: Path, count: int, seed: int, steps: int | None, device: str):
    """The images as an array (N, C, H, W), drawn under a progress bar; Ctrl-C writes nothing."""
    import torch

    from models.cli.console import make_console, progress_bar
    from models.families.generate import generate
    from models.storage.checkpoint import read, restore

    batches = generate(restore(read(path)).to(device), count, seed, steps)
    found = []
    with progress_bar(make_console()) as bar:
        task = bar.add_task("drawing", total=count)
        for images in batches:
            found.append(images.cpu())
            bar.update(task, advance=len(images))
    return torch.cat(found).numpy()
