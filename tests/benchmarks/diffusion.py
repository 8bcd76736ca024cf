"""A diffusion model on the digits: quality by evaluations of the network, over seeds, one thread.

Seconds are those of the processor. Quality is the Fréchet distance of 1000 samples to the training
images in the features of the judge that ships; the floor is the same distance of the test images.
Confidence is the mean probability that the judge gives the class it sees, and a sample is sure if
that is above .9; both have a floor, too: that of the test images. Means over seeds have 95 %
t-intervals.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
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
from models.metrics.statistics import t_interval
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

    def confidence(self, images: np.ndarray) -> tuple[float, float]:
        """The mean confidence, and the share of images whose class is sure, in per cent."""
        found = 100 * self._real.spaces.describe(images).confidence
        return float(found.mean()), 100 * float((found > 90).mean())


class Result(NamedTuple):
    """One seed: processor seconds of training, the bound in nats per image, and by evaluations the
    distance, the confidence, the share of sure samples and the seconds of sampling."""

    training: float
    bound: float
    distance: list[float]
    confidence: list[float]
    sure: list[float]
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
        columns.append((judge.distance(images), *judge.confidence(images), spent))
    return Result(seconds, bound, *map(list, zip(*columns, strict=True)))


def over(values: Sequence[float], digits: int = 2) -> str:
    """Mean and half of the 95 % interval over seeds, where there are several."""
    mean, half = t_interval(list(values))
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if len(values) > 1 else "")


def table(results: list[Result], judge: Judge, test: np.ndarray) -> list[Row]:
    """The rows of the table: means over seeds."""
    mean, sure = judge.confidence(test)
    rows = [
        Row.at_most("training", statistics.mean(r.training for r in results), "s", 60),
        Row("bound, 17 levels", over([r.bound for r in results], 1) + " nats"),
        Row("test images", f"{judge.distance(test):.2f}, {mean:.1f} % ({sure:.1f} % sure)"),
    ]
    last = statistics.mean(r.distance[-1] for r in results)
    for column, steps in enumerate(STEPS):
        distance, confidence, sure, seconds = (
            [getattr(r, name)[column] for r in results]
            for name in ("distance", "confidence", "sure", "sampling")
        )
        text = (
            f"{over(distance)}, {over(confidence, 1)} % ({over(sure, 1)} % sure), "
            f"{statistics.mean(seconds):.1f} s"
        )
        rows.append(Row(f"{steps} evaluations", text, statistics.mean(distance) / last))
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
