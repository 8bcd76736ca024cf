"""Which runs of a sweep are trained together, and by how many processes.

Runs that differ in β alone are trained as stacks (`models.training.stacked`), others one by one;
processes times threads is the number of cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.config import RunConfig
from models.runs.comparison import without
from models.runs.folder import Run
from models.runs.status import run_status

MAX_STACK = 16
VECTOR = {"float32": 32, "bfloat16": 64}
"""Numbers that a loop of the processor takes at once, at most, by precision."""


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep and its settings."""

    run: Run
    config: RunConfig

    @property
    def beta(self) -> float:
        """Weight of the rate."""
        return self.config.objective.beta

    @property
    def seed(self) -> int:
        """Of weights, order and noise."""
        return self.config.training.seed

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return self.config.model.latent_dim

    @property
    def series(self) -> RunConfig:
        """What it has in common with the runs it may share a stack with: all but β."""
        return without(self.config, "beta")

    def is_done(self) -> bool:
        """Whether its last epoch is over and its checkpoint written."""
        return run_status(self.run).is_done


def plan(members: Sequence[SweepRun], workers: int) -> list[list[Run]]:
    """Groups the runs, each group for one process at a time, the largest first.

    Members that differ in β alone and can be stacked share a group. These series are cut into as
    many equal parts as let the workers share them evenly.

    Args:
        members: Not yet done.
        workers: How many processes there will be.

    Example:
        >>> from models.presets import preset
        >>> from pathlib import Path
        >>> from models.sweeps.grid import grid
        >>> configs = grid(preset("digits-2d"), [0.1, 0.3, 1.0, 3.0, 10.0], seeds=3)
        >>> members = [SweepRun(Run(Path(str(i))), config) for i, config in enumerate(configs)]
        >>> [len(group) for group in plan(members, workers=2)]
        [3, 3, 3, 2, 2, 2]
    """
    series: dict[RunConfig | str, list[Run]] = {}
    for member in members:
        key = member.series if can_stack(member.config) else member.run.id
        series.setdefault(key, []).append(member.run)
    parts = workers // math.gcd(workers, max(1, len(series)))
    groups = []
    for runs in series.values():
        count = min(len(runs), parts * math.ceil(len(runs) / (MAX_STACK * parts)))
        groups += [runs[start::count] for start in range(count)]
    return sorted(groups, key=len, reverse=True)


def can_stack(config: RunConfig) -> bool:
    """Whether runs of these settings can be stacked: linear layers, no state but the weights.

    One thread and batches of whole vectors are asked for as well: elsewhere the last elements of a
    member would be computed otherwise than in a run of its own, and end in other bits.

    Example:
        >>> from models.presets import preset
        >>> can_stack(preset("mnist-2d"))
        True
    """
    model, training = config.model, config.training
    return (
        model.capabilities.can_stack
        and model.network == "mlp"
        and not model.likelihood_properties.learns_sigma
        and training.threads == 1
        and training.batch_size % VECTOR[training.precision] == 0
    )
