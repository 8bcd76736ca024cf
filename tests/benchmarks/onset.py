"""Where collapse sets in against where it was predicted: R by β / β*, on several data sets.

For every set, β* is computed from its training images; then models are trained, side by side, at
β that are shares of it, with two latents, and R is measured on test images. The onset lies between
the last share at which every seed's R is at least 0.05 nats and the first at which every seed's is
below. Sets: the digits, the sprites, an own set that is made here (bars) and read like anybody's,
and MNIST at 14 × 14 where MNIST is there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from models.config import RunConfig, override
from models.data.builtin import default_data_dir, is_available
from models.data.image_set import ImageSet
from models.data.load import load
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.presets import preset
from models.theory.collapse_threshold import collapse_threshold, population_threshold
from models.training.stacked import Member, Stack
from tests.benchmarks.common import Row, arguments, show

SHARES = (0.3, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2)
ONSET = 0.05
"""Nats per image: below it, a model has collapsed."""
SEEDS = 3
STEPS = 3000
"""Below the threshold the escape from collapse is slow."""


def bars(count: int, size: int = 12, seed: int = 0) -> np.ndarray:
    """Images of one grey bar each, upright or level, at a random place: (N, H, W) in [0, 1]."""
    random = np.random.default_rng(seed)
    images = np.full((count, size, size), 0.05)
    places, widths = random.integers(0, size - 3, count), random.integers(1, 4, count)
    for image, place, width, upright in zip(
        images, places, widths, random.random(count) < 0.5, strict=True
    ):
        (image.T if upright else image)[place : place + width] = random.uniform(0.4, 0.9)
    return images


def halved(data_dir: Path) -> np.ndarray:
    """The first 7 000 training images of MNIST, 2 × 2 pixels averaged: (N, 14, 14)."""
    x = load("mnist", "train", data_dir).images[:7000, 0]
    return x.reshape(-1, 14, 2, 14, 2).mean((2, 4))


def data_sets(folder: Path) -> Iterator[tuple[str, str]]:
    """What each is called in the table, and its name or path."""
    yield "digits", "digits"
    yield "sprites", "sprites"
    np.savez(folder / "bars.npz", images=bars(3000))
    yield "own set: bars, 12 × 12", str(folder / "bars.npz")
    if is_available("mnist", default_data_dir()):
        np.savez(folder / "halved.npz", images=halved(default_data_dir()))
        yield "own set: MNIST at 14 × 14", str(folder / "halved.npz")


def rates(
    train: ImageSet, test: ImageSet, betas: Sequence[float], seed: int, steps: int
) -> list[float]:
    """R of the test images at every β, nats per image."""
    runs = [settings(train, beta, seed, steps) for beta in betas]
    members = [Member(build_model(run.model, seed), run, train.images, test.images) for run in runs]
    Stack(members)
    for _ in zip(*(member.events() for member in members), strict=True):
        pass
    images = torch.tensor(test.images)
    return [elbo(one.model.eval(), images, 0).rate.sum(1).mean().item() for one in members]


def settings(train: ImageSet, beta: float, seed: int, steps: int) -> RunConfig:
    """Those of the digits' preset, with as many epochs as that many steps take."""
    run = override(
        preset("digits-2d"), image_shape=train.images.shape[1:], beta=beta, seed=seed,
        batch_size=128, kl_warmup_steps=50, warmup_steps=50, epochs=1,
    )  # fmt: skip
    return override(run, epochs=max(1, round(steps / run.total_steps(len(train.images)))))


def onset(title: str, name: str, quick: bool) -> None:
    """Trains, and prints a row for every share of β* and one for the onset."""
    seeds, steps = (1, 20) if quick else (SEEDS, STEPS)
    train, test = load(name, "train"), load(name, "test")
    predicted = collapse_threshold(train.images).beta
    low, high = population_threshold(train.images).interval()
    betas = [share * predicted for share in SHARES]
    found = np.array([rates(train, test, betas, seed, steps) for seed in range(seeds)])
    each = list(zip(SHARES, found.T, strict=True))
    rows = [
        Row(f"R at {share:.2f} β*", f"{r.mean():.4f} ({r.min():.4f} to {r.max():.4f}) nats")
        for share, r in each
    ]
    alive = max((share for share, r in each if r.min() >= ONSET), default=0.0)
    dead = min((share for share, r in each if r.max() < ONSET), default=np.inf)
    rows.append(Row(f"R falls below {ONSET} nats between", f"{alive:g} and {dead:g} of β*"))
    about = f"β* = {predicted:.3f} (of the population {low:.3f} to {high:.3f})"
    show(f"{title}: {about}, {seeds} seeds, {steps} steps", rows, quick)


def main() -> None:
    """Every set in turn."""
    quick = arguments(__doc__).quick
    with tempfile.TemporaryDirectory() as folder:
        for title, name in data_sets(Path(folder)):
            onset(title, name, quick)


if __name__ == "__main__":
    main()
