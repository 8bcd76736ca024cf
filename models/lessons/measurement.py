"""What an experiment of a lesson finds: numbers by quantity and condition, one for each repeat."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models import strict_json
from models.atomic import write_bytes
from models.metrics.statistics import t_interval

MAX_BYTES = 1_000_000
"""Largest file of a measurement."""

Table = Mapping[str, Mapping[str, Sequence[float]]]
"""Numbers by quantity, then by condition: one for each repeat."""


class Interval(NamedTuple):
    """A mean and the half-width of its 95 % interval, over `count` repeats."""

    mean: float
    half: float
    count: int

    @property
    def sign(self) -> int:
        """1 or -1 if the whole interval is above or below zero, else 0."""
        if not math.isfinite(self.half) or abs(self.mean) <= self.half:
            return 0
        return 1 if self.mean > 0 else -1

    def text(self, unit: str = "", digits: int = 2) -> str:
        """Writes it with its unit; without an interval where there is only one repeat.

        Example:
            >>> Interval(1.0, 0.25, 5).text("nats"), Interval(1.0, math.inf, 1).text()
            ('1.00 ± 0.25 nats', '1.00')
        """
        half = f" ± {self.half:.{digits}f}" if math.isfinite(self.half) else ""
        return f"{self.mean:z.{digits}f}{half}" + (f" {unit}" if unit else "")


@dataclass(frozen=True)
class Measurement:
    """The numbers of one experiment.

    Attributes:
        name: Of the experiment.
        repeats: Numbers that tell the repeats apart: seeds, or images; none of them twice.
        counted: What repeats are: "seeds", "images", …
        values: By quantity and condition, one number for each repeat.
        facts: Further numbers by name, which are not repeated.
        command: How to make it again.
        seconds: It took, of one processor.

    Raises:
        ValueError: If a row of numbers is not as long as the repeats, or is not finite.

    Example:
        >>> found = Measurement("heights", (0, 1), "seeds", {"height": {"a": (1.0, 2.0)}})
        >>> found.interval("height", "a").mean
        1.5
        >>> Measurement.from_json(found.to_json()) == found
        True
    """

    name: str
    repeats: tuple[int, ...]
    counted: str
    values: dict[str, dict[str, tuple[float, ...]]]
    facts: dict[str, float] = field(default_factory=dict)
    command: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for quantity, rows in self.values.items():
            for condition, row in rows.items():
                if len(row) != len(self.repeats) or not np.isfinite(row).all():
                    raise ValueError(
                        f"{quantity} of {condition} must be {len(self.repeats)} finite numbers, "
                        f"got {list(row)}"
                    )

    @property
    def count(self) -> int:
        """How many repeats there are."""
        return len(self.repeats)

    def conditions(self, quantity: str) -> list[str]:
        """Names the conditions under which a quantity was measured, in order."""
        return list(self.values[quantity])

    def interval(self, quantity: str, condition: str) -> Interval:
        """Mean and 95 % interval of a quantity under one condition."""
        return Interval(*t_interval(self.values[quantity][condition]), self.count)

    def difference(self, quantity: str, first: str, second: str) -> Interval:
        """Mean and 95 % interval of first − second, paired over the repeats."""
        rows = self.values[quantity]
        pairs = zip(rows[first], rows[second], strict=True)
        return Interval(*t_interval([a - b for a, b in pairs]), self.count)

    @property
    def evidence(self) -> str:
        """What the intervals rest on, as the end of a sentence.

        Example:
            >>> Measurement("a", (0, 1, 2), "seeds", {}).evidence
            '95 % intervals over 3 seeds (0, 1, 2)'
        """
        if self.count == 1:
            return f"one of the {self.counted}: no interval"
        listed = ", ".join(map(str, self.repeats)) if self.count <= 6 else ""
        return f"95 % intervals over {self.count} {self.counted}" + (listed and f" ({listed})")

    def to_json(self) -> str:
        """Writes it as JSON, numbers to six digits."""
        document = asdict(self)
        document["values"] = {
            quantity: {name: [float(f"{v:.6g}") for v in row] for name, row in rows.items()}
            for quantity, rows in self.values.items()
        }
        return json.dumps(document, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Measurement:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: If it is no measurement.
        """
        try:
            document = strict_json.parse(text)
            values = {
                quantity: {name: tuple(map(float, row)) for name, row in rows.items()}
                for quantity, rows in document.pop("values").items()
            }
            repeats = tuple(map(int, document.pop("repeats")))
            return cls(values=values, repeats=repeats, **document)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"a measurement must be JSON with the entries of one: {error}"
            ) from error

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        write_bytes(path, self.to_json().encode())

    @classmethod
    def read(cls, path: Path) -> Measurement:
        """Reads a file.

        Raises:
            ValueError: If it is too large, or no measurement.
            OSError: If it cannot be read.
        """
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"a measurement must have at most {MAX_BYTES} bytes")
        return cls.from_json(path.read_text(encoding="utf-8"))


def table(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict:
    """Turns one result for each repeat, by quantity and condition, into the values of all.

    Example:
        >>> table([{"error": {"a": 1.0}}, {"error": {"a": 2.0}}])
        {'error': {'a': (1.0, 2.0)}}
    """
    return {
        quantity: {name: tuple(float(row[quantity][name]) for row in rows) for name in conditions}
        for quantity, conditions in rows[0].items()
    }
