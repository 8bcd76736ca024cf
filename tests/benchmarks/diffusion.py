"""A diffusion model on the digits: quality by evaluations of the network, over seeds, one thread.

Seconds are those of the processor. Quality is the Fréchet distance of 1000 samples to the training
images in the features of the judge that ships; the floor is the same distance of the test images. A
sample is confident if the judge gives its class a probability above .9.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from models.config import RunConfig
from models.data.load import load
from models.families.registry import build_model
from models.judge.score import RealImages
from models.metrics.samples.frechet import frechet_distance
from models.metrics.samples.scores import JUDGE
from models.presets import preset
from models.training.trainer import Training
from tests.benchmarks.common import Row, arguments, show

CONFIG: RunConfig = preset("digits-ddpm")
STEPS = (5, 10, 15, 50)
DRAWN = 1000


class Judge:
    """The judge of digits as a ruler of samples."""

    def __init__(self) -> None:
        self._real = RealImages(load("digits", "train"), load("digits", "test"))

    def distance(self, images: np.ndarray) -> float:
        """The Fréchet distance to the training images."""
        found = self._real.spaces.describe(images)
        return frechet_distance(found.spaces[JUDGE], self._real.training.spaces[JUDGE])

    def confident(self, images: np.ndarray) -> float:
        """The share of images whose class is sure, in per cent."""
        return 100 * float((self._real.spaces.describe(images).confidence > 0.9).mean())


class Result(NamedTuple):
    """One seed: processor seconds of training, the bound in nats per image, and by evaluations the
    distance, the share of confident samples and the seconds of sampling."""

    training: float
    bound: float
    distance: list[float]
    confident: list[float]
    sampling: list[float]


def timed(work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    """What some work gives, and its processor seconds."""
    start = time.process_time()
    return work(), time.process_time() - start


def measure(seed: int, epochs: int, judge: Judge) -> Result:
    """Trains a model and draws from it."""
    train, test = load("digits", "train").images, load("digits", "test").images
    settings = replace(
        CONFIG.training, epochs=epochs, seed=seed, precision="bfloat16", layout="channels_last"
    )
    model = build_model(CONFIG.model, seed)
    run = Training(model, replace(CONFIG, training=settings), train, test)
    _, seconds = timed(lambda: list(run.events()))
    bound = model.bound(torch.tensor(test), draws=8).total().mean().item()
    columns = []
    for steps in STEPS:
        generator = torch.Generator().manual_seed(seed)
        drawn, spent = timed(lambda s=steps, g=generator: model.generate(DRAWN, g, s))
        images = drawn.numpy()
        columns.append((judge.distance(images), judge.confident(images), spent))
    return Result(seconds, bound, *map(list, zip(*columns, strict=True)))


def table(results: list[Result], judge: Judge, test: np.ndarray) -> list[Row]:
    """The rows of the table: means over seeds."""
    rows = [
        Row("training", f"{statistics.mean(r.training for r in results):.0f} s", None, "<= 60 s"),
        Row("bound, 17 levels", f"{statistics.mean(r.bound for r in results):.1f} nats"),
        Row("test images", f"{judge.distance(test):.2f}, {judge.confident(test):.0f} % confident"),
    ]
    last = statistics.mean(r.distance[-1] for r in results)
    for column, steps in enumerate(STEPS):
        distance, confident, seconds = (
            statistics.mean(getattr(r, name)[column] for r in results)
            for name in ("distance", "confident", "sampling")
        )
        text = f"{distance:.2f}, {confident:.0f} % confident, {seconds:.1f} s"
        rows.append(Row(f"{steps} evaluations, {DRAWN} samples", text, distance / last))
    return rows


def main() -> None:
    """Measures every seed and prints the table."""
    given = arguments(__doc__, seeds=5)
    torch.set_num_threads(1)
    seeds, epochs = (1, 1) if given.quick else (given.seeds, CONFIG.training.epochs)
    judge, test = Judge(), load("digits", "test").images
    results = []
    for seed in range(seeds):
        results.append(measure(seed, epochs, judge))
        print(f"seed {seed}: {results[-1]}", flush=True)
    show(f"Diffusion on digits, {seeds} seeds", table(results, judge, test), given.quick)


if __name__ == "__main__":
    main()
