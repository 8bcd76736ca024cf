"""What the lessons measure: results that ship, results of other seeds, and what is measured while
one waits; each computed once for everyone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from explorer import state
from explorer.jobs.shared_work import Progress
from explorer.services import analysis, job_queue, permissions
from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.lessons import check, experiments
from models.lessons.check import FROM_LESSONS, Asked, Question
from models.lessons.measurement import Measurement
from models.lessons.table import LESSONS

if TYPE_CHECKING:  # they import torch
    from models.metrics.statistics import Estimate
    from models.theory.bounds import BoundEstimate
    from models.theory.gradient_estimators import Averages

REPEATS = 5000
"""How often a gradient is estimated, to see the spread."""
FARTHEST = 6.0
"""Of μ and σ in the curve of the KL, in prior standard deviations."""
SCORED = 1000
"""Most test images that are scored while a user waits."""
WEIGHTS = 10_000
"""Samples of z behind bounds of one image."""


AGAIN = 3
"""Seeds of an experiment that is run again."""


def seeds_from(first: int) -> tuple[int, ...]:
    """The seeds of an experiment that is run again, from the first one."""
    return tuple(range(first, first + AGAIN))


def measured(name: str, first_seed: int | None) -> Measurement | None:
    """Finds the result of an experiment that ships, or that of other seeds; None if there is none.

    Args:
        name: Of the experiment.
        first_seed: Of those seeds; None: what ships.
    """
    if first_seed is None:
        path = experiments.SHIPPED / f"{name}.json"
    else:
        path = job_queue.measurements().path(name, seeds_from(first_seed))
    try:
        return _measurement(str(path), path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@functools.lru_cache(100)
def _measurement(path: str, changed: int) -> Measurement:
    return Measurement.read(Path(path))


_starters: dict[tuple[str, int], str] = {}
"""Who started an experiment with these seeds."""


def run_again(name: str, first_seed: int) -> bool:
    """Starts an experiment with other seeds; returns whether there was room for it.

    Raises:
        NotAllowed: If this session may start nothing.
    """
    permissions.check_new()
    is_started = job_queue.measurements().start(name, seeds_from(first_seed))
    if is_started:
        _starters.setdefault((name, first_seed), permissions.owner())
    return is_started


def may_cancel(name: str, first_seed: int) -> bool:
    """Whether this session may end an experiment: it started it, or is the teacher's."""
    return permissions.may_change(_starters.get((name, first_seed), permissions.TEACHER))


def cancel(name: str, first_seed: int) -> None:
    """Ends an experiment.

    Raises:
        NotAllowed: If somebody else started it.
    """
    permissions.check(_starters.get((name, first_seed), permissions.TEACHER))
    job_queue.measurements().cancel(name, seeds_from(first_seed))
    _starters.pop((name, first_seed), None)


def progress(name: str, first_seed: int) -> Progress | None:
    """How far an experiment is; None where it was not started."""
    return job_queue.measurements().get(name, seeds_from(first_seed))


@st.cache_data(max_entries=500, show_spinner=False)
def coin(chance: float, belief: float, tosses: int, seed: int) -> Measurement:
    """Runs the experiment of the coin."""
    from models.lessons.measure import instant

    return instant.coin(chance, belief, tosses, seed)


@st.cache_data(max_entries=100, show_spinner=False)
def loss(pixels: int, latents: int, batch: int, threshold: float | None) -> Measurement:
    """Computes what the loss of the lesson on reductions is."""
    from models.lessons.measure import instant

    return instant.loss(pixels, latents, batch, threshold)


@st.cache_data(max_entries=100, show_spinner=False)
def noise(count: int, seed: int) -> dict[str, np.ndarray]:
    """Draws numbers in three ways."""
    from models.lessons.measure.learning import noise_of

    return noise_of(count, seed)


@kept_per_model(100, "Measuring…")
def terms(model: LoadedModel, point: int, seed: int) -> Measurement:
    """Measures the terms of a test image that is on this machine."""
    from models.lessons.measure import instant

    return instant.terms(model.network, _image(model, point, seed), seed)


@kept_per_model(100, "Measuring…")
def forces(model: LoadedModel, seed: int) -> Measurement:
    """Measures the forces on the codes of the test images."""
    from models.lessons.measure import instant

    return instant.forces(model.network, _images(model, slice(instant.FORCED), seed), seed)


@kept_per_model(100, "Measuring…")
def test_time(model: LoadedModel, seed: int) -> Measurement:
    """Measures D of the test images with z sampled and with z = μ."""
    from models.lessons.measure import instant

    return instant.test_time(model.network, _images(model, slice(SCORED), seed), seed)


def codes_of(model: LoadedModel, count: int, seed: int, draws: int = 2) -> np.ndarray:
    """Draws codes from q(z|x) of the first test images, shape (draws, count, Z)."""
    mean, log_variance = model.codes.mean[:count], model.codes.log_variance[:count]
    noise = np.random.default_rng(seed).standard_normal((draws, *mean.shape))
    return mean + np.exp(0.5 * log_variance) * noise


