"""The command `evaluate`: the scores of a model on a test set, as a table or JSON."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import typer

from models.cli.custom_images import library_in
from models.cli.options import (
    DataDir,
    Device,
    Model,
    RunsDir,
    check_seed,
    model_path,
    one_sentence,
)
from models.devices import find_device


@one_sentence
def evaluate(
    model: Model,
    data: Annotated[str | None, typer.Option(help="Another data set than the model's.")] = None,
    data_dir: DataDir = None,
    runs_dir: RunsDir = None,
    samples: Annotated[int, typer.Option(help="k of the importance-weighted bound; 0: none.")] = 0,
    images: Annotated[int, typer.Option(help="Images for that bound.")] = 500,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the noise; default: that of every card.")
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="The beta to evaluate at; for multirate models only.")
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Samples of z for every image, to average D over; default: as cards have."
        ),
    ] = None,
    factors: Annotated[
        bool, typer.Option("--factors", help="Score the codes against the known factors.")
    ] = False,
    store: Annotated[
        bool, typer.Option(help="Write the scores into the file: for runs of older versions.")
    ] = False,
    device: Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a model on the test set.

    D, R and -ELBO in nats per image, with standard errors.
    """
    from models.metrics.likelihood import DRAWS, EVALUATION_SEED
    from models.runs.evaluation import evaluate_checkpoint
    from models.runs.scores import store_scores
    from models.storage.checkpoint import read

    if samples < 0 or images < 2:
        raise ValueError(
            f"samples must be at least 0 and images at least 2, got {samples}, {images}"
        )
    if store and (data, seed, beta, draws) != (None, None, None, None):
        raise ValueError(
            "with --store a model is scored as its card is, on its own test set: leave out --data, "
            "--seed, --beta and --draws"
        )
    seed, draws = EVALUATION_SEED if seed is None else seed, DRAWS if draws is None else draws
    check_seed(seed)
    device = find_device(device)
    path = model_path(model, runs_dir)
    name = data or (read(path).card.config.data if runs_dir else None)
    with library_in(runs_dir, name):
        if store:
            store_scores(path, data_dir, device)
        report = evaluate_checkpoint(
            path, data, data_dir, samples, images, seed, beta, draws, factors, device
        )
    typer.echo(json.dumps(report, indent=1) if as_json else _table(report))


def _table(report: dict[str, Any]) -> str:
    """The report as aligned lines, each number with its unit and, where they differ, its images."""
    from models.metrics.disentanglement.scores import PROBES, SCORES
    from models.metrics.names import score_name

    lines = []
    names = {
        "negative_elbo_same_images": "negative elbo, those images",
        "gain": "gain of the bound, paired",
    }
    for name, value in report.items():
        if name == "kl_per_dimension":
            text = " ".join(f"{kl:z.2f}" for kl in value) + " nats"
        elif isinstance(value, list):
            text = f"{value[0]:z.2f} ± {value[1]:z.2f} {score_name(name).unit}".rstrip()
        elif name in SCORES | PROBES:
            text = f"{value:z.3f} (0 to 1)"
        elif isinstance(value, float):
            is_squared = "squared" in name
            unit = score_name(name).unit
            text = f"{value:z.5f}" if is_squared else f"{value:z.2f} {unit}".rstrip()
        else:
            text = str(value)
        label = (names | SCORES | PROBES).get(name) or re.sub(
            "_k(?=[0-9]+$)", ", k = ", name
        ).replace("_", " ")
        lines.append(f"{label:<30}{text}")
    return "\n".join(lines)
