"""The command `threshold`: the β that collapses a VAE on a data set, before anything is trained."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from models.cli.options import DataDir, one_sentence
from models.theory.collapse_threshold import (
    PREDICTABLE,
    CollapseThreshold,
    PopulationThreshold,
)

SHOWN = 8
"""So many eigenvalues are printed."""


@one_sentence
def threshold(
    data: Annotated[str, typer.Option(help="A data set by its name or path.")] = "digits",
    data_dir: DataDir = None,
    likelihood: Annotated[str, typer.Option(help=f"{', '.join(PREDICTABLE)}.")] = "bernoulli",
    sigma: Annotated[float, typer.Option(help="Sigma of the likelihood gaussian.")] = 0.1,
    binarize: Annotated[bool, typer.Option(help="For training on binarised images.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict which beta collapses a VAE on these images.

    From the training images alone: above this beta, a posterior that has collapsed stays so.
    """
    from models.data.byte_images import first_images
    from models.data.load import load
    from models.theory.collapse_threshold import collapse_threshold, population_threshold
    from models.training.image_store import MOST_BYTES

    images = first_images(load(data, "train", data_dir).images, MOST_BYTES)
    found = collapse_threshold(images, likelihood, sigma, binarize)
    population = population_threshold(images, likelihood, sigma, binarize)
    write = _json if as_json else _text
    typer.echo(write(found, population, len(images)))


def _text(found: CollapseThreshold, population: PopulationThreshold, images: int) -> str:
    low, high = population.interval()
    lines = [
        f"beta*                {found.beta:z.3f} for these {images} images",
        f"                     {population.estimate:z.3f} for what they are a sample of "
        f"(95 % interval {low:z.3f} to {high:z.3f})",
        "next directions      " + "  ".join(f"{beta:z.3f}" for beta in found.spectrum[1:SHOWN]),
        f"at beta = 1          collapse is unstable in {found.unstable_directions(1.0)} directions",
    ]
    if not population.reliable:
        lines.append("The images are too few for that interval: the sample decides most of it.")
    return "\n".join(lines)


def _json(found: CollapseThreshold, population: PopulationThreshold, images: int) -> str:
    return json.dumps(
        {
            "beta": found.beta,
            "population": population.estimate,
            "interval": population.interval(),
            "reliable": population.reliable,
            "images": images,
            "is_whole": found.is_whole,
            "spectrum": found.spectrum.tolist(),
        },
        indent=1,
    )
