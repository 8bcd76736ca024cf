"""The experiments with known answers, computed once for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from explorer import state
from explorer.services.loaded_model import LoadedModel, kept_per_model

if TYPE_CHECKING:  # they import torch
    from models.metrics.statistics import Estimate
    from models.theory.bounds import BoundEstimate
    from models.theory.gradient_estimators import Averages

REPEATS = 5000
"""How often a gradient is estimated, to see the spread."""
WEIGHTS = 10_000
"""Samples of z behind bounds of one image."""


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

    from models.metrics.likelihood import binarize, importance_weighted_bound
    from models.theory.bounds import bound_ladder

    image = torch.tensor(model.test_images.images[point : point + 1])
    if model.card.config.model.likelihood_properties.is_binary:
        image = binarize(image, seed)
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
