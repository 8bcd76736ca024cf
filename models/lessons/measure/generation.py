"""What families draw: how real and how varied it is, and what it costs; on the digits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from models.judge.score import RealImages, draw
from models.lessons.measure.repeat import Progress, Row, each_kind, over_seeds
from models.lessons.measure.small import SHIPPED_FAMILIES, digits, shipped_model
from models.lessons.measurement import Measurement
from models.metrics.samples.classes import classes_hit, within_class_variance
from models.metrics.samples.copies import exact_copies
from models.metrics.samples.frechet import frechet_distance
from models.metrics.samples.manifold import precision_recall
from models.metrics.samples.modes import SAME
from models.metrics.samples.scores import JUDGE
from models.objectives.denoising import add_noise, alpha_bars, guess_clean

DRAWN = 500
"""Images that a model draws to be scored."""
GANS = {"no penalty": "digits-gan-collapsing", "R1 penalty": "digits-gan"}
COUNTED = "draws of one model each"
TIMES = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Noise steps that are looked at, as shares of all."""


@functools.cache
def real() -> RealImages:
    """The real digits as the judge sees them."""
    return RealImages(*digits())


def which(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures what the shipped models of the digits draw: one of each family, one judge.

    Quantities: `frechet`, the Fréchet distance of `DRAWN` new images to unseen real ones in the
    judge's features; `recall`, the share of real images that they cover; `copies`, how many equal
    a training image; `drawing`, seconds of one processor for 1000 images.
    Among the facts `floor`, the Fréchet distance of training images in their place.

    Args:
        seeds: One for each repeat, of the draws: there is one model of each family.
        progress: Receives the share done.
    """
    models = {name: shipped_model(file) for name, file in SHIPPED_FAMILIES.items()}
    known = real()
    as_many = known.training.take(np.arange(len(known.test)))
    floor = frechet_distance(as_many.spaces[JUDGE], known.test.spaces[JUDGE])
    return _draws("which", seeds, each_kind(models, drawn_scores), progress, {"floor": floor})


def drawn_scores(model: Any, seed: int) -> dict[str, float]:
    """Has a model draw and scores that: the quantities of `which`."""
    images, seconds = draw(model, DRAWN, seed)
    known, fake = real(), real().spaces.describe(images)
    features = known.test.spaces[JUDGE], fake.spaces[JUDGE]
    return {
        "frechet": frechet_distance(*features),
        "recall": precision_recall(*features).recall,
        "copies": float(exact_copies(fake.pixels, known.training.pixels)),
        "drawing": 1000 * seconds / DRAWN,
    }


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


def denoise(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures what the shipped diffusion model sees of test images at noise steps t.

    Quantities by t: `noise`, the squared error of the noise that it guesses, per pixel, 1 for a
    guess of 0; `clean`, the error of the image that this guess implies, root mean square grey
    levels. Among the facts `mean_image`, that error for the mean of the training images.

    Args:
        seeds: One for each repeat, of the noise: there is one model.
        progress: Receives the share done.
    """
    model = shipped_model("digits-ddpm")
    images = torch.tensor(digits()[1].images)
    mean = torch.tensor(digits()[0].images).mean(0)
    shares = alpha_bars(model.noise_steps)

    @torch.no_grad()
    def measure(time: int, seed: int) -> dict[str, float]:
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
        share = shares[time].float()
        noisy = add_noise(2 * images - 1, noise, share)
        guess = model.guess_at(noisy, time)
        clean = guess_clean(noisy, guess, share).clamp(-1, 1) / 2 + 0.5
        return {
            "noise": (guess - noise).square().mean().item(),
            "clean": (clean - images).square().mean().sqrt().item(),
        }

    times = {str(round(share * model.noise_steps)): round(share * model.noise_steps)
             for share in TIMES}  # fmt: skip
    facts = {
        "mean_image": (images - mean).square().mean().sqrt().item(),
        "steps": float(model.noise_steps),
    }
    return _draws("denoise", seeds, each_kind(times, measure), progress, facts)
