"""The form of a lesson: a question, a prediction, an experiment and a verdict.

A lesson is an entry of a table, not a page: the text holds no measured number, and the verdict is
a function of the measurement alone, true whatever comes out. It needs no torch: what measures is
given as text, `module:function`, and imported when it is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.lessons.measurement import Measurement

MAX_WORDS = 120
"""Words before the experiment."""


class Verdict(NamedTuple):
    """A sentence or two that follow from a measurement, and the choice that they bear out.

    `answer` is the number of the choice, counted from 0, or None where none is borne out.
    """

    sentence: str
    answer: int | None


class Link(NamedTuple):
    """A page of the app with everything set: its label, its address and what its link says."""

    label: str
    page: str
    settings: Mapping[str, str]


class Chart(NamedTuple):
    """What the page draws of a measurement: a quantity, its title with unit, and the axis below.

    `axis` is the title of a numeric axis, or empty where conditions are names; `is_log` is its
    scale. `mark` names the fact that is drawn as a vertical line.
    """

    quantity: str
    title: str
    axis: str = ""
    is_log: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        id: For links.
        question: Its title, in a learner's words.
        text: What one must know before predicting, and what is measured.
        choices: The predictions offered.
        verdict: Measurement → what it says.
        why: The reason, after the verdict; it may hold formulas.
        source: Where to read on.
        touch: Pages to go to, with everything set.
        experiment: `module:function` that measures with seeds, or empty: the page measures at once.
        panel: Name of the part of the page that measures or shows more, or empty.
        charts: What is drawn of the measurement.
        asked: Questions of the public that it answers.
        words: Glossary entries that belong to it.
        images: What it is measured on.
        repeats: What its repeats have in common, where they are not training runs of their own.
    """

    id: str
    question: str
    text: str
    choices: tuple[str, ...]
    verdict: Callable[[Measurement], Verdict]
    why: str
    source: str
    touch: tuple[Link, ...]
    experiment: str = ""
    panel: str = ""
    charts: tuple[Chart, ...] = ()
    asked: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=())
    images: str = "digits"
    repeats: str = ""


def ranked(measurement: Measurement, quantity: str) -> list[str]:
    """Lists the conditions by their mean, largest first.

    Example:
        >>> ranked(Measurement("a", (0,), "seeds", {"x": {"u": (1.0,), "v": (2.0,)}}), "x")
        ['v', 'u']
    """
    return sorted(
        measurement.conditions(quantity),
        key=lambda condition: -measurement.interval(quantity, condition).mean,
    )


def listed(
    measurement: Measurement, quantity: str, unit: str = "", digits: int = 2, percent: bool = False
) -> str:
    """Writes a quantity under every condition, in the order of the table, the unit at the end.

    Example:
        >>> listed(Measurement("a", (0, 1), "seeds", {"x": {"u": (1.0, 1.0)}}), "x", "nats")
        'u: 1.00 ± 0.00 nats'
    """
    parts = []
    for condition in measurement.conditions(quantity):
        found = measurement.interval(quantity, condition)
        if percent:
            found = found._replace(mean=100 * found.mean, half=100 * found.half)
        parts.append(f"{condition}: {found.text(digits=digits)}")
    unit = "%" if percent else unit
    return "; ".join(parts) + (f" {unit}" if unit else "")


def phrase(found: Any, more: str, less: str, same: str) -> str:
    """Chooses a phrase by the sign of an interval."""
    return {1: more, -1: less, 0: same}[found.sign]
