"""What a judge finds about one model: scores with floors, and what the images cost."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import strict_json
from models.atomic import write_bytes
from models.metrics.samples.modes import Modes, diagnose
from models.metrics.samples.scores import Score

MAX_BYTES = 100_000
RUN_MODEL = "model"
"""Stem of the checkpoint of a run, which has the name of its folder."""


def report_name(path: Path) -> str:
    """Names the file of a checkpoint's report: after its run, or after the file.

    Example:
        >>> report_name(Path("runs/a-b/model.safetensors")), report_name(Path("x.safetensors"))
        ('a-b.json', 'x.json')
    """
    return f"{path.parent.name if path.stem == RUN_MODEL and path.parent.name else path.stem}.json"


@dataclass(frozen=True)
class SampleReport:
    """The scores of one model's images.

    Attributes:
        model: Its title.
        fingerprint: Of its checkpoint.
        data: Name of its data set.
        count: Images compared, of each kind.
        seed: Of the draws.
        accuracy: Of the judge on real test images; NaN without one.
        scores: By name, see `models.metrics.samples.scores`.
        seconds_per_image: Of one processor, to draw an image.
        evaluations: Passes through the network that an image takes.
        parameters: Numbers that training changed.
    """

    model: str
    fingerprint: str
    data: str
    count: int
    seed: int
    accuracy: float
    scores: dict[str, Score]
    seconds_per_image: float
    evaluations: int
    parameters: int

    @functools.cached_property
    def modes(self) -> Modes | None:
        """Whether the model draws all kinds of images; None where scores for that are missing."""
        try:
            return diagnose(self.scores, self.count)
        except ValueError:
            return None

    def to_json(self) -> str:
        """Writes it as JSON; what is not a number is null."""
        document = dataclasses.asdict(self) | {
            "accuracy": _written(self.accuracy),
            "scores": {name: list(map(_written, score)) for name, score in self.scores.items()},
        }
        return json.dumps(document, indent=1)

    @classmethod
    def from_json(cls, text: str) -> SampleReport:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: If it is no report.

        Example:
            >>> score = Score(1.0, math.nan, 0.0, math.nan)
            >>> report = SampleReport("a", "f", "digits", 9, 0, 0.9, {"x": score}, 0.1, 1, 5)
            >>> SampleReport.from_json(report.to_json()).scores["x"].floor
            0.0
        """
        try:
            document = strict_json.parse(text)
            scores = {
                str(name): Score(*map(_read, row)) for name, row in document.pop("scores").items()
            }
            accuracy = _read(document.pop("accuracy"))
            return cls(scores=scores, accuracy=accuracy, **document)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"a report must be JSON with the entries of one: {error}") from error

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        write_bytes(path, self.to_json().encode())

    @classmethod
    def read(cls, path: Path) -> SampleReport:
        """Reads a file.

        Raises:
            ValueError: If it is too large, or no report.
            OSError: If it cannot be read.
        """
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"a report must have at most {MAX_BYTES} bytes")
        return cls.from_json(path.read_text(encoding="utf-8"))


def _written(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _read(value: Any) -> float:
    return math.nan if value is None else float(value)
