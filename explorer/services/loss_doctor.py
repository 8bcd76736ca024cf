"""Where a loss lands: its β against the threshold of the images, and its place in the plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.services import catalogue, collapse_prediction, data_sets
from explorer.services.training_form import data_size
from explorer.words import words
from models.config import ModelConfig, RunConfig
from models.data.builtin import DATA_SETS, default_data_dir, is_available
from models.storage.tensors import CheckpointError
from models.theory.linear_vae import linear_curve, linear_optimum
from models.theory.loss_scale import BINARY, LossForm, LossScale, loss_scale

OTHER = "other"
POINTS = 61


class Place(NamedTuple):
    """R and D of a loss in nats per image, the curve it lies on, and what that curve is of."""

    rate: float
    distortion: float
    curve: tuple[np.ndarray, np.ndarray]
    source: str


class Finding(NamedTuple):
    """What a loss amounts to on some images.

    `threshold` is the β above which they collapse, in the unit of `scale.beta` (σ = 1 for a
    squared error); None for images that are not here. `place` is None where nothing tells it.
    """

    scale: LossScale
    pixels: int
    threshold: float | None
    place: Place | None


def data_choices() -> dict[str, str]:
    """Names the images that a loss can be tried on, by id, and any others."""
    built_in = {name: words(name) for name in DATA_SETS if is_available(name, default_data_dir())}
    custom = {name: info.title for name, info in data_sets.custom_sets().items()}
    return built_in | custom | {OTHER: "other images"}


def examine(form: LossForm, data: str, pixels: int, latents: int, batch: int) -> Finding:
    """Examines a loss.

    Args:
        form: The loss.
        data: One of `data_choices`.
        pixels: d of other images; those of a data set have their own.
        latents: Z.
        batch: B.
    """
    try:
        size = pixels if data == OTHER else int(np.prod(data_size(data).image_shape))
    except ValueError:  # removed in this moment
        data, size = OTHER, pixels
    scale = loss_scale(form, size, latents, batch)
    if data == OTHER:
        return Finding(scale, size, None, None)
    if form.likelihood == BINARY:
        place = _of_model(data, scale.beta)
        return Finding(scale, size, _threshold(data, "bernoulli"), place)
    place = None
    if not data_sets.is_large(data):
        place = _of_theory(data_sets.covariance_eigenvalues(data), latents, scale.beta)
    return Finding(scale, size, _threshold(data, "gaussian"), place)


def _threshold(data: str, likelihood: str) -> float | None:
    """The β above which a VAE of this likelihood, with σ = 1, collapses on a data set."""
    found = collapse_prediction.threshold(
        RunConfig(data, ModelConfig(likelihood=likelihood, sigma=1.0))
    )
    return None if found is None else found.beta


def _of_model(data: str, beta: float) -> Place | None:
    """Where a multi-rate model of the same images puts this β; None where there is none."""
    usable, _ = catalogue.list_models()
    for entry in usable.values():
        config = entry.card.config
        is_like = config.data == data and config.model.likelihood == "bernoulli"
        if not is_like or config.model.capabilities.betas != "many":
            continue
        try:
            rates = catalogue.checkpoint(entry).rates
        except CheckpointError:  # damaged since it was listed
            continue
        if rates is None:
            continue
        rate, logs = rates.rate.sum(1), np.log(rates.betas)
        at = np.log(np.clip(beta, rates.betas[0], rates.betas[-1])) if beta > 0 else logs[0]
        here = [float(np.interp(at, logs, values)) for values in (rate, rates.distortion)]
        return Place(*here, (rate, rates.distortion), catalogue.title(entry))
    return None


def _of_theory(eigenvalues: np.ndarray, latents: int, beta: float) -> Place | None:
    """Where the best linear VAE with σ = 1 lies at this β."""
    if beta <= 0:
        return None
    betas = np.geomspace(min(beta, 1e-3), max(beta, 2 * eigenvalues[0]), POINTS)
    best = linear_optimum(eigenvalues, latents, 1.0, beta)
    source = f"the best linear VAE with σ = 1 and {latents} latents"
    return Place(best.rate, best.distortion, linear_curve(eigenvalues, latents, 1.0, betas), source)
