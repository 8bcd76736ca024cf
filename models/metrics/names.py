"""What the scores and loss terms of all families are called, and their units.

A family reports numbers by name; here every name has its symbol for people and its unit. A name
that is not listed is a cost in nats per image. This module imports nothing but the standard
library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

NATS = "nats/image"


class ScoreName(NamedTuple):
    """How a score is shown: `symbol`, short; `meaning`, a phrase; `unit`, empty if it has none."""

    symbol: str
    meaning: str
    unit: str = NATS


SCORE_NAMES = {
    "distortion": ScoreName("D", "distortion"),
    "rate": ScoreName("R", "rate"),
    "negative_elbo": ScoreName("-ELBO", "negative ELBO"),
    "negative_bound": ScoreName("-bound", "bound on −ln P(x) of grey levels"),
    "noise_error": ScoreName("error of ε̂", "mean squared error of the noise that is guessed", ""),
    "commitment": ScoreName("commitment", "squared distance of vectors to their codes", ""),
    "discriminator": ScoreName("L of D", "loss of the discriminator"),
    "generator": ScoreName("L of G", "loss of the generator"),
    "real_score": ScoreName("D(real)", "probability that a real image is taken for real", ""),
    "fake_score": ScoreName("D(fake)", "probability that a new image is taken for real", ""),
    "coverage": ScoreName("covered", "share of test images with a new image among them", ""),
    "perplexity": ScoreName("perplexity", "codes that seem to be used, if equally often", "codes"),
    "codes_in_use": ScoreName("in use", "codes that a test image uses", "codes"),
}


def score_name(name: str) -> ScoreName:
    """Finds how a score is shown.

    Example:
        >>> score_name("distortion").symbol, score_name("codes_in_use").unit
        ('D', 'codes')
        >>> score_name("surprise")
        ScoreName(symbol='surprise', meaning='surprise', unit='nats/image')
    """
    words = name.replace("_", " ")
    return SCORE_NAMES.get(name, ScoreName(words, words))


def with_elbo(scores: Mapping[str, Any], has_rate: bool = True) -> dict[str, Any]:
    """Puts D, R and their sum first, and leaves out lists and an R that a family does not have.

    Args:
        scores: By name: numbers, arrays of one number an epoch, or lists of one number a latent.
        has_rate: Of the family.

    Example:
        >>> with_elbo({"perplexity": 3.0, "rate": 1.0, "distortion": 2.0, "kl": [1.0]})
        {'distortion': 2.0, 'rate': 1.0, 'negative_elbo': 3.0, 'perplexity': 3.0}
        >>> with_elbo({"distortion": 2.0, "rate": 0.0}, has_rate=False)
        {'distortion': 2.0}
    """
    left = {name: value for name, value in scores.items() if not isinstance(value, list)}
    if not has_rate:
        left.pop("rate", None)
    first = {name: left.pop(name) for name in ("distortion", "rate") if name in left}
    if len(first) == 2:
        first["negative_elbo"] = first["distortion"] + first["rate"]
    return first | left


def in_words(scores: Mapping[str, float], separator: str = "  ") -> str:
    """Writes scores one after the other, a unit after the last one that has it.

    Example:
        >>> in_words({"distortion": 20.0, "rate": 3.14159, "perplexity": 22.7})
        'D 20.00  R 3.14 nats/image  perplexity 22.70 codes'
    """
    parts: list[str] = []
    units = [score_name(name).unit for name in scores]
    for (name, value), unit, following in zip(scores.items(), units, [*units[1:], ""], strict=True):
        is_last = unit and unit != following
        parts.append(f"{score_name(name).symbol} {value:z.2f}{f' {unit}' * bool(is_last)}")
    return separator.join(parts)
