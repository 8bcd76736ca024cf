"""What the scores and loss terms of all families are called, and their units.

A family reports numbers by name; here every name has its symbol for people and its unit. A name
that is not listed is a cost in nats per image. This module imports nothing but the standard
library.
"""

from __future__ import annotations

from typing import NamedTuple

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


def in_words(scores: dict[str, float], digits: int = 2) -> str:
    """Writes scores one after the other, with their units.

    Example:
        >>> in_words({"distortion": 20.0, "rate": 3.14159, "perplexity": 22.7})
        'D 20.00  R 3.14 nats/image  perplexity 22.70 codes'
    """
    parts: list[str] = []
    units = [score_name(name).unit for name in scores]
    for (name, value), unit, following in zip(scores.items(), units, [*units[1:], ""], strict=True):
        is_last = unit and unit != following
        parts.append(f"{score_name(name).symbol} {value:z.{digits}f}{f' {unit}' * bool(is_last)}")
    return "  ".join(parts)