def kl_by_parameter() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Computes the KL to N(0, 1), in nats, over μ with σ = 1, and over σ with μ = 0."""
    import torch

    from models.objectives.distributions import gaussian_kl

    grid = torch.linspace(0.02, FARTHEST, 300, dtype=torch.float64)
    zero = torch.zeros_like(grid)
    rows = {
        "over μ, with σ = 1": gaussian_kl(grid, zero),
        "over σ, with μ = 0": gaussian_kl(zero, 2 * grid.log()),
    }
    return grid.numpy(), {name: row.numpy() for name, row in rows.items()}


@kept_per_model(100, "Measuring…")
def steps(model: LoadedModel, seed: int) -> Measurement:
    """Measures how much a picture changes with another z, and with another x."""
    from models.lessons.measure import instant

    return instant.steps(model.network, seed)


@kept_per_model(100, "Sampling…")
def bound(model: LoadedModel, point: int, counts: tuple[int, ...], seed: int) -> Measurement:
    """Measures both estimates of ln p(x) of one test image, again and again."""
    import torch

    from models.lessons.measure import instant

    image = _image(model, point, seed)
    with torch.inference_mode():
        evidence = _log_evidence(model, image)
    return instant.bounds(model.network, image, counts, seed, evidence and evidence[0])


def _image(model: LoadedModel, point: int, seed: int) -> Any:
    """One test image, binary where the likelihood asks for it, shape (1, C, H, W)."""
    return _images(model, slice(point, point + 1), seed)


def _images(model: LoadedModel, which: slice, seed: int) -> Any:
    """Test images, binary where the likelihood asks for it."""
    import torch

    from models.metrics.likelihood import binarize

    images = torch.tensor(model.test_images.images[which])
    is_binary = model.card.config.model.likelihood_properties.is_binary
    return binarize(images, seed) if is_binary else images


def questions(model: LoadedModel) -> list[Question]:
    """Asks ten questions about a VAE of one β with scores."""
    found = {}
    for id in FROM_LESSONS:
        measurement = measured(LESSONS[id].experiment, None)
        if measurement is not None:
            found[id] = measurement
    threshold = analysis.collapse_threshold(model)
    beta = None if threshold is None else threshold.beta
    asked = Asked(model.card, model.codes, beta, found)
    return check.questions(asked, int(model.checkpoint.fingerprint[:8], 16))


class Divergences(NamedTuple):
    """q and p as densities over z; KL(q ‖ p) and KL(p ‖ q) in nats on a grid of σ, at one, there
    also by samples."""

    z: np.ndarray
    densities: tuple[np.ndarray, np.ndarray]
    grid: np.ndarray
    curves: tuple[np.ndarray, np.ndarray]
    exact: tuple[float, float]
    sampled: tuple[Estimate, Estimate]


@st.cache_data(max_entries=500, show_spinner=False)
def divergences(mean: float, deviation: float, samples: int, seed: int) -> Divergences:
    """Runs the experiment of `models.theory.divergences`."""
    import torch

    from models.objectives.distributions import normal_log_prob
    from models.theory.divergences import kl_both_ways, sampled_kl

    grid = torch.linspace(*state.LIMITS["deviation"], 291, dtype=torch.float64)
    z = torch.linspace(-6, 6, 601, dtype=torch.float64)
    here, at = torch.tensor([deviation, mean], dtype=torch.float64)
    logs = normal_log_prob(z, at, 2 * here.log()), normal_log_prob(z, 0.0, 0.0)
    return Divergences(
        z.numpy(),
        tuple(log.exp().numpy() for log in logs),
        grid.numpy(),
        tuple(curve.numpy() for curve in kl_both_ways(at, grid)),
        tuple(value.item() for value in kl_both_ways(at, here)),
        sampled_kl(mean, deviation, samples, seed),
    )


class Gradients(NamedTuple):
    """One gradient, its estimators over several n, and the variances of single estimates."""

    exact: float
    measured: dict[str, Averages]
    variances: dict[str, float]


@st.cache_data(max_entries=500, show_spinner=False)
def gradients(
    mean: float, deviation: float, target: float, by: str, counts: tuple[int, ...], seed: int
) -> Gradients:
    """Runs the experiment of `models.theory.gradient_estimators`."""
    from models.theory.gradient_estimators import gradient_study, gradient_variances, loss_gradient

    return Gradients(
        loss_gradient(mean, deviation, target)[by],
        gradient_study(mean, deviation, target, by, counts, REPEATS, seed),
        gradient_variances(mean, deviation, target, by),
    )


class Bounds(NamedTuple):
    """Bounds of ln p(x) of one image (1, C, H, W), binary under a Bernoulli likelihood.

    `evidence` is ln p(x) in nats with the error of its quadrature, None where it cannot be
    integrated.
    """

    image: np.ndarray
    estimates: list[BoundEstimate]
    evidence: tuple[float, float] | None


@kept_per_model(100, "Sampling…")
def bounds(model: LoadedModel, point: int, counts: tuple[int, ...], seed: int) -> Bounds:
    """Runs the experiment of `models.theory.bounds`, on a test image that is on this machine."""
    import torch

    from models.metrics.likelihood import importance_weighted_bound
    from models.theory.bounds import bound_ladder

    image = _image(model, point, seed)
    with torch.inference_mode():
        repeated = image.expand(WEIGHTS, -1, -1, -1)
        weights = importance_weighted_bound(model.network, repeated, samples=1, seed=seed)
        evidence = _log_evidence(model, image)
    return Bounds(image.numpy(), bound_ladder(weights, counts), evidence)


def _log_evidence(model: LoadedModel, image: Any) -> tuple[float, float] | None:
    """ln p(x) by quadrature with the error of that; None in other than two dimensions."""
    from models.metrics.quadrature import exact_log_evidence

    network = model.network
    try:
        found = exact_log_evidence(network.log_likelihood_pairs, image, *network.encode(image))
    except ValueError:
        return None
    return found.log_value.item(), found.error.item()
