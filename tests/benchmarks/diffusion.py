"""A diffusion model on the digits: quality by evaluations of the network, over seeds, one thread.

Seconds are those of the processor. Quality is the Fréchet distance of 1000 samples to the training
images in the last hidden layer, standardised, of a classifier that scikit-learn trains here; the
floor is the same distance of the test images. A sample is confident if the classifier gives its
class a probability above .9.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.families.ddpm import DDPM
from models.training.trainer import Training
from tests.benchmarks.common import Row, arguments, show

MODEL = ModelConfig(image_shape=(1, 8, 8), hidden=(24, 48))
TRAINING = TrainingConfig(
    epochs=90, batch_size=64, learning_rate=3e-3, warmup_steps=100,
    precision="bfloat16", layout="channels_last",
)  # fmt: skip
STEPS = (10, 20, 50)
DRAWN = 1000


class Judge:
    """A classifier of digits as a ruler of samples."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        flat = images.reshape(len(images), -1)
        self.network = MLPClassifier((128, 64), max_iter=300, alpha=1e-2, random_state=0)
        self.network.fit(flat, labels)
        features = self._features(images)
        self.mean, self.spread = features.mean(0), features.std(0) + 1e-6
        self.real = self._standardised(images)

    def _features(self, images: np.ndarray) -> np.ndarray:
        h = images.reshape(len(images), -1)
        for weight, bias in zip(self.network.coefs_[:2], self.network.intercepts_[:2], strict=True):
            h = np.maximum(0, h @ weight + bias)
        return h

    def _standardised(self, images: np.ndarray) -> np.ndarray:
        return (self._features(images) - self.mean) / self.spread

    def distance(self, images: np.ndarray) -> float:
        """The Fréchet distance to the training images."""
        a, b = self.real, self._standardised(images)
        first, second = np.cov(a.T), np.cov(b.T)
        root = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
        gap = np.square(a.mean(0) - b.mean(0)).sum()
        return float(gap + np.trace(first) + np.trace(second) - 2 * root)

    def confident(self, images: np.ndarray) -> float:
        """The share of images whose class is sure, in per cent."""
        chance = self.network.predict_proba(images.reshape(len(images), -1)).max(1)
        return 100 * float((chance > 0.9).mean())


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
    settings = TrainingConfig(**{**TRAINING.to_json(), "epochs": epochs, "seed": seed})
    torch.manual_seed(seed)
    model = DDPM(MODEL)
    run = Training(model, RunConfig("digits", MODEL, ObjectiveConfig(), settings), train, test)
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
    seeds, epochs = (1, 1) if given.quick else (given.seeds, TRAINING.epochs)
    train, test = load("digits", "train"), load("digits", "test").images
    judge = Judge(train.images, train.labels)
    results = []
    for seed in range(seeds):
        results.append(measure(seed, epochs, judge))
        print(f"seed {seed}: {results[-1]}", flush=True)
    show(f"Diffusion on digits, {seeds} seeds", table(results, judge, test), given.quick)


if __name__ == "__main__":
    main()
