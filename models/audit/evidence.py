"""What an audit measures, once: the numbers behind every check."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from models.audit.subject import Subject
from models.devices import device_of
from models.metrics.collapse import Diagnosis, diagnose
from models.metrics.effective_beta import effective_beta
from models.metrics.information import Information, information
from models.metrics.latent_use import LatentUse, latent_use
from models.metrics.likelihood import collapsed_distortion, elbo, entropy_floor
from models.metrics.population import Population, population_information
from models.metrics.reconstruction import squared_error
from models.metrics.statistics import Estimate, estimate
from models.objectives.elbo import Terms
from models.runs.verdict import verdict
from models.theory.collapse_threshold import (
    PREDICTABLE,
    PopulationThreshold,
    collapse_threshold,
    population_threshold,
)

CODES = 2000
"""Test images (the first) behind what compares all codes with all, or decodes many times."""
FEWEST = 10
"""Images that an audit needs."""
SAMPLES = 500
"""Samples of the prior that are decoded."""
Report = Callable[[str], object]


class Response(NamedTuple):
    """How much decoded samples of the prior differ, as a share of what the images do."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Evidence:
    """The measurements of one model; nats per image unless noted.

    Attributes:
        images: N.
        pixels: d, numbers of an image.
        latents: Z.
        distortion: D.
        rate: R; None for an autoencoder, as all that follows from a posterior.
        negative_elbo: −ELBO with weight 1.
        squared_error: Of the reconstruction from μ, squared grey levels per pixel.
        constant: D of the best constant image.
        floor: Below which no D can be; None of a density.
        wrong: What `models.runs.verdict` says against it; empty if nothing.
        diagnosis: Whether the posterior has collapsed.
        response: Of the decoder to the prior.
        beta: The β that the posteriors answer to; None where nothing can be told.
        threshold: β*, of the population these images are a sample of; None where none is known.
        ceiling: β* of these very images.
        use: Every latent.
        information: Of the codes.
        population: Bounds on what they say of the model; None of too few.
    """

    images: int
    pixels: int
    latents: int
    distortion: Estimate
    squared_error: Estimate
    constant: float
    floor: float | None
    wrong: str
    rate: Estimate | None = None
    negative_elbo: Estimate | None = None
    diagnosis: Diagnosis | None = None
    response: Response | None = None
    beta: Estimate | None = None
    threshold: PopulationThreshold | None = None
    ceiling: float | None = None
    use: tuple[LatentUse, ...] = ()
    information: Information | None = None
    population: Population | None = None


def measure(subject: Subject, report: Report = lambda _what: None) -> Evidence:
    """Measures all that the checks of an audit need.

    Args:
        subject: The model, with at least `FEWEST` images.
        report: Told what is being measured.

    Raises:
        ValueError: If there are fewer images.

    Example:
        >>> from models.audit.subject import stored_model
        >>> from pathlib import Path
        >>> shipped = Path(__file__).parents[2] / "checkpoints"
        >>> measure(stored_model(shipped / "digits-autoencoder.safetensors")).rate is None
        True
    """
    x = torch.tensor(subject.images.images, device=device_of(subject.model))
    if len(x) < FEWEST:
        raise ValueError(f"an audit needs at least {FEWEST} test images, got {len(x)}")
    report("D and R")
    terms = elbo(subject.model, x, batch_size=256)
    config = subject.config.model
    constant = collapsed_distortion(x, config.likelihood, config.sigma)
    is_density = config.likelihood_properties.is_density
    found = Evidence(
        images=len(x),
        pixels=math.prod(config.image_shape),
        latents=config.latent_dim,
        distortion=estimate(terms.distortion),
        squared_error=estimate(squared_error(subject.model, x, 256)),
        constant=constant,
        floor=None if is_density else entropy_floor(x),
        wrong=_verdict(subject, terms, constant),
    )
    return (
        found if terms.log_variance is None else _with_posterior(found, subject, terms, x, report)
    )


def _verdict(subject: Subject, terms: Terms, constant: float) -> str:
    scores = {
        "distortion": list(estimate(terms.distortion)),
        "rate": list(estimate(terms.rate.sum(1))),
        "collapsed_distortion": constant,
    }
    return verdict(replace(subject.card, metrics=scores))


def _with_posterior(
    found: Evidence, subject: Subject, terms: Terms, x: Tensor, report: Report
) -> Evidence:
    """The same with what a VAE's posterior tells."""
    few, model = x[:CODES], subject.model
    codes = terms.mean[:CODES], terms.log_variance[:CODES]
    report("collapse")
    diagnosis = diagnose(terms.mean, terms.log_variance, model.decode, x, SAMPLES)
    report("β of the posteriors")
    beta = effective_beta(model, few)
    report("latents")
    use = tuple(latent_use(model, few))
    report("information")
    threshold, ceiling = _threshold(subject)
    rate = terms.rate.double().sum(1)
    return replace(
        found,
        rate=estimate(rate),
        negative_elbo=estimate(terms.distortion + rate),
        diagnosis=diagnosis,
        response=_response(model, x),
        beta=beta,
        use=use,
        threshold=threshold,
        ceiling=ceiling,
        information=information(*codes),
        population=population_information(*codes) if len(codes[0]) >= 20 else None,
    )


def _threshold(subject: Subject) -> tuple[PopulationThreshold | None, float | None]:
    """β* from the images of the audit: with its error, and of these images alone."""
    config = subject.config
    if config.model.likelihood not in PREDICTABLE:
        return None, None
    given = subject.images.images, config.model.likelihood, subject.threshold_sigma
    binarize = config.training.binarize
    found = population_threshold(*given, binarize)
    return (found if found.reliable else None), collapse_threshold(*given, binarize).beta


@torch.no_grad()
def _response(model, images: Tensor) -> Response:
    """Mean distances from the mean image, decoded samples against images: their ratio."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(SAMPLES, model.latent_dim, generator=generator).to(images.device)
    decoded = model.decode(z)
    parts = [_distances(decoded), _distances(images)]
    (mine, error), (theirs, their_error) = (estimate(part) for part in parts)
    if theirs == 0:
        return Response(0.0, 0.0)
    share = mine / theirs
    relative = math.hypot(error / mine if mine else 0.0, their_error / theirs)
    return Response(share, share * relative)


def _distances(images: Tensor) -> Tensor:
    """Of every image from the mean image, per pixel."""
    flat = images.flatten(1).cpu().double()
    return (flat - flat.mean(0)).square().mean(1).sqrt()
