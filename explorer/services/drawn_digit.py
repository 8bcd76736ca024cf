"""A drawing through a model: how it is prepared, its posterior and its scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.data import drawing
from models.data.builtin import is_built_in

DRAWS = 64
"""Samples of z behind the scores of one drawing."""


class DrawingScore(NamedTuple):
    """A drawing through a model: its image, its q(z|x), and its scores in nats.

    `image` (1, C, H, W), `mean` (Z,) and `log_variance` (Z,), D with its standard error over the
    samples of z, and R; log-variance and R are None for an autoencoder.
    """

    image: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray | None
    distortion: float
    error: float
    rate: float | None

    @property
    def is_finite(self) -> bool:
        """Whether every number is."""
        return all(np.isfinite(part).all() for part in self if part is not None)


def noun(model: LoadedModel) -> str:
    """What can be drawn for a model: a digit, another image, or nothing where there are colours."""
    config = model.card.config
    if config.model.image_shape[0] != 1:
        return ""
    return "a digit" if config.data in ("digits", "mnist") else "an image"


def score(model: LoadedModel, strokes: list) -> DrawingScore:
    """Scores a drawing by a model, from the same `DRAWS` samples of z each time."""
    return _score(model, repr(strokes), strokes)


@kept_per_model(500)  # the ten examples under every model, and drawings of a class
def _score(model: LoadedModel, text: str, _strokes: list) -> DrawingScore:
    import torch

    from models.metrics.likelihood import elbo
    from models.metrics.statistics import estimate

    image = drawing.to_image(_strokes, *preparation(model))[None]
    terms = elbo(model.network, torch.from_numpy(image).expand(DRAWS, -1, -1, -1))
    mean, d = terms.mean[0].numpy(), estimate(terms.distortion)
    if terms.log_variance is None:
        return DrawingScore(image, mean, None, *d, None)
    return DrawingScore(image, mean, terms.log_variance[0].numpy(), *d, terms.rate[0].sum().item())


def preparation(model: LoadedModel) -> tuple[str, tuple[int, int, int], bool]:
    """Finds how a drawing is prepared: the data's name and shape, and whether its ink is dark."""
    config = model.card.config
    is_dark = not is_built_in(config.data) and _is_dark(model)
    return config.data, config.model.image_shape, is_dark


@kept_per_model(100)
def _is_dark(model: LoadedModel) -> bool:
    """Whether the ink is dark: the edge of the mean code's image is light."""
    image = model.decode(model.codes.mean.mean(0, keepdims=True))[0].mean(0)
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return bool(np.median(edge) > 0.5)
