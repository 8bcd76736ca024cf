"""Whether β changes a score: the difference from β = 1 beside the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.metrics.statistics import t_interval


class BetaEffect(NamedTuple):
    """What a sweep of β with seeds says of a score.

    Attributes:
        reference: The β to compare with: 1, or the one nearest to it.
        best: The other β that is told of, see `beta_effect`.
        difference: Its mean minus that of the reference, paired by seed.
        half: Half the interval of that difference, 95 % for all β that were compared together.
        seeds: Runs of each β.
        share: Of the variance between runs, the part that goes with β, 0 to 1; the rest goes with
            the seed.
        chance: What that share is on average where β does nothing.

    Example:
        >>> beta_effect({1.0: [0.1, 0.2, 0.3], 4.0: [0.6, 0.7, 0.8]}).sign
        1
    """

    reference: float
    best: float
    difference: float
    half: float
    seeds: int
    share: float
    chance: float

    @property
    def sign(self) -> int:
        """1 or -1 if the difference is told from none, else 0."""
        if not math.isfinite(self.half) or abs(self.difference) <= self.half:
            return 0
        return 1 if self.difference > 0 else -1

    def sentence(self, name: str) -> str:
        """Says whether another β helps here, and how sure that is.

        Args:
            name: Of the score.

        Example:
            >>> print(beta_effect({1.0: [0.1, 0.2, 0.3], 4.0: [0.2, 0.2, 0.2]}).sentence("MIG"))
            Nothing shows that another β changes MIG: from β = 1 to β = 4 it changes by +0.000 ± \
0.248 over 3 seeds. Of the variance between runs, 0 % goes with β (by chance about 20 %), the rest \
with the seed.
        """
        if not math.isfinite(self.half):
            return f"One seed cannot tell whether another β changes {name}."
        start = {
            1: f"Another β helps: {name} is higher",
            -1: f"No other β is shown to help, and {name} can be lower",
            0: f"Nothing shows that another β changes {name}",
        }[self.sign]
        return (
            f"{start}: from β = {self.reference:g} to β = {self.best:g} it changes by "
            f"{self.difference:+.3f} ± {self.half:.3f} over {self.seeds} seeds. Of the variance "
            f"between runs, {100 * self.share:.0f} % goes with β (by chance about "
            f"{100 * self.chance:.0f} %), the rest with the seed."
        ).replace("-0.000", "+0.000")


def beta_effect(scores: Mapping[float, Sequence[float]]) -> BetaEffect:
    """Compares the scores of a sweep with those at β = 1.

    Of all other β it is the one with the largest rise that is told from none, else the one with the
    largest such fall, else the one that differs most. Since one of several differences is chosen,
    the interval is widened for all of them (Bonferroni).

    Args:
        scores: One for each seed, in the same order of seeds, by β; at least two β.

    Raises:
        ValueError: If there are fewer than two β, or they have different numbers of seeds.

    Example:
        >>> found = beta_effect({0.5: [0.0, 0.1], 1.0: [0.1, 0.2], 4.0: [0.9, 1.0]})
        >>> found.best, round(found.difference, 3), found.share > 0.9
        (4.0, 0.8, True)
    """
    counts = {len(row) for row in scores.values()}
    if len(scores) < 2 or len(counts) != 1:
        raise ValueError(
            "there must be at least two β with the same seeds, "
            f"got {len(scores)} with {sorted(counts)} seeds"
        )
    reference = min(scores, key=lambda beta: (abs(math.log(max(beta, 1e-9))), beta))
    others = [beta for beta in scores if beta != reference]
    seeds = counts.pop()
    chance = (len(scores) - 1) / max(len(scores) * seeds - 1, 1)
    found = []
    for beta in others:
        pairs = np.subtract(scores[beta], scores[reference]).tolist()
        difference, half = t_interval(pairs, 1 - 0.05 / len(others))
        one = BetaEffect(reference, beta, difference, half, seeds, _share(scores), chance)
        found.append(one)
    return max(found, key=lambda one: (_rank(one), abs(one.difference)))


def _rank(effect: BetaEffect) -> int:
    """A rise that is told from none comes first, then a fall, then what is told from nothing."""
    return {1: 2, -1: 1, 0: 0}[effect.sign]


def _share(scores: Mapping[float, Sequence[float]]) -> float:
    """The variance of the means of each β, over that of all runs."""
    rows = np.array(list(scores.values()), float)
    total = rows.var()
    return float(rows.mean(1).var() / total) if total > 0 else 0.0
