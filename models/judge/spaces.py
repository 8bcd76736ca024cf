"""The spaces in which images are compared: a judge's features, and pixels without labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from models.judge.file import JudgeFile
from models.judge.network import Judge
from models.judge.train import features_of
from models.metrics.samples.scores import JUDGE, PIXELS, Described
from models.storage.tensors import CheckpointError

COMPONENTS = 64


class Projection(NamedTuple):
    """The label-free space: principal components of the training images' pixels.

    All components are divided by one number, so that their variances add up to their number.
    """

    mean: np.ndarray
    directions: np.ndarray

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Projects pixels (n, D) to (n, d)."""
        return (np.asarray(pixels, np.float64) - self.mean) @ self.directions


def principal_components(pixels: np.ndarray, components: int = COMPONENTS) -> Projection:
    """Finds the space of images by their pixels alone.

    Args:
        pixels: Of the real training images, (N, D).
        components: d, at most D.

    Raises:
        ValueError: If all images are equal.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pixels = rng.random((500, 9))
        >>> space = principal_components(pixels, 4)
        >>> float(space(pixels).var(0).sum().round(6))
        4.0
    """
    mean = pixels.mean(0, dtype=np.float64)
    covariance = np.cov(pixels, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    kept = min(components, len(values))
    total = values[-kept:].sum()
    if not total > 0:
        raise ValueError("the training images must differ, got equal ones")
    return Projection(mean, vectors[:, ::-1][:, :kept] * np.sqrt(kept / total))


class Spaces:
    """Describes images in all spaces that there are for their data set.

    Args:
        training: Pixels of the real training images, (N, C, H, W).
        judge: Of the same images; None leaves out what needs classes.
        device: Where the judge computes.

    Raises:
        CheckpointError: If the judge's weights are not those of its network.
    """

    def __init__(self, training: np.ndarray, judge: JudgeFile | None, device: str = "cpu") -> None:
        self._projection = principal_components(training.reshape(len(training), -1))
        self._file = judge
        self._network = None if judge is None else restore_judge(judge).to(device)

    def describe(self, images: np.ndarray) -> Described:
        """Describes images (N, C, H, W) in [0, 1]."""
        pixels = images.reshape(len(images), -1)
        spaces = {PIXELS: self._projection(pixels)}
        if self._network is None:
            return Described(spaces, pixels)
        found = features_of(self._network, torch.tensor(images))
        with torch.no_grad():
            confidence, classes = self._network.classify(found).softmax(1).max(1)
        centred = found.cpu().double().numpy() - self._file.mean
        deviation = np.where(self._file.deviation > 0, self._file.deviation, 1.0)
        spaces = {JUDGE: centred / deviation, **spaces}
        return Described(spaces, pixels, classes.cpu().numpy(), confidence.cpu().numpy())


def restore_judge(file: JudgeFile) -> Judge:
    """Builds the judge of a file, in evaluation mode.

    Raises:
        CheckpointError: If a tensor is missing, unknown, or of another shape.
    """
    with torch.device("meta"):
        network = Judge(file.card.image_shape, file.card.classes)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = {name: value.shape for name, value in file.weights.items()}
    if expected != given or file.mean.shape != expected["head.weight"][1:]:
        raise CheckpointError("the judge's tensors must be those of its network")
    state = {name: torch.from_numpy(value.copy()) for name, value in file.weights.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()
