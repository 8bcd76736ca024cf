"""Scores what a model draws against the real images that it was to learn from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.data.byte_images import first_images
from models.data.image_set import ImageSet
from models.devices import CPU, device_of
from models.families.generate import evaluations, generate
from models.families.registry import count_parameters
from models.judge.file import find_judge
from models.judge.report import SampleReport
from models.judge.spaces import Spaces
from models.judge.train import MOST_BYTES
from models.metrics.samples.classes import frequencies
from models.metrics.samples.scores import Described, sample_scores
from models.runs.images import load_images
from models.storage.checkpoint import read, restore

COUNT = 1000
PORTION = 100
"""Images drawn between two reports of progress."""


class RealImages:
    """The real images of a data set, described once for all models that are scored on them.

    Args:
        training: Those that the models learn from.
        test: Those that they have not seen.
        runs_dir: Where to look for a judge of a user's own images.
        device: Where the judge computes.
    """

    def __init__(
        self,
        training: ImageSet,
        test: ImageSet,
        runs_dir: Path | None = None,
        device: str = "cpu",
    ) -> None:
        images = first_images(training.images, MOST_BYTES)
        self.judge = find_judge(training.name, training.fingerprint, runs_dir)
        self.spaces = Spaces(images, self.judge, device)
        self.training, self.test = map(self.spaces.describe, (images, test.images))
        self.frequencies = None
        if self.judge is not None:
            labels = training.labels[: len(images)]
            self.frequencies = frequencies(labels, self.judge.card.classes)

    def score(self, images: np.ndarray, seed: int = 0) -> dict[str, Any]:
        """Scores images (n, C, H, W) in [0, 1], see `sample_scores`."""
        fake: Described = self.spaces.describe(np.ascontiguousarray(images, np.float32))
        return sample_scores(fake, self.test, self.training, self.frequencies, seed)


def score_checkpoint(
    path: Path,
    data_dir: Path | None = None,
    count: int = COUNT,
    seed: int = 0,
    runs_dir: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
    real: RealImages | None = None,
    steps: int | None = None,
    device: str = "cpu",
) -> SampleReport:
    """Scores the images that a trained model draws.

    Args:
        path: Its checkpoint.
        data_dir: See `models.data.load.load`.
        count: Images to draw; compared are no more than there are real test images.
        seed: Of the draws.
        runs_dir: Where to look for a judge of a user's own images.
        progress: Receives the share done.
        real: The real images, if they are described already.
        steps: Network evaluations for each image, where the family samples in steps; None: as many
            as it takes by itself.
        device: "cpu", "cuda" or "mps": of the model, and of the judge unless `real` is given.

    Raises:
        ValueError: If the file is no checkpoint, the model has no prior to draw from or takes no
            steps, or its images cannot be read.
    """
    checkpoint = read(path)
    config = checkpoint.card.config
    if not config.model.capabilities.has_prior:
        raise ValueError(
            f"the model must have a prior to draw images from, got {config.model.family}"
        )
    model = restore(checkpoint).to(device)
    if real is None:
        training, test = (load_images(config, split, data_dir) for split in ("train", "test"))
        real = RealImages(training, test, runs_dir, device)
    images, seconds = draw(model, count, seed, lambda share: progress(0.6 * share), steps)
    return SampleReport(
        checkpoint.card.title,
        checkpoint.fingerprint,
        config.data,
        min(count, len(real.test), len(real.training)),
        seed,
        math.nan if real.judge is None else real.judge.card.accuracy,
        real.score(images, seed),
        seconds / count,
        evaluations(model) if steps is None else steps,
        count_parameters(model),
    )


def draw(
    model: Any,
    count: int,
    seed: int,
    progress: Callable[[float], None] = lambda share: None,
    steps: int | None = None,
) -> tuple[np.ndarray, float]:
    """Draws images portion by portion; returns them, (n, C, H, W), and one processor's seconds.

    One thread draws: others that wait for each other on a busy machine would count as work. The
    seconds of a GPU are those of the clock.

    Raises:
        ValueError: If what is drawn is not finite.
    """
    threads, parts = torch.get_num_threads(), []
    torch.set_num_threads(1)
    is_here = device_of(model).type == CPU
    clock = time.process_time if is_here else time.perf_counter
    began = clock()
    try:
        for portion in generate(model, count, seed, steps, batch_size=PORTION):
            parts.append(portion.cpu().numpy())
            progress(min(1.0, len(parts) * PORTION / count))
    finally:
        torch.set_num_threads(threads)
    seconds = clock() - began
    images = np.concatenate(parts)
    if not np.isfinite(images).all():
        raise ValueError("the model must draw finite images, got some that are not: train it again")
    return images.clip(0, 1), seconds
