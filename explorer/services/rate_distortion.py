"""What the trade-off shows: runs in the rate–distortion plane, and whether they have converged.

Knows no Streamlit. Runs are compared only on the same test images under the same likelihood;
every score has weight 1, whatever β was in training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from explorer.services.catalogue import Entry
from explorer.words import words
from models.config import RunConfig
from models.metrics.statistics import t_interval
from models.runs.comparison import without, without_rounding
from models.storage.card import Card
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


def group_of(card: Card) -> tuple[str, str, float]:
    """What must be equal for D to be comparable: test images, likelihood, and its σ if given."""
    model = card.config.model
    sigma = model.sigma if model.likelihood_properties.sigma == "fixed" else 0.0
    return card.data_fingerprint, model.likelihood, sigma


class Group:
    """Models whose D can be compared; the same object as long as there are the same models.

    Args:
        entries: One or more, by id.
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries
        self.runs = {name: entry for name, entry in entries.items() if has_rate(entry.card)}
        self.curves = {name: entry for name, entry in entries.items() if is_curve(entry.card)}

    @property
    def label(self) -> str:
        """Names the test images and the likelihood."""
        card = next(iter(self.entries.values())).card
        return f"{words(card.data_name)} · {words(card.config.model.likelihood)}"

    @cached_property
    def cards(self) -> dict[str, Card]:
        """The cards of the runs."""
        return {name: entry.card for name, entry in self.runs.items()}

    @cached_property
    def points(self) -> list[Point]:
        """The runs in the plane."""
        return [point(name, card) for name, card in self.cards.items()]

    @cached_property
    def fingerprint(self) -> str:
        """Tells groups with other points apart."""
        return hashlib.blake2b(repr(self.points).encode(), digest_size=16).hexdigest()

    @cached_property
    def series(self) -> list[list[str]]:
        """Series of two or more values of β."""
        found = series(self.cards)
        return [names for names in found if len({self._beta(name) for name in names}) > 1]

    @cached_property
    def has_series(self) -> bool:
        """Whether there may be series: a first look, for finding them takes longer."""
        return len(set(map(self._beta, self.runs))) > 1

    def _beta(self, name: str) -> float:
        return self.runs[name].card.config.objective.beta


def groups(models: Mapping[str, Entry]) -> dict[str, Group]:
    """Groups models, by a name for links; found once for the same mapping."""
    global _last
    known, found = _last
    if known is not models:
        found = _groups(models)
        _last = models, found
    return found


_last: tuple[Mapping[str, Entry], dict[str, Group]] = {}, {}


def _groups(models: Mapping[str, Entry]) -> dict[str, Group]:
    members: dict[tuple, dict[str, Entry]] = {}
    for name, entry in models.items():
        if has_rate(entry.card) or is_curve(entry.card):
            members.setdefault(group_of(entry.card), {})[name] = entry
    return {"-".join(map(str, key)): Group(entries) for key, entries in members.items()}


def is_curve(card: Card) -> bool:
    """Whether it is a model for every β."""
    return card.config.model.capabilities.betas == "many"


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


def has_rate(card: Card) -> bool:
    """Whether it is a VAE of one β with scores."""
    scored = all(is_estimate(card.metrics.get(name)) for name in ("distortion", "rate"))
    return scored and card.config.model.capabilities.betas == "one"


def point(name: str, card: Card) -> Point:
    """Makes the point of a scored VAE."""
    distortion, rate = card.metrics["distortion"], card.metrics["rate"]
    return Point(name, card.title, card.config.objective.beta, *distortion, *rate)


def series(cards: Mapping[str, Card]) -> list[list[str]]:
    """Groups ids of runs that differ in β and seed alone, two or more of each, by rising β.

    A run that was changed while it was trained has no single β: it is in no series.

    Example:
        >>> series({})
        []
    """
    groups: dict[RunConfig, list[str]] = {}
    for name, card in cards.items():
        if not card.changes:
            alike = without(without_rounding(card.config), "beta", "seed")
            groups.setdefault(alike, []).append(name)
    beta = {name: card.config.objective.beta for name, card in cards.items()}
    return [sorted(names, key=beta.__getitem__) for names in groups.values() if len(names) > 1]


def seeds(cards: Mapping[str, Card]) -> list[Seeds]:
    """Averages over the seeds, wherever runs differ in nothing else.

    Example:
        >>> seeds({})
        []
    """
    means = []
    for names in series(cards):
        by_beta: dict[float, dict[int, Point]] = {}
        for name in names:
            config = cards[name].config
            same = by_beta.setdefault(config.objective.beta, {})
            same[config.training.seed] = point(name, cards[name])
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
        low, high = f"{betas[i]:.4g}", f"{betas[i + 1]:.4g}"
        blamed = [f"{betas[j]:.4g}" for j in (i, i + 1) if bounds.beaten[j]]
        sentences.append(
            f"β = {low} → {high}: −ΔD/ΔR is {bounds.slope[i]:z.2f}, outside {low} to {high}: "
            f"not converged, or overfitted, at β = {' and '.join(blamed)}."
        )
    return sentences
