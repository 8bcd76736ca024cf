"""A checkpoint's full report on its test set: scores, bound, anchors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from models.checkpoint import read, restore
from models.data import load
from models.metrics.likelihood import (
    binarize,
    collapsed_distortion,
    elbo,
    entropy_floor,
    estimate,
    importance_weighted_bound,
    summarize,
)
from models.metrics.reconstruction import squared_error


def evaluate_checkpoint(
    path: str | Path,
    data: str | None = None,
    data_dir: str | Path | None = None,
    samples: int = 0,
    images: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores a checkpoint on the test set of its data, or of another of the same shape.

    The importance-weighted bound is computed on the first `images` test images, binarised if
    the likelihood is Bernoulli, beside the ELBO of those same images.

    Args:
        path: A checkpoint file.
        data: Name or path of the data; None: what the model was trained on.
        data_dir: See `models.data.load`.
        samples: k of the bound; 0 leaves it out.
        images: How many test images the bound is computed on.
        seed: Of the noise and of the binarisation.

    Returns:
        The scores of `summarize`, the squared error per pixel, the anchors of the data and, on
        request, `iw_bound_k…` and `elbo_same_images`, each [mean, standard error], nats/image.

    Raises:
        ValueError: If the file is no checkpoint, or the data is missing or of another shape.
    """
    checkpoint = read(path)
    config = checkpoint.card.config
    model = restore(checkpoint)
    test_set = load(data or config.data, "test", data_dir)
    if test_set.images.shape[1:] != config.model.image_shape:
        raise ValueError(
            f"the images must have the model's shape {config.model.image_shape}, "
            f"got {test_set.images.shape[1:]}"
        )
    x = torch.tensor(test_set.images)
    likelihood, sigma = config.model.likelihood, config.model.sigma
    report = {"model": checkpoint.card.title, "data": f"{test_set.name} test"}
    report |= summarize(elbo(model, x, seed))
    report["squared_error_per_pixel"] = squared_error(model, x).mean().item()
    report["collapsed_distortion"] = collapsed_distortion(x, likelihood, sigma)
    report["entropy_floor"] = entropy_floor(x, likelihood, sigma)
    if samples and config.model.family == "vae":
        x = x[:images]
        if likelihood == "bernoulli":
            x = binarize(x, seed)
            report["bound_is_for"] = f"{len(x)} images, binarised with seed {seed}"
        terms = elbo(model, x, seed)
        report["elbo_same_images"] = list(estimate(-terms.distortion - terms.rate.sum(1)))
        bound = importance_weighted_bound(model, x, samples, seed)
        report[f"iw_bound_k{samples}"] = list(estimate(bound))
    return report
