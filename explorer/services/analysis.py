"""What is measured on a model: collapse, information, evidence, and its curve over β.

Every result is kept for all sessions. torch is imported by the first that is asked for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from explorer.assets.every_beta import stored_threshold
from explorer.services import collapse_prediction, data_sets
from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.capabilities import LIKELIHOODS
from models.data.image_set import ImageSet

if TYPE_CHECKING:  # they import torch
    from models.latents.rate_curve import RateDistortionCurve
    from models.metrics.collapse import Diagnosis
    from models.metrics.information import Information
    from models.metrics.population import Population
    from models.metrics.statistics import Estimate
    from models.sweeps.convergence import SlopeBounds
    from models.theory.collapse_threshold import CollapseThreshold

EVIDENCE = 100
"""Test images whose ln p(x) is integrated."""
EVIDENCE_SAMPLES = 1000
"""k of the importance-weighted bound beside it."""
EVIDENCE_DRAWS = 16
"""Draws of z for every image's ELBO."""
COMPARED = 10_000
"""Most codes, the first ones, that are compared all with all: the cost grows with their square."""


@kept_per_model(100, "Looking for collapse…")
def diagnosis(model: LoadedModel) -> Diagnosis:
    """Measures whether a VAE's posterior has collapsed; without the test images, or a
    decoder, what depends on them is NaN."""
    import torch

    from models.metrics.collapse import diagnose

    images = model.test_images
    unknown = np.full((1, *model.card.config.model.image_shape), np.nan, np.float32)
    is_known = images is not None and model.is_whole
    return diagnose(
        *_compared(model),
        model.network.decode if model.is_whole else lambda z: torch.tensor(unknown),
        torch.tensor(images.images if is_known else unknown),
    )


def _compared(model: LoadedModel) -> tuple[Any, Any]:
    """Mean and log-variance of the first codes, tensors: they are compared all with all."""
    import torch

    codes, first = model.codes, slice(COMPARED)
    return torch.tensor(codes.mean[first]), torch.tensor(codes.log_variance[first])


def collapse_threshold(model: LoadedModel) -> CollapseThreshold | None:
    """Predicts at which β the model's training images collapse: from its card, else from the
    images; None where they are not here, or where no prediction is known."""
    if (stored := stored_threshold(model.card)) is not None:
        return stored
    if model.adapted is not None or model.test_images is None:
        return None
    return collapse_prediction.threshold(model.card.config)


def information(model: LoadedModel) -> tuple[Information, bool]:
    """Measures what the codes tell of the images, and whether that is by quadrature: with two
    latents, if they fit a grid."""
    if model.codes.latent_dim == 2:
        with contextlib.suppress(ValueError):  # codes too sharp for a grid
            return _information(model, True), True
    return _information(model, False), False


@kept_per_model(50, "Measuring information…")
def _information(model: LoadedModel, is_exact: bool) -> Information:
    from models.metrics.information import information
    from models.metrics.quadrature import exact_information

    measure = exact_information if is_exact else information
    return measure(*_compared(model))


@kept_per_model(50, "Bounding the model’s information…")
def population(model: LoadedModel) -> Population | None:
    """Bounds what the model tells of images, from the codes; None of fewer than 20."""
    from models.metrics.population import population_information

    with contextlib.suppress(ValueError):
        return population_information(*_compared(model))
    return None


class Evidence(NamedTuple):
    """ELBO, importance-weighted bound and ln p(x) of the same images, means in nats per image.

    `gaps` are ln p(x) less each of the two, paired by image; `error` is the quadrature's own, the
    largest of any image.
    """

    elbo: Estimate
    bound: Estimate
    exact: Estimate
    gaps: tuple[Estimate, Estimate]
    error: float


@kept_per_model(50, "Integrating ln p(x)…")
def evidence(model: LoadedModel) -> Evidence:
    """Measures ELBO, bound and exact ln p(x) of the first binarised test images.

    Raises:
        ValueError: If the codes are not of two dimensions, or too sharp to be integrated.
    """
    import torch

    from models.metrics.likelihood import binarize, elbo, importance_weighted_bound
    from models.metrics.quadrature import exact_log_evidence
    from models.metrics.statistics import estimate

    network = model.network
    images = binarize(torch.tensor(model.test_images.images[:EVIDENCE]))
    terms = elbo(network, images, draws=EVIDENCE_DRAWS)
    low = -terms.distortion - terms.rate.sum(1)
    with torch.inference_mode():
        codes = terms.mean, terms.log_variance
        exact = exact_log_evidence(network.log_likelihood_pairs, images, *codes)
        bound = importance_weighted_bound(network, images, EVIDENCE_SAMPLES)
    value = exact.log_value
    return Evidence(
        elbo=estimate(low),
        bound=estimate(bound),
        exact=estimate(value),
        gaps=(estimate(value - low), estimate(value - bound)),
        error=exact.error.max().item(),
    )


@kept_per_model(20)
def rate_curve(model: LoadedModel) -> RateDistortionCurve | None:
    """Scores a multi-rate model's test set along β; None if not stored and without test images."""
    if model.checkpoint.rates is not None:
        return model.checkpoint.rates
    import torch

    from models.metrics.rate_curve import measure_rates

    images = model.test_images
    if images is None:
        return None
    return measure_rates(model.network, torch.tensor(images.images), images.labels)


@kept_per_model(5, "Comparing neighbours in β…")
def curve_bounds(model: LoadedModel) -> tuple[list[float], SlopeBounds] | None:
    """Checks β ≤ −ΔD/ΔR ≤ β′ along a multi-rate model's curve; None without test images.

    Image by image, with the same noise at every β, so that the errors are those of differences.
    """
    if model.test_images is None:
        return None
    import torch

    from models.metrics.rate_curve import CODES, measure_codes
    from models.sweeps.convergence import slope_bounds

    codes = measure_codes(model.network, torch.tensor(model.test_images.images[:CODES]))
    betas = codes.betas.tolist()
    return betas, slope_bounds(betas, codes.distortion, codes.rate)


def anchors(model: LoadedModel) -> tuple[float | None, float | None]:
    """Measures D of the best constant image and the floor below every D, nats; None if unknown."""
    images, config = model.test_images, model.card.config.model
    if images is None:
        return None, None
    return _anchors(images, config.likelihood, config.sigma)


@st.cache_resource(
    max_entries=50,
    show_spinner=False,
    hash_funcs={ImageSet: lambda images: images.fingerprint},
)
def _anchors(images: ImageSet, likelihood: str, sigma: float) -> tuple[float, float | None]:
    import torch

    from models.metrics.likelihood import collapsed_distortion, entropy_floor

    pixels = torch.tensor(images.images)
    floor = None if LIKELIHOODS[likelihood].is_density else entropy_floor(pixels)
    return collapsed_distortion(pixels, likelihood, sigma), floor


def eigenvalues(model: LoadedModel) -> np.ndarray | None:
    """Finds those of the covariance of the training images; None where they are not here."""
    if model.test_images is None:
        return None
    return data_sets.covariance_eigenvalues(model.card.config.data)
