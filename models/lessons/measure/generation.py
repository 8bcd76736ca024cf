"""What families draw: how real and how varied it is, and what it costs; on the digits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from models.judge.score import RealImages, draw
from models.lessons.measure.repeat import Progress, Row, each_kind, over_seeds
from models.lessons.measure.small import digits, shipped_model
from models.lessons.measurement import Measurement
from models.metrics.samples.classes import classes_hit, within_class_variance
from models.metrics.samples.manifold import precision_recall
from models.metrics.samples.modes import SAME
from models.metrics.samples.scores import JUDGE

DRAWN = 500
"""Images that a model draws to be scored."""
GANS = {"no penalty": "digits-gan-collapsing", "R1 penalty": "digits-gan"}
COUNTED = "draws of one model each"


@functools.cache
def real() -> RealImages:
    """The real digits as the judge sees them."""
    return RealImages(*digits())


def modes(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures the variety of what two shipped GANs draw, with the R1 penalty and without it.

    Quantities: `classes` hit; `recall`, the share of real images covered; `variance` within a
    class, as a share of that of real images; `collapsed`, 1 where a class is missing or the images
    of a class are all alike.

    Args:
        seeds: One for each repeat, of the draws: there is one model of each kind.
        progress: Receives the share done.
    """
    models = {name: shipped_model(file) for name, file in GANS.items()}
    return _draws("modes", seeds, each_kind(models, variety), progress)


def variety(model: Any, seed: int) -> dict[str, float]:
    """Has a model draw and says how varied that is: the quantities of `modes`."""
    known, fake = real(), real().spaces.describe(draw(model, DRAWN, seed)[0])
    classes = classes_hit(fake.classes)
    variance = within_class_variance(fake.pixels, fake.classes) / within_class_variance(
        known.test.pixels, known.test.classes
    )
    return {
        "classes": float(classes),
        "recall": precision_recall(known.test.spaces[JUDGE], fake.spaces[JUDGE]).recall,
        "variance": variance,
        "collapsed": float(classes < classes_hit(known.test.classes) or variance < SAME),
    }


def _draws(
    name: str,
    seeds: Sequence[int],
    measure: Callable[[int, Progress], Row],
    progress: Progress,
    facts: dict[str, float] | None = None,
) -> Measurement:
    """An experiment whose seeds are those of draws, not of trainings, which it says."""
    return replace(over_seeds(name, seeds, measure, progress, facts), counted=COUNTED)
