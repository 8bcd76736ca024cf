"""Training: images per second against the tutorial loop.

Network, batch, optimiser and threads are the same; `tutorial.py` says what the reference is.
`quality` measures the time to a test -ELBO.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.families.registry import build_model
from models.training.events import EpochEnd
from models.training.trainer import Training
from tests.benchmarks import tutorial
from tests.benchmarks.common import CORES, Row, arguments, interleaved, show

BATCH = tutorial.BATCH
SAME = RunConfig(
    "mnist",
    ModelConfig(hidden=(400,), latent_dim=20),
    ObjectiveConfig(),
    TrainingConfig(10_000, BATCH, 1e-3, 1e-3, warmup_steps=0, threads=CORES),
)
"""Our loop with the reference's network, batch and optimiser."""


def our_training(config: RunConfig, count: int, test_count: int, precision: str, seed: int = 0):
    settings = replace(config.training, precision=precision, seed=seed)
    train = load("mnist", "train").images[:count]
    test = load("mnist", "test").images[:test_count]
    model = build_model(config.model, seed)
    return Training(model, replace(config, training=settings), train, test)


def hardware() -> str:
    known = torch.cpu.get_capabilities()
    found = known.get("avx512_bf16") or known.get("amx_bf16")
    return f"{CORES} threads, {'' if found else 'no '}bfloat16 in hardware"


def speed(quick: bool) -> None:
    """One epoch of each a round; our score at an epoch's end is on one batch, to cost nothing."""
    count, rounds = (BATCH * 20, 2) if quick else (BATCH * 468, 5)
    loops = {"tutorial loop": tutorial.training(count, seed=0)[1]}
    for precision in ("float32", "bfloat16"):
        events = our_training(SAME, count, BATCH, precision).events()
        loops[f"models.training.trainer, {precision}"] = lambda events=events: next(
            None for event in events if isinstance(event, EpochEnd)
        )
    seconds = interleaved(loops, rounds, discard=1)
    rows = []
    for (name, taken), target in zip(seconds.items(), (None, 2.8, 3.6), strict=True):
        ratio = seconds["tutorial loop"] / taken
        rows.append(Row.at_least(name, f"{count / taken:,.0f} images/s", ratio, target))
    show(f"Training 784-400-20-400-784, batch {BATCH}, {hardware()}", rows, quick)


if __name__ == "__main__":
    options = arguments(__doc__)
    torch.set_num_threads(CORES)
    speed(options.quick)
