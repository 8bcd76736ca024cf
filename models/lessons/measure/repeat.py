"""An experiment, once for every seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.lessons.measurement import Measurement, table

Progress = Callable[[float], None]
"""Receives the share that is done, 0 to 1."""
Row = dict[str, dict[str, float]]
"""What one repeat finds: numbers by quantity and condition."""


def over_seeds(
    name: str,
    seeds: Sequence[int],
    measure: Callable[[int, Progress], Row],
    progress: Progress,
    facts: dict[str, float] | None = None,
) -> Measurement:
    """Measures once for every seed.

    Args:
        name: Of the experiment.
        seeds: One for each repeat.
        measure: Seed and progress of this seed → what it finds.
        progress: Of all.
        facts: Numbers that no seed changes.

    Example:
        >>> over_seeds("a", [3, 4], lambda s, _: {"x": {"u": s}}, lambda _: None).values
        {'x': {'u': (3.0, 4.0)}}
    """
    rows = []
    for place, seed in enumerate(seeds):
        rows.append(measure(seed, lambda share, at=place: progress((at + share) / len(seeds))))
        progress((place + 1) / len(seeds))
    return Measurement(name, tuple(seeds), "seeds", table(rows), facts or {})


def each_kind(
    kinds: Mapping[str, Any], measure: Callable[[Any, int], dict[str, float]]
) -> Callable[[int, Progress], Row]:
    """Measures every kind in turn: what `over_seeds` asks for.

    Args:
        kinds: What is compared, by the name of its condition.
        measure: Kind and seed → numbers by quantity.

    Example:
        >>> each_kind({"u": 1, "v": 2}, lambda kind, seed: {"x": kind + seed})(10, lambda _: None)
        {'x': {'u': 11, 'v': 12}}
    """

    def of_seed(seed: int, progress: Progress) -> Row:
        found: Row = {}
        for place, (name, kind) in enumerate(kinds.items()):
            for quantity, value in measure(kind, seed).items():
                found.setdefault(quantity, {})[name] = value
            progress((place + 1) / len(kinds))
        return found

    return of_seed
