"""How long a training run will take here: its own steps, made on made-up images and timed.

The networks compute as long on noise as on images, so no data set is read. A rehearsal changes
neither the run nor the random numbers of anyone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import numpy as np
import torch

from models.config import ObjectiveConfig, RunConfig, override
from models.devices import CPU, wait_for
from models.families.registry import build_model
from models.training.snapshots import MAX_CODES, MAX_SNAPSHOTS
from models.training.trainer import CHECK_EVERY, Training

MOST_IMAGES = 1024
"""Of a rehearsed step; a larger one takes as much longer as it is larger."""
SCORED_IMAGES = 500
"""Test images that are scored in a rehearsal."""
ROUNDS = 24
"""Most timings of one thing."""


class Pace(NamedTuple):
    """Seconds that a step takes, and the scoring of a test image."""

    step: float
    score: float


class Rehearsal:
    """A training run of made-up images.

    Args:
        config: Of the run; its data, length and objective do not count.
        device: "cpu", "cuda" or "mps".
        most_images: Of a step.

    Example:
        >>> from models.presets import preset
        >>> rehearsal = Rehearsal(preset("digits-2d"))
        >>> rehearsal.make_step()
        >>> rehearsal.training.step
        1
    """

    def __init__(
        self, config: RunConfig, device: str = "cpu", most_images: int = MOST_IMAGES
    ) -> None:
        self.images = min(config.training.batch_size, most_images)
        changes = {"batch_size": self.images, "start": "random"}
        short = override(replace(config, objective=ObjectiveConfig()), **changes)
        shape = (max(self.images, SCORED_IMAGES), *config.model.image_shape)
        noise = np.random.default_rng(0).random(shape, np.float32)
        train, test = torch.from_numpy(noise[: self.images]), torch.from_numpy(noise)
        self.training = Training(
            build_model(short.model), short, train, test[:SCORED_IMAGES], device
        )
        self._threads = short.training.threads

    def make_step(self) -> None:
        """Makes one update, with the threads of the run, and waits for its end."""
        torch.set_num_threads(self._threads)
        self.training.rehearse()
        wait_for(self.training.device)

    def score(self) -> None:
        """Scores the test images, as the end of an epoch does."""
        torch.set_num_threads(self._threads)
        self.training.model.score(self.training.test_images, 0)
        self.training.model.train()


def timings(
    actions: list[Callable[[], object]],
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Times actions in turn, again and again, after once that does not count.

    Args:
        actions: What is timed.
        budget: Seconds after which no further round begins; there is at least one.
        clock: That measures.

    Returns:
        Seconds of every round, for each action: the shortest compares actions, for whatever else
        the machine does adds to it; the median is what a long run will meet.
    """
    for action in actions:
        action()
    times: list[list[float]] = [[] for _ in actions]
    begun = clock()
    while len(times[0]) < ROUNDS and (not times[0] or clock() - begun < budget):
        for action, known in zip(actions, times, strict=True):
            start = clock()
            action()
            known.append(clock() - start)
    return times


def measure_pace(config: RunConfig, device: str = "cpu", budget: float = 0.2) -> Pace:
    """Measures how fast a run of these settings is trained here, in seconds of this processor.

    What other programs do at the same time adds nothing to it, as long as the run has one thread.

    Args:
        config: Of the run.
        device: "cpu", "cuda" or "mps".
        budget: Seconds that it may take, but for one step and one score.
    """
    before = torch.get_num_threads()
    is_alone = config.training.threads == 1 and device == CPU
    clock = time.thread_time if is_alone else time.perf_counter
    try:
        rehearsal = Rehearsal(config, device)
        step, score = (
            median(timings([action], share * budget, clock)[0])
            for action, share in ((rehearsal.make_step, 1.0), (rehearsal.score, 0.25))
        )
    finally:
        torch.set_num_threads(before)
    scale = config.training.batch_size / rehearsal.images
    return Pace(step * scale, score / len(rehearsal.training.test_images))


def estimate_seconds(config: RunConfig, pace: Pace, train: int, test: int) -> float:
    """Estimates what a whole run takes: its steps, the scores of its epochs, and its snapshots.

    Args:
        config: Of the run.
        pace: Of its steps and scores.
        train: Training images.
        test: Test images.

    Example:
        >>> from models.presets import preset
        >>> round(estimate_seconds(preset("digits-2d"), Pace(1e-3, 1e-6), 1297, 500), 2)
        4.16
    """
    steps, epochs = config.total_steps(train), config.training.epochs
    snapshots = min(MAX_SNAPSHOTS, 1 + epochs + steps // CHECK_EVERY)  # one an event at most
    scored = epochs * test + snapshots * min(test, MAX_CODES)
    return steps * pace.step + scored * pace.score
