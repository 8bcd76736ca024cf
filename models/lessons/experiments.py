"""The experiments that take seconds: their names, what measures them, and what shipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from models.capabilities import load_class
from models.lessons.measurement import Measurement

EXPERIMENTS: dict[str, str] = {
    name: f"models.lessons.measure.{module}:{name}"
    for module, names in {
        "posteriors": ("density", "gaps", "lobes"),
        "spaces": ("spaces",),
        "learning": ("estimators", "noises", "samples", "batches", "variances"),
        "compression": ("betas", "sweep", "helps", "latents", "blur"),
        "factors": ("disentangle",),
        "generation": ("which", "modes", "denoise"),
    }.items()
    for name in names
}
"""What measures, `module:function`, by the name of the experiment."""
SHIPPED = Path(__file__).parent / "shipped"
SHIPPED_SEEDS = (0, 1, 2, 3, 4)
MAX_SEEDS = 20


def run(
    name: str, seeds: Sequence[int], progress: Callable[[float], None] = lambda share: None
) -> Measurement:
    """Runs an experiment in this process, with one thread.

    Args:
        name: One of `EXPERIMENTS`.
        seeds: One for each repeat, none twice.
        progress: Receives the share that is done.

    Raises:
        ValueError: If there is no such experiment, or the seeds cannot be used.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment must be one of {', '.join(EXPERIMENTS)}, got {name!r:.40}")
    if not 1 <= len(seeds) <= MAX_SEEDS or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(
            f"seeds must be 1 to {MAX_SEEDS} different numbers from 0 on, got {list(seeds)}"
        )
    import torch

    torch.set_num_threads(1)
    began = time.process_time()
    found = load_class(EXPERIMENTS[name])(seeds, progress)
    return replace(found, command=command(name, seeds), seconds=round(time.process_time() - began))


def command(name: str, seeds: Sequence[int]) -> str:
    """Writes how an experiment is run on the command line.

    Example:
        >>> command("blur", (0, 1))
        'python -m models lesson blur --seeds 0,1'
    """
    return f"python -m models lesson {name} --seeds {','.join(map(str, seeds))}"


def shipped(name: str) -> Measurement:
    """Reads the result that ships.

    Raises:
        OSError: If none ships.
    """
    return Measurement.read(SHIPPED / f"{name}.json")
