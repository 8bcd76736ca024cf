"""Trainings of shipped presets over seeds: what became of each, measured before the program ships.

`checkpoints/seeds.json` holds one entry for each training. It belongs to the settings of its
preset: where these change, their seeds are measured again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from models.config import RunConfig
from models.metrics.samples.modes import COLLAPSED
from models.metrics.statistics import share_interval
from models.presets import PRESETS
from models.runs.comparison import without_rounding

KEPT = Path(__file__).resolve().parents[2] / "checkpoints" / "seeds.json"
DIVERGED = "diverged"
FAILED = COLLAPSED, DIVERGED
"""Verdicts on a training that came to nothing."""


@dataclass(frozen=True)
class SeedResult:
    """One training of a preset.

    Attributes:
        name: Of the preset.
        seed: Of its training.
        seconds: Of one processor, for the training.
        verdict: Of `models.metrics.samples.modes`, or that it diverged.
        classes: Classes drawn.
        scores: By name: confidence, class_variance, judge.frechet, judge.recall, copies.
    """

    name: str
    seed: int
    seconds: float
    verdict: str
    classes: int = 0
    scores: Mapping[str, float] | None = None


def kept() -> list[SeedResult]:
    """Reads the trainings that are measured."""
    return [SeedResult(**each) for each in json.loads(KEPT.read_text(encoding="utf-8"))]


def failures_of(config: RunConfig) -> dict[int, bool]:
    """Finds, by seed, whether a training with these settings collapsed or diverged.

    Args:
        config: Of any seed, and computed on any number of threads.

    Returns:
        Nothing where no preset has these settings, or none of its seeds was measured.

    Example:
        >>> from models.presets import preset
        >>> failures_of(preset("digits-2d"))
        {}
    """
    return dict(_failures().get(but_for_the_seed(config), {}))


def but_for_the_seed(config: RunConfig) -> RunConfig:
    """Returns settings that are equal for runs that differ in their seed, or how they are computed.

    Example:
        >>> from models.config import override
        >>> from models.presets import preset
        >>> config = preset("digits-gan")
        >>> but_for_the_seed(override(config, seed=3, threads=1)) == but_for_the_seed(config)
        True
    """
    return without_rounding(replace(config, training=replace(config.training, seed=0)))


@functools.cache
def _failures() -> dict[RunConfig, dict[int, bool]]:
    found: dict[RunConfig, dict[int, bool]] = {}
    for each in kept():
        config = but_for_the_seed(PRESETS[each.name])
        found.setdefault(config, {})[each.seed] = each.verdict in FAILED
    return found


def share(count: int, total: int) -> str:
    """Writes a share of trainings with its exact 95 % interval.

    Example:
        >>> share(10, 13)
        '10 of 13, 46 to 95 %'
    """
    low, high = share_interval(count, total)
    return f"{count} of {total}, {100 * low:z.0f} to {100 * high:z.0f} %"
