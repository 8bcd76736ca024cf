"""What lies between the codes, and what groups them: autoencoder, penalty, noise and VAE."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from models.config import override
from models.families.vae import VAE
from models.lessons.measure.repeat import Progress, Row, over_seeds
from models.lessons.measure.small import (
    AUTOENCODER,
    Penalised,
    SteadyNoise,
    build_like,
    config,
    digits,
    trained,
)
from models.lessons.measurement import Measurement

KINDS = {
    "autoencoder": AUTOENCODER,
    "autoencoder + penalty": Penalised,
    "autoencoder + noise": SteadyNoise,
    "VAE": VAE,
}
DRAWN = 1000
"""Codes that are drawn from each space."""
DOUBTED = 0.05
"""Share of real test images that the judge doubts, which sets its threshold."""
NEIGHBOURS = 10
SHARPNESS = 2.0
"""Of the judge's kernel, per squared grey level: it falls to a third within .7 of them."""


def spaces(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures the four spaces: drawn images doubted by a judge, and how well classes are apart.

    Quantities, for each kind of model: `doubted`, the share of images decoded from drawn codes
    about which a classifier of real digits is less sure than about all but `DOUBTED` of the real
    test images; `distance` of a drawn image from the nearest training image, root mean square
    grey levels; `accuracy` of the nearest neighbours among the codes; `spread`, the standard
    deviation of the codes; `overlap`, the share of a code's neighbours that are of other classes.

    Args:
        seeds: One for each repeat.
        progress: Receives the share done.
    """
    return over_seeds("spaces", seeds, _of_seed, progress)


def _of_seed(seed: int, progress: Progress) -> Row:
    found: Row = {}
    for place, (name, kind) in enumerate(KINDS.items()):
        for quantity, value in _space(name, kind, seed).items():
            found.setdefault(quantity, {})[name] = value
        progress((place + 1) / len(KINDS))
    return found


def _space(name: str, kind: Any, seed: int) -> dict[str, float]:
    """Trains one model and looks at its space."""
    run = override(config(), seed=seed)
    model = trained(run, build_like(run, kind))
    train, test = digits()
    with torch.no_grad():
        codes = model.encode(torch.tensor(train.images))[0].numpy()
        test_codes = model.encode(torch.tensor(test.images))[0].numpy()
        drawn = model.decode(_draws(name, codes, seed)).numpy()
    accuracy, overlap = _neighbourhood(codes, train.labels, test_codes, test.labels)
    return {
        "doubted": float((judge().confidence(drawn) < judge().threshold).mean()),
        "distance": nearest(drawn, train.images),
        "accuracy": accuracy,
        "overlap": overlap,
        "spread": float(codes.std(0).mean()),
    }


def _draws(name: str, codes: np.ndarray, seed: int) -> torch.Tensor:
    """Codes as one would draw them: from a VAE's prior, else from a Gaussian fitted to them."""
    generator = np.random.default_rng(seed)
    if name == "VAE":
        drawn = generator.standard_normal((DRAWN, codes.shape[1]))
    else:
        drawn = generator.multivariate_normal(codes.mean(0), np.cov(codes.T), DRAWN)
    return torch.tensor(drawn, dtype=torch.float32)


def nearest(images: np.ndarray, known: np.ndarray) -> float:
    """Mean distance of images from the nearest known one, in root mean square grey levels.

    Example:
        >>> zero = np.zeros((1, 1, 2, 2))
        >>> float(nearest(zero, zero + 0.5))
        0.5
    """
    first, second = (each.reshape(len(each), -1).astype(np.float64) for each in (images, known))
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return float(np.sqrt(squares.min(1).clip(0) / first.shape[1]).mean())


def _neighbourhood(
    codes: np.ndarray, labels: np.ndarray, test_codes: np.ndarray, test_labels: np.ndarray
) -> tuple[float, float]:
    """How often the neighbours' majority is right, and the share of neighbours of other classes."""
    squares = (test_codes**2).sum(1)[:, None] + (codes**2).sum(1) - 2 * test_codes @ codes.T
    near = labels[np.argpartition(squares, NEIGHBOURS, 1)[:, :NEIGHBOURS]]
    counts = (near[:, :, None] == np.arange(labels.max() + 1)).sum(1)
    accuracy = float((counts.argmax(1) == test_labels).mean())
    return accuracy, float((near != test_labels[:, None]).mean())


class Judge:
    """A classifier of real digits, and the confidence below which it doubts an image.

    A class's score is the sum of a Gaussian kernel over its training images, so that an image far
    from all of them is doubted too, and not only one between two classes.
    """

    def __init__(self) -> None:
        train, test = digits()
        self._known = train.images.reshape(len(train.images), -1).astype(np.float64)
        self._classes = train.labels[:, None] == np.arange(train.labels.max() + 1)
        self.threshold = float(np.quantile(self.confidence(test.images), DOUBTED))

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The score of every class, of each image, shape (N, C)."""
        x = images.reshape(len(images), -1).astype(np.float64)
        squares = (x**2).sum(1)[:, None] + (self._known**2).sum(1) - 2 * x @ self._known.T
        return np.exp(-SHARPNESS * squares) @ self._classes

    def confidence(self, images: np.ndarray) -> np.ndarray:
        """How far the best class is ahead of the second, of each image."""
        scores = np.sort(self.scores(images), 1)
        return scores[:, -1] - scores[:, -2]


@functools.cache
def judge() -> Judge:
    """The judge, trained once."""
    return Judge()
