"""The commands of the judge: `judge train` and `judge score`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.cli.options import DataDir, Device, RunsDir, check_seed, model_path, one_sentence
from models.devices import find_device
from models.engines.worker import report

if TYPE_CHECKING:  # the command line starts without torch
    from models.judge.report import SampleReport

app = typer.Typer(
    help="Score the images that a model draws, with a classifier trained once for each data set.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MOST = 20_000


@app.command()
@one_sentence
def train(
    data: Annotated[str, typer.Option(help="A data set with labels.")] = "digits",
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    seed: Annotated[int, typer.Option(help="Of weights, batches and shifts.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="File to write; default: where it is looked for.")
    ] = None,
    device: Device = "cpu",
) -> None:
    """Train the judge of a data set."""
    from models.cli.custom_images import library_in
    from models.data.load import load
    from models.judge.file import judge_path
    from models.judge.train import train_judge

    check_seed(seed)
    device = find_device(device)
    output = output or judge_path(data, runs_dir)
    if output is None:
        raise ValueError(
            f"data must be a built-in set or one added by `data add`, got {data!r:.60}: "
            "or give --output"
        )
    with library_in(runs_dir, data):
        splits = (load(data, split, data_dir) for split in ("train", "test"))
        found = train_judge(*splits, seed, device=device)
    command = f"python -m models judge train --data {data}" + (f" --seed {seed}" if seed else "")
    dataclasses.replace(found, card=dataclasses.replace(found.card, command=command)).write(output)
    card = found.card
    typer.echo(
        f"{output}: {100 * card.accuracy:z.1f} ± {100 * card.accuracy_error:z.1f} % of "
        f"{card.test_images:,} test images right, {card.seconds:z.0f} s of one processor"
    )


@app.command()
@one_sentence
def score(
    models: Annotated[list[str], typer.Argument(help="Checkpoint files, or ids of runs.")],
    count: Annotated[int, typer.Option(help="Images to draw.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    steps: Annotated[
        int | None,
        typer.Option(help="Network evaluations for an image, for a family that samples in steps."),
    ] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    output: Annotated[
        Path | None,
        typer.Option(help="JSON file to write; a folder takes one for each model, named after it."),
    ] = None,
    device: Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score what a model draws: distances, coverage, classes, copies, each with its floor."""
    from models.judge.report import report_name

    if not 40 <= count <= MOST:
        raise ValueError(f"count must be 40 to {MOST}, got {count}")
    check_seed(seed)
    device = find_device(device)
    paths = [model_path(model, runs_dir) for model in models]
    is_folder = output is not None and output.is_dir()
    if output is not None and len(paths) > 1 and not is_folder:
        raise ValueError(f"output must be a folder for {len(paths)} models, got {str(output)!r}")
    scored = _scored(paths, data_dir, count, seed, runs_dir, steps, device)
    for path, found in zip(paths, scored, strict=True):
        if output is not None:
            found.write(output / report_name(path) if is_folder else output)
        else:
            typer.echo(found.to_json() if as_json else _table(found))


def _scored(
    paths: Sequence[Path],
    data_dir: Path | None,
    count: int,
    seed: int,
    runs_dir: Path | None,
    steps: int | None,
    device: str,
) -> Iterator[SampleReport]:
    """Scores models one by one; the real images of a data set are described once."""
    from models.cli.custom_images import library_in
    from models.judge.score import RealImages, score_checkpoint
    from models.runs.images import load_images
    from models.storage.checkpoint import read

    known: dict[str, RealImages] = {}
    for place, path in enumerate(paths):
        config = read(path).card.config

        def tell(share: float, place: int = place) -> None:
            report((place + share) / len(paths))

        with library_in(runs_dir, config.data):
            if len(paths) > 1 and config.data not in known:
                splits = (load_images(config, split, data_dir) for split in ("train", "test"))
                known[config.data] = RealImages(*splits, runs_dir, device)
            real = known.get(config.data)
            yield score_checkpoint(path, data_dir, count, seed, runs_dir, tell, real, steps, device)


def _table(found: SampleReport) -> str:
    """The report as aligned lines: score, interval, floor."""
    from models.metrics.samples.table import name_of

    lines = [f"{'':<44}{'this model':<20}real images"]
    for name, row in found.scores.items():
        value = _text(row.value, row.half)
        lines.append(f"{name_of(name):<44}{value:<20}{_text(row.floor, row.floor_half)}")
    lines.append(
        f"{found.count} images of each kind; {1000 * found.seconds_per_image:.2g} s of one "
        f"processor for 1000 images, {found.evaluations} pass{'es' * (found.evaluations > 1)} "
        f"through the network for each; {found.parameters:,} parameters"
    )
    if math.isfinite(found.accuracy):
        lines.append(f"the judge is right about {100 * found.accuracy:z.1f} % of real test images")
    return "\n".join(lines)


def _text(value: float, half: float) -> str:
    if not math.isfinite(value):
        return "no limit found"
    if not math.isfinite(half):
        return f"{value:.4g}"
    return f"{value:z.3f} ± {half:z.3f}"
