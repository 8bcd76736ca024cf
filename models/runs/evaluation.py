"""A checkpoint's full report on its test set: scores, bound, anchors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models.config import ModelConfig, RunConfig
from models.data.image_set import ImageSet
from models.data.load import load
from models.latents.codes import Codes
from models.metrics.disentanglement.scores import can_be_scored, score_codes
from models.metrics.likelihood import (
    DRAWS,
    EVALUATION_SEED,
    binarize,
    collapsed_distortion,
    elbo,
    entropy_floor,
    importance_weighted_bound,
    summarize,
)
from models.metrics.reconstruction import squared_error
from models.metrics.statistics import estimate
from models.objectives.elbo import Terms
from models.runs.images import load_images
from models.runs.scores import own_scores
from models.runs.verdict import verdict
from models.storage.checkpoint import Checkpoint, read, restore


def evaluate_checkpoint(
    path: str | Path,
    data: str | None = None,
    data_dir: str | Path | None = None,
    samples: int = 0,
    images: int = 500,
    seed: int = EVALUATION_SEED,
    beta: float | None = None,
    draws: int = DRAWS,
    factors: bool = False,
    device: str = "cpu",
) -> dict[str, Any]:
    """Scores a checkpoint on the test set of its data, or of another of the same shape.

    Under a Bernoulli likelihood, D and -ELBO of grey images are means over their random
    binarisation. The importance-weighted bound is computed on the first `images` test images,
    binarised if the likelihood is Bernoulli, beside the -ELBO of those same images. All have the
    sign of -ELBO: less is better.

    Args:
        path: A checkpoint file.
        data: Name or path of the data; None: what the model was trained on.
        data_dir: See `models.data.load.load`.
        samples: k of the bound; 0 leaves it out.
        images: How many test images the bound is computed on.
        seed: Of the noise and of the binarisation.
        beta: At which β to score a multi-rate model; None: 1.
        draws: Samples of z for every image, over which D is averaged.
        factors: Whether to score the codes against the known factors of the images.
        device: "cpu", "cuda" or "mps".

    Returns:
        The scores of `summarize`, the squared error per pixel, the anchors of the data, a
        `verdict` if the model is worse than a constant image and, on request,
        `negative_elbo_same_images`, `negative_iw_bound_k…` and `gain`, by which the second is
        lower, paired by image, each [mean, standard error], nats/image. `scores_are_for` and
        `bound_is_for` name their images. Of a model whose images have no codes: `own_scores`.

    Raises:
        ValueError: If the file is no checkpoint, the data is missing or of another shape, a β is
            given that is outside the model's range, or for a model of one β, or the factors are
            asked for and not known, or they or the bound of a model whose images have no codes.
    """
    checkpoint = read(path)
    config = checkpoint.card.config
    model = _model(checkpoint, beta).to(device)
    test_set = _test_set(config, data, data_dir)
    x = torch.tensor(test_set.images, device=device)
    report = {"model": checkpoint.card.title, "data": f"{test_set.name} test"}
    capabilities = config.model.capabilities
    has_binary = capabilities.has_likelihood and config.model.likelihood_properties.is_binary
    kind = ", grey, under a Bernoulli" if has_binary and not _is_black_and_white(x) else ""
    report["scores_are_for"] = f"all {len(x):,} test images{kind}"
    if capabilities.has_posterior:
        report["draws_of_z"] = draws
    if not capabilities.has_codes:
        _refuse_codes(config.model.family, samples, factors)
        scores = own_scores(model, x, seed)
        if scores["images"] < len(x):
            report["scores_are_for"] = f"the first {scores['images']:,} test images{kind}"
        return report | scores
    terms = elbo(model, x, seed, draws=draws)
    report |= summarize(terms)
    if factors:
        report |= _factor_scores(terms, test_set)
    report["squared_error_per_pixel"] = squared_error(model, x).mean().item()
    report |= _anchors(config.model, x)
    if found := verdict(replace(checkpoint.card, metrics=report)):
        report["verdict"] = found
    if samples and capabilities.has_posterior:
        report |= _bound(model, x[:images], samples, seed, has_binary, draws)
    return report


def _model(checkpoint: Checkpoint, beta: float | None) -> Any:
    """The network of a checkpoint; of a multi-rate model, at a β."""
    model, settings = restore(checkpoint), checkpoint.card.config.model
    if beta is None:
        return model
    if settings.capabilities.betas != "many":
        raise ValueError(f"beta can be chosen for a multirate model, got {settings.family}")
    return model.at(beta)


def _test_set(config: RunConfig, data: str | None, data_dir: str | Path | None) -> ImageSet:
    """The test images of the model's data or of another set, in the model's shape."""
    if data is None:
        found = load_images(config, "test", data_dir, "give --data")
    else:
        found = load(data, "test", data_dir)
    shape = found.images.shape[1:]
    if shape != config.model.image_shape:
        raise ValueError(
            f"the images must have the model's shape {config.model.image_shape}, got {shape}"
        )
    return found


def _anchors(model: ModelConfig, x: torch.Tensor) -> dict[str, float]:
    """What the best constant image and a perfect reconstruction cost, in nats per image."""
    return {
        "collapsed_distortion": collapsed_distortion(x, model.likelihood, model.sigma),
        "entropy_floor": entropy_floor(x, model.likelihood, model.sigma),
    }


def _refuse_codes(family: str, samples: int, factors: bool) -> None:
    """Raises ValueError where a score is asked for that needs a code z of every image."""
    for asked, name in ((samples, "samples"), (factors, "factors")):
        if asked:
            raise ValueError(
                f"{name} must be left out for a model of family {family}, whose images have no "
                "codes z"
            )


def _factor_scores(terms: Terms, images: ImageSet) -> dict[str, Any]:
    """Scores of the codes against the factors, and what these are called.

    Raises:
        ValueError: If they are not known, or too few of them vary.
    """
    spread = None if terms.log_variance is None else terms.log_variance.numpy()
    codes = Codes(
        terms.mean.numpy(), spread, terms.distortion.numpy(), images.labels, images.factors
    )
    if not can_be_scored(codes):
        raise ValueError(
            "factors must be known of at least 50 test images, two of them varying, as those of "
            f"sprites or of an .npz with factors, got {images.name} without"
        )
    return {"factors": ", ".join(images.factor_names)} | score_codes(codes)


def _is_black_and_white(images: torch.Tensor) -> bool:
    return bool(((images == 0) | (images == 1)).all())


def _bound(
    model: Any, images: torch.Tensor, samples: int, seed: int, is_binary: bool, draws: int
) -> dict[str, Any]:
    """-ELBO and the importance-weighted bound of the same images, both as costs."""
    x = binarize(images, seed).to(images.device) if is_binary else images
    how = f", binarised with seed {seed}" if is_binary else ""
    terms = elbo(model, x, seed, draws=draws)
    total = terms.distortion + terms.rate.sum(1)
    bound = -importance_weighted_bound(model, x, samples, seed)
    return {
        "bound_is_for": f"the first {len(x):,} test images{how}",
        "negative_elbo_same_images": list(estimate(total)),
        f"negative_iw_bound_k{samples}": list(estimate(bound)),
        "gain": list(estimate(total - bound)),
    }
