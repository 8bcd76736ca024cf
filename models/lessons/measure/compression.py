"""What a VAE keeps of an image: by β, by its number of latents, and how sharp it draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from models.config import RunConfig, override
from models.families.generate import generate
from models.families.registry import build_model
from models.lessons.measure.repeat import Progress, Row, each_kind, over_seeds
from models.lessons.measure.small import (
    SHIPPED_FAMILIES,
    config,
    digits,
    shipped_model,
    trained,
)
from models.lessons.measurement import Measurement
from models.metrics.likelihood import active_units, elbo
from models.theory.collapse_threshold import collapse_threshold
from models.training.remedies import Remedy, Strengths, remedies
from models.training.stacked import Member, Stack

BETAS = (0.01, 0.1, 0.5, 1.0, 2.0, 10.0)
SHARES = (0.3, 0.6, 0.8, 0.9, 1.0, 1.2)
"""The β of the sweep, as parts of the predicted threshold."""
ONSET = 0.05
"""A model has collapsed if its R is below this, in nats per image."""
LATENTS = (1, 2, 4, 8, 32)
LIKELIHOODS = {
    "Bernoulli": {"likelihood": "bernoulli"},
    "Gaussian, σ = 1": {"likelihood": "gaussian", "sigma": 1.0},
    "Gaussian, fitted σ": {"likelihood": "gaussian-optimal", "sigma": 0.2},
}
SIZES = (2, 16)
COLLAPSING = 4.0
"""β of the training that the remedies are for: above the threshold of the digits."""
DRAWN = 500
"""New images whose sharpness is measured."""
SWEEP_EPOCHS = 90
"""Below the threshold the escape from collapse is slow."""


def scores(model: Any) -> tuple[float, float]:
    """D and R of the test digits, in nats per image."""
    found = elbo(model, torch.tensor(digits()[1].images))
    return found.distortion.mean().item(), found.rate.sum(1).mean().item()


def betas(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures D and R of the test digits at the β in `BETAS`, far below 1 to far above."""

    def measure(seed: int, tell: Progress) -> Row:
        models = _stack([config(beta=beta, seed=seed) for beta in BETAS], tell)
        found = {f"{b:g}": scores(m) for b, m in zip(BETAS, models, strict=True)}
        return {
            "distortion": {beta: pair[0] for beta, pair in found.items()},
            "rate": {beta: pair[1] for beta, pair in found.items()},
        }

    threshold = collapse_threshold(digits()[0].images).beta
    return over_seeds("betas", seeds, measure, progress, {"threshold": threshold})


def sweep(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures R by β around the predicted threshold.

    `rate` at the β that are `SHARES` of β*; among the facts β*, computed from the training images
    before anything is trained.
    """
    threshold = collapse_threshold(digits()[0].images).beta

    def measure(seed: int, tell: Progress) -> Row:
        betas = [round(share * threshold, 2) for share in SHARES]
        models = _stack([config(beta=b, seed=seed, epochs=SWEEP_EPOCHS) for b in betas], tell)
        rates = [scores(model)[1] for model in models]
        return {"rate": {f"{b:g}": rate for b, rate in zip(betas, rates, strict=True)}}

    return over_seeds("sweep", seeds, measure, progress, {"threshold": threshold, "onset": ONSET})


def helps(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures what each remedy makes of a training that collapses.

    `rate`, R of the test digits, and `active`, active latents: without a remedy and with each of
    `models.training.remedies`, at `COLLAPSING`, from the same seed and for as many steps. `elbo`,
    −ELBO of those under the same likelihood.
    """
    run = config(beta=COLLAPSING, epochs=SWEEP_EPOCHS)
    tried = remedies(run, run.total_steps(len(digits()[0].images)), Strengths())

    def measure(remedy: Remedy, seed: int) -> dict[str, float]:
        model = trained(override(remedy.config, seed=seed))
        found = elbo(model, torch.tensor(digits()[1].images))
        rate = found.rate.sum(1).mean().item()
        scores = {"rate": rate, "active": float(active_units(found.mean))}
        if remedy.config.model.likelihood == run.model.likelihood:
            scores["elbo"] = found.distortion.mean().item() + rate
        return scores

    kinds = {remedy.name: remedy for remedy in tried}
    facts = {"beta": COLLAPSING, "onset": ONSET}
    return over_seeds("helps", seeds, each_kind(kinds, measure), progress, facts)


def _stack(runs: Sequence[RunConfig], tell: Progress) -> list[Any]:
    """Trains runs that differ in β alone, side by side."""
    train, test = digits()
    members = [
        Member(build_model(run.model, run.training.seed), run, train.images, test.images)
        for run in runs
    ]
    Stack(members)
    for events in zip(*(member.events() for member in members), strict=True):
        tell(events[0].step / members[0].total_steps)
    return [member.model.eval() for member in members]


def latents(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures −ELBO and active units by the number of latents."""

    def measure(count: int, seed: int) -> dict[str, float]:
        model = trained(config(latent_dim=count, seed=seed))
        found = elbo(model, torch.tensor(digits()[1].images))
        total = (found.distortion + found.rate.sum(1)).mean().item()
        return {"elbo": total, "active": float(active_units(found.mean))}

    return over_seeds(
        "latents", seeds, each_kind({str(count): count for count in LATENTS}, measure), progress
    )


def sharpness(images: np.ndarray) -> float:
    r"""Computes how much neighbouring pixels differ, on average over the images.

    .. math:: \frac1N \sum_n \sqrt{\frac1d \sum_{ij}
        (x_{i+1,j} - x_{ij})^2 + (x_{i,j+1} - x_{ij})^2}

    Args:
        images: Shape (N, C, H, W).

    Returns:
        Grey levels (1 = white).

    Example:
        >>> sharpness(np.ones((3, 1, 8, 8)))
        0.0
    """
    down, right = np.diff(images, axis=2)[..., :-1], np.diff(images, axis=3)[..., :-1, :]
    return float(np.sqrt((down**2 + right**2).mean((1, 2, 3))).mean())


def blur(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures how sharp the pictures of a VAE are, by likelihood and number of latents.

    As a share of the sharpness of the test images: `mean`, of the decoded means E[x|z] of test
    images at z = μ; `sample`, of draws of p(x|z) at the same codes; `new`, of new images of the
    shipped models, one of each family (the seeds are those of the draws).
    """
    kinds = {
        f"{name}, {size} latents": settings | {"latent_dim": size}
        for name, settings in LIKELIHOODS.items()
        for size in SIZES
    }
    families = {name: shipped_model(file) for name, file in SHIPPED_FAMILIES.items()}
    trained_ones = each_kind(kinds, _sharpness)

    def measure(seed: int, tell: Progress) -> Row:
        new = {name: _sharpness_of_new(model, seed) for name, model in families.items()}
        return trained_ones(seed, tell) | {"new": new}

    return over_seeds("blur", seeds, measure, progress)


def _sharpness_of_new(model: Any, seed: int) -> float:
    images = np.concatenate([part.numpy() for part in generate(model, DRAWN, seed)])
    return sharpness(images) / sharpness(digits()[1].images)


def _sharpness(settings: dict[str, Any], seed: int) -> dict[str, float]:
    images = torch.tensor(digits()[1].images)
    model = trained(config(seed=seed, **settings))
    with torch.no_grad():
        codes = model.encode(images)[0]
        mean = model.decode(codes).numpy().clip(0, 1)
        drawn = model.sample(codes, torch.Generator().manual_seed(seed)).numpy().clip(0, 1)
    real = sharpness(images.numpy())
    return {"mean": sharpness(mean) / real, "sample": sharpness(drawn) / real}
