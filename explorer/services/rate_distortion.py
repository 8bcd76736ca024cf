"""What the trade-off shows: runs in the rate–distortion plane, and whether they have converged.

Knows no Streamlit. Runs are compared only on the same test images under the same likelihood;
every score has weight 1, whatever β was in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.config import RunConfig
from models.metrics.statistics import t_interval
from models.runs.comparison import without
from models.storage.checkpoint import Checkpoint
from models.sweeps.convergence import SlopeBounds, slope_bounds


class Point(NamedTuple):
    """A run in the plane: its id, title, β, mean D and R with standard errors, in nats."""

    id: str
    title: str
    beta: float
    distortion: float
    distortion_error: float
    rate: float
    rate_error: float


class Seeds(NamedTuple):
    """Runs that differ in their seed alone: β, mean D and R with 95 % half-intervals."""

    beta: float
    count: int
    distortion: float
    distortion_half: float
    rate: float
    rate_half: float


def group_of(checkpoint: Checkpoint) -> tuple[str, str, float]:
    """What must be equal for D to be comparable: test images, likelihood, and its σ if given."""
    model = checkpoint.card.config.model
    sigma = model.sigma if model.likelihood_properties.sigma == "fixed" else 0.0
    return checkpoint.card.data_fingerprint, model.likelihood, sigma


def is_estimate(value: object) -> bool:
    """Whether it is a mean with its standard error, as a card holds them.

    Example:
        >>> is_estimate([20.0, 0.2]), is_estimate([20.0]), is_estimate(None)
        (True, False, False)
    """
    match value:
        case [int() | float(), int() | float() as error]:
            return error >= 0
    return False


def has_rate(checkpoint: Checkpoint) -> bool:
    """Whether it is a VAE of one β with scores."""
    card = checkpoint.card
    scored = all(is_estimate(card.metrics.get(name)) for name in ("distortion", "rate"))
    return scored and card.config.model.capabilities.betas == "one"


def point(name: str, checkpoint: Checkpoint) -> Point:
    """Makes the point of a scored VAE."""
    card = checkpoint.card
    distortion, rate = card.metrics["distortion"], card.metrics["rate"]
    return Point(name, card.title, card.config.objective.beta, *distortion, *rate)


def series(checkpoints: Mapping[str, Checkpoint]) -> list[list[str]]:
    """Groups ids of runs that differ in β and seed alone, two or more of each, by rising β.

    A run that was changed while it was trained has no single β: it is in no series.

    Example:
        >>> series({})
        []
    """
    groups: dict[RunConfig, list[str]] = {}
    for name, checkpoint in checkpoints.items():
        card = checkpoint.card
        if not card.changes:
            groups.setdefault(without(card.config, "beta", "seed", "threads"), []).append(name)
    beta = {name: c.card.config.objective.beta for name, c in checkpoints.items()}
    return [sorted(names, key=beta.__getitem__) for names in groups.values() if len(names) > 1]


def seeds(checkpoints: Mapping[str, Checkpoint]) -> list[Seeds]:
    """Averages over the seeds, wherever runs differ in nothing else.

    Example:
        >>> seeds({})
        []
    """
    means = []
    for names in series(checkpoints):
        by_beta: dict[float, dict[int, Point]] = {}
        for name in names:
            config = checkpoints[name].card.config
            same = by_beta.setdefault(config.objective.beta, {})
            same[config.training.seed] = point(name, checkpoints[name])
        means += [
            Seeds(
                beta,
                len(same),
                *t_interval([one.distortion for one in same.values()]),
                *t_interval([one.rate for one in same.values()]),
            )
            for beta, same in by_beta.items()
            if len(same) > 1
        ]
    return means


def check(checkpoints: Sequence[Checkpoint]) -> tuple[list[float], SlopeBounds] | None:
    """Checks β_i ≤ −ΔD/ΔR ≤ β_{i+1} over one run of each β; None for fewer than two.

    Scored on the test images that the checkpoints carry, with the same noise for all. The
    theorem is about what training minimised, so overfitting can violate it too.
    """
    by_beta = {one.card.config.objective.beta: one for one in reversed(checkpoints)}
    betas = sorted(by_beta)
    if len(betas) < 2:
        return None
    codes = [by_beta[beta].codes for beta in betas]
    distortion = np.stack([one.distortion for one in codes])
    return betas, slope_bounds(betas, distortion, np.stack([one.rate.sum(1) for one in codes]))


def verdicts(betas: Sequence[float], bounds: SlopeBounds) -> list[str]:
    """Writes a sentence for each pair of neighbours that cannot both be optimal.

    Example:
        >>> bounds = slope_bounds([1.0, 4.0], np.array([10.0, 20.0]), np.array([2.0, 1.0]))
        >>> verdicts([1.0, 4.0], bounds)
        ['β = 1 → 4: −ΔD/ΔR is 10.00, outside 1 to 4: not converged, or overfitted, at β = 4.']
    """
    sentences = []
    for i in np.flatnonzero(~bounds.holds):
        low, high = f"{betas[i]:g}", f"{betas[i + 1]:g}"
        blamed = [f"{betas[j]:g}" for j in (i, i + 1) if bounds.beaten[j]]
        sentences.append(
            f"β = {low} → {high}: −ΔD/ΔR is {bounds.slope[i]:.2f}, outside {low} to {high}: "
            f"not converged, or overfitted, at β = {' and '.join(blamed)}."
        )
    return sentences
