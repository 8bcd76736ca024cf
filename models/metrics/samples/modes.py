"""Mode collapse: whether a model draws all kinds of images, and what that verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from models.metrics.samples.scores import Score

COLLAPSED, NARROW, VARIED = "collapsed", "narrow", "varied"
SAME = 0.25
"""Variance within a class, as a share of the real one, below which images of it are all alike."""
ALIKE = 0.8
"""Such a share below which they differ less than real ones."""
FEW = 0.1
"""Recall, and different images, as shares of what real images have: below both, few are drawn."""
HALF = 0.5
"""Recall as a share of the real one, below which much is left out."""


class Modes(NamedTuple):
    """The verdict, `COLLAPSED`, `NARROW` or `VARIED`, and its evidence in one sentence, without a
    full stop."""

    verdict: str
    evidence: str


def diagnose(scores: Mapping[str, Score], count: int) -> Modes:
    """Judges whether a model has collapsed onto some kinds of images.

    It has if it misses a class that as many real images show, if images of a class are all alike,
    or, where classes are not known, if it covers hardly any real image with few different ones. It
    is narrow if it covers less than half of what real images cover, or its images of a class differ
    clearly less than real ones. Every limit must lie outside the interval.

    Args:
        scores: Of `models.metrics.samples.scores.sample_scores`.
        count: n, images compared.

    Raises:
        ValueError: If a score that it needs is not there.

    Example:
        >>> none = math.nan
        >>> found = {"pixels.recall": Score(0.0, 0.01, 0.9, 0.02)}
        >>> found |= {"twins": Score(9999.0, none, 0.0, none)}
        >>> found |= {"support_at_least": Score(12.0, none, 41_000.0, none)}
        >>> diagnose(found, 500).verdict
        'collapsed'
    """
    space = "judge" if "judge.recall" in scores else "pixels"
    needed = (f"{space}.recall", "twins", "support_at_least")
    if missing := [name for name in needed if name not in scores]:
        raise ValueError(f"scores must hold {missing[0]}, got {', '.join(scores) or 'none'}")
    recall, variance = scores[f"{space}.recall"], scores.get("class_variance")
    evidence = "; ".join(filter(None, (_classes(scores), _covered(recall), _alike(scores, count))))
    if _is_collapsed(scores, recall, variance, count):
        return Modes(COLLAPSED, evidence)
    is_narrow = _is_below(recall, HALF * recall.floor) or (
        variance is not None and _is_below(variance, ALIKE * variance.floor)
    )
    return Modes(NARROW if is_narrow else VARIED, evidence)


def _is_below(score: Score, limit: float) -> bool:
    """Whether the whole interval is."""
    return score.value + (score.half if math.isfinite(score.half) else 0.0) < limit


def _is_collapsed(
    scores: Mapping[str, Score], recall: Score, variance: Score | None, count: int
) -> bool:
    classes = scores.get("classes")
    if classes is None or variance is None:
        few = scores["support_at_least"].value < FEW * count
        return few and _is_below(recall, FEW * recall.floor)
    return classes.value < classes.floor or _is_below(variance, SAME * variance.floor)


def _classes(scores: Mapping[str, Score]) -> str:
    if "classes" not in scores:
        return ""
    classes, divergence = scores["classes"], scores["class_divergence"]
    verb = "is" if round(classes.value) == 1 else "are"
    return (
        f"{classes.value:.0f} of {classes.floor:.0f} classes {verb} drawn, "
        f"{_number(divergence)} nats from the real frequencies "
        f"(real images: {divergence.floor:z.2f})"
    )


def _covered(recall: Score) -> str:
    return f"the share of real images covered is {_number(recall)} ({recall.floor:z.2f})"


def _alike(scores: Mapping[str, Score], count: int) -> str:
    twins, pairs = scores["twins"], count * (count - 1) // 2
    text = (
        f"{twins.value:,.0f} of {pairs:,} pairs of images are nearly the same ({twins.floor:,.0f})"
    )
    if twins.value:
        turns = pairs / twins.value
        text += (
            f", as many as if only about {turns:,.0f} images took turns"
            if turns >= 1.5
            else ", as if one image were drawn again and again"
        )
    if "class_variance" in scores:
        variance = scores["class_variance"]
        text += f"; images of a class differ {100 * variance.value:z.0f} % as much as real ones do"
    return text


def _number(score: Score) -> str:
    return f"{score.value:z.2f} ± {score.half:.2f}"
