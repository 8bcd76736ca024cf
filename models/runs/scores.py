"""The scores that a checkpoint holds of its test set: measured when a run ends, or again later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from models.data.image_set import ImageSet
from models.latents.codes import MAX_CODES, Codes
from models.latents.rate_curve import RateDistortionCurve
from models.metrics.disentanglement.scores import score_codes
from models.metrics.likelihood import EVALUATION_SEED, collapsed_distortion, elbo, summarize
from models.metrics.rate_curve import CODES, POINTS, measure_rates
from models.metrics.reconstruction import squared_error
from models.metrics.statistics import estimate
from models.runs.images import load_images
from models.storage.checkpoint import read, restore, write


class TestSetScores(NamedTuple):
    """What a checkpoint holds of its test set.

    `metrics` are those of `models.metrics.likelihood.summarize`, the squared error per pixel, D of
    the best constant image and, where factors are known, how codes follow them, or those of
    `own_scores`; `codes` as many as are stored, None where images have none; `rates`, of a
    multi-rate model.
    """

    __test__ = False  # no test, whatever pytest makes of the name

    metrics: dict[str, Any]
    codes: Codes | None
    rates: RateDistortionCurve | None


def score_test_set(model: Any, images: Tensor, test_set: ImageSet) -> TestSetScores:
    """Measures a trained model on its test set, with the noise of every reported score.

    Args:
        model: Of any family; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W), N ≥ 2, where the model is.
        test_set: The same images, with their labels and factors if they have any.

    Example:
        >>> import numpy as np
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> images = np.zeros((5, 1, 28, 28), np.float32)
        >>> black = ImageSet(images, None, (), "test", "black")
        >>> found = score_test_set(build_model(ModelConfig()), torch.tensor(images), black)
        >>> found.metrics["images"], found.codes.mean.shape, found.rates
        (5, (5, 2), None)
    """
    config = model.config
    if not config.capabilities.has_codes:
        return TestSetScores(own_scores(model, images), None, None)
    terms = elbo(model, images)
    metrics = {
        **summarize(terms),
        "squared_error_per_pixel": squared_error(model, images).mean().item(),
        "collapsed_distortion": collapsed_distortion(images, config.likelihood, config.sigma),
    }
    kept = slice(MAX_CODES // model.latent_dim)
    codes = Codes(
        terms.mean[kept].numpy(),
        None if terms.log_variance is None else terms.log_variance[kept].numpy(),
        terms.distortion[kept].numpy(),
        None if test_set.labels is None else test_set.labels[kept],
        None if test_set.factors is None else test_set.factors[kept],
    )
    metrics |= score_codes(codes)
    return TestSetScores(metrics, codes, _rates(model, images, len(codes)))


def own_scores(model: Any, images: Tensor, seed: int = EVALUATION_SEED) -> dict[str, Any]:
    """Measures what a model without codes of its test images says of itself.

    Args:
        model: Answers `score` and `image_scores`; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W), N ≥ 2.
        seed: Of whatever is drawn.

    Returns:
        By name, [mean, standard error] of what each image has, and one number of what they have
        together; `images`, how many they are of; where there is an encoder, the squared error per
        pixel; where there is a likelihood, D of the best constant image.
    """
    each = model.image_scores(images, seed)
    together = model.score(images, seed)
    count = min((len(values) for values in each.values()), default=len(images))
    scores: dict[str, Any] = {"images": count}
    scores |= {name: list(estimate(values)) for name, values in each.items()}
    scores |= {name: value for name, value in together.items() if name not in each}
    config = model.config
    if config.capabilities.has_encoder:
        scores["squared_error_per_pixel"] = squared_error(model, images).mean().item()
    if config.capabilities.has_likelihood:
        constant = collapsed_distortion(images, config.likelihood, config.sigma)
        scores["collapsed_distortion"] = constant
    return scores


def _rates(model: Any, images: Tensor, count: int) -> RateDistortionCurve | None:
    """The test set at many β, of a multi-rate model; `count` is how many codes are stored."""
    if model.config.capabilities.betas != "many":
        return None
    codes = min(count, CODES, MAX_CODES // (POINTS * model.latent_dim))
    return measure_rates(model, images, codes=codes)


def store_scores(path: str | Path, data_dir: str | Path | None = None, device: str = "cpu") -> None:
    """Measures a checkpoint on the test set it was made with and writes the scores into it.

    The weights, and what else the card says, stay as they are; so do the stored means and
    variances of the codes, if the file has them.

    Args:
        path: A checkpoint file.
        data_dir: See `models.data.load.load`.
        device: "cpu", "cuda" or "mps".

    Raises:
        ValueError: If the file is no checkpoint, or the images are not those it was made with.
    """
    checkpoint = read(path)
    card = checkpoint.card
    test_set = load_images(card.config, "test", data_dir)
    if test_set.fingerprint != card.data_fingerprint:
        raise ValueError(
            "the test images must be those that the model was made with, but they have changed: "
            "put them back, or train a model on the new ones"
        )
    x = torch.tensor(test_set.images, device=device)
    found = score_test_set(restore(checkpoint).to(device), x, test_set)
    old, codes = checkpoint.codes, found.codes
    if old is not None and codes is not None:
        codes = replace(old, distortion=codes.distortion)
    card = replace(card, metrics={**card.metrics, **found.metrics})
    write(path, card, checkpoint.weights, codes, found.rates)
