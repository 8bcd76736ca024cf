"""Every score of a set of generated images, each with its interval and its floor.

The floor is the same score of real images: as many, drawn from the training images, in the place
of the generated ones. Both are held against the same real test images, which no model was trained
on. Scores in a space of features have its name before them: `judge.frechet`, `pixels.frechet`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from models.metrics.samples.classes import (
    class_divergence,
    classes_hit,
    divergence_floor,
    within_class_variance,
)
from models.metrics.samples.copies import birthday, closeness, exact_copies, nearest
from models.metrics.samples.frechet import frechet_distance, frechet_infinity
from models.metrics.samples.kernel import kernel_distance
from models.metrics.samples.manifold import density_coverage, precision_recall
from models.metrics.samples.two_sample import judged_images, two_sample_accuracy

GROUPS = 10
"""Parts of the images, each left out once for the interval."""
LEAST_IMAGES = 40
JUDGE, PIXELS = "judge", "pixels"
"""The spaces of features: of a trained classifier, and without labels."""


class Score(NamedTuple):
    """A score, the half-width of its 95 % interval, and both for real images.

    A half-width is NaN where there is none: of counts.
    """

    value: float
    half: float
    floor: float
    floor_half: float


class Described(NamedTuple):
    """Images as the scores see them.

    Attributes:
        spaces: Features by the name of the space, each (n, d).
        pixels: x in [0, 1], (n, D).
        classes: As the judge sees them, (n,); None without a judge.
        confidence: The judge's probability of that class, (n,); None without a judge.
    """

    spaces: Mapping[str, np.ndarray]
    pixels: np.ndarray
    classes: np.ndarray | None = None
    confidence: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, places: np.ndarray) -> Described:
        """The images at these places."""
        spaces = {name: features[places] for name, features in self.spaces.items()}
        parts = (None if part is None else part[places] for part in self[1:])
        return Described(spaces, *parts)


def sample_scores(
    fake: Described,
    test: Described,
    training: Described,
    real_frequencies: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, Score]:
    """Measures generated images against real ones.

    Args:
        fake: Generated images.
        test: Real images that were not trained on: what the others are held against.
        training: All real training images: those of the floor, and of which copies are made.
        real_frequencies: Of the classes, (K,); None without a judge.
        seed: Of everything that is drawn.

    Returns:
        Scores by name. All compare n and n images, the least of the three sets.

    Raises:
        ValueError: If there are fewer than `LEAST_IMAGES` in a set.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> fake, test, training = (
        ...     Described({"pixels": 4 * x}, x) for x in rng.random((3, 60, 5)).clip(0, 1)
        ... )
        >>> scores = sample_scores(fake, test, training)
        >>> scores["pixels.recall"].value > 0.5, scores["copies"].value
        (True, 0.0)
    """
    count = min(map(len, (fake, test, training)))
    if count < LEAST_IMAGES:
        raise ValueError(f"each set must have {LEAST_IMAGES} or more images, got {count}")
    rng = np.random.default_rng(seed)
    fake, test, other = (
        each.take(rng.permutation(len(each))[:count]) for each in (fake, test, training)
    )

    def compared(each: Described, real: Described) -> dict[str, float]:
        return _compared(each, real, real_frequencies, seed)

    found, halves = jackknife(compared, fake, test)
    floor, floor_halves = jackknife(compared, other, test)
    scores = {
        name: Score(found[name], halves[name], floor[name], floor_halves[name]) for name in found
    }
    if real_frequencies is not None:
        least = divergence_floor(len(real_frequencies), count)
        scores["class_divergence"] = scores["class_divergence"]._replace(floor=least)
    return scores | _two_sample(fake, other, test, seed) | _copies(fake, other, test, training)


def _compared(
    fake: Described, real: Described, real_frequencies: np.ndarray | None, seed: int
) -> dict[str, float]:
    """The scores that are smooth enough for an interval by leaving out a part."""
    found = {}
    for name, features in fake.spaces.items():
        pair = (features, real.spaces[name])
        near, dense = precision_recall(*reversed(pair)), density_coverage(*reversed(pair))
        found |= {
            f"{name}.frechet": frechet_distance(*pair),
            f"{name}.frechet_infinity": frechet_infinity(*pair, seed=seed),
            f"{name}.kernel": kernel_distance(*pair),
            **{f"{name}.{key}": value for key, value in (near._asdict() | dense._asdict()).items()},
        }
    if real_frequencies is not None:
        found |= {
            "class_divergence": class_divergence(fake.classes, real_frequencies),
            "confidence": float(fake.confidence.mean()),
            "class_variance": within_class_variance(fake.pixels, fake.classes)
            / within_class_variance(real.pixels, real.classes),
        }
    return found


def jackknife(
    measure: Callable[[Described, Described], Mapping[str, float]],
    fake: Described,
    real: Described,
    groups: int = GROUPS,
) -> tuple[dict[str, float], dict[str, float]]:
    r"""Measures, and finds 95 % intervals by leaving out one of G parts of both sets in turn.

    .. math:: s² = \frac{G-1}{G} \sum_g (θ_{(g)} - \bar θ)², \quad θ ± t_{G-1} s

    A bias that depends on n is the same for all parts and does not widen the interval.

    Args:
        measure: Of two sets, numbers by name.
        fake: n images in random order.
        real: n images in random order.
        groups: G.

    Returns:
        The numbers of the whole sets, and the half-widths of their intervals.

    Source:
        Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 3.

    Example:
        >>> images = Described({}, np.arange(20.0)[:, None])
        >>> values, halves = jackknife(lambda a, b: {"mean": a.pixels.mean()}, images, images)
        >>> float(values["mean"]), halves["mean"] > 0
        (9.5, True)
    """
    from scipy.special import stdtrit

    whole = dict(measure(fake, real))
    part = np.arange(len(fake)) % groups
    kept = [np.flatnonzero(part != group) for group in range(groups)]
    rows = [measure(fake.take(places), real.take(places)) for places in kept]
    quantile = float(stdtrit(groups - 1, 0.975))
    return whole, {
        name: quantile * math.sqrt((groups - 1) * np.var([row[name] for row in rows]))
        for name in whole
    }


def _two_sample(fake: Described, other: Described, test: Described, seed: int) -> dict[str, Score]:
    """Held-out accuracy with binomial intervals."""
    found, judged = {}, judged_images(len(test))
    for name, real in test.spaces.items():
        pairs = []
        for each in (fake, other):
            share = two_sample_accuracy(real, each.spaces[name], seed)
            pairs += [share, 1.96 * math.sqrt(share * (1 - share) / judged)]
        found[f"{name}.two_sample"] = Score(*pairs)
    return found


def _copies(
    fake: Described, other: Described, test: Described, training: Described
) -> dict[str, Score]:
    """Copies of training images, and of each other; and which classes there are."""
    space = PIXELS
    known = training.spaces[space]
    distances = [nearest(each.spaces[space], known) for each in (fake, test)]
    away = (Described({space: row[:, None]}, row[:, None]) for row in distances)
    ratio, half = jackknife(
        lambda a, b: {"closeness": closeness(a.pixels[:, 0], b.pixels[:, 0])}, *away
    )
    twins, real_twins = (birthday(e.spaces[space], test.spaces[space]) for e in (fake, other))
    counts = {
        "copies": (exact_copies(fake.pixels, training.pixels), exact_copies(test.pixels,
                   training.pixels)),
        "twins": (twins.pairs, real_twins.pairs),
        "support_at_least": (twins.at_least, real_twins.at_least),
    }  # fmt: skip
    if fake.classes is not None:
        counts["classes"] = (classes_hit(fake.classes), classes_hit(other.classes))
    scores = {
        name: Score(float(value), math.nan, float(floor), math.nan)
        for name, (value, floor) in counts.items()
    }
    return scores | {"closeness": Score(ratio["closeness"], half["closeness"], 1.0, math.nan)}
