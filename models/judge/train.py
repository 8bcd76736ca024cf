"""Training of a judge, once for each data set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from models.data.byte_images import first_images
from models.data.image_set import ImageSet
from models.devices import device_of
from models.judge.file import JudgeCard, JudgeFile
from models.judge.network import Judge

UPDATES = 2500
BATCH = 128
LEARNING_RATE = 2e-3
SHIFT = 1 / 12
"""Largest shift of an image in training, a share of its side."""
_BATCH_OF_FEATURES = 2000
MOST_BYTES = 2**28
"""Of training images that are held at once."""


def train_judge(
    training: ImageSet,
    test: ImageSet,
    seed: int = 0,
    updates: int = UPDATES,
    progress: Callable[[float], None] = lambda share: None,
    device: str = "cpu",
) -> JudgeFile:
    """Trains a judge on labelled images, each shifted a little at random.

    Args:
        training: With labels.
        test: For its accuracy, with labels.
        seed: Of weights, batches and shifts.
        updates: Steps of the optimiser.
        progress: Receives the share done.
        device: "cpu", "cuda" or "mps"; batches and shifts are drawn on the processor.

    Raises:
        ValueError: If the images have no labels, or only one class.

    Example:
        >>> from models.data.load import load
        >>> file = train_judge(load("digits", "train"), load("digits", "test"), updates=60)
        >>> file.card.classes, file.card.accuracy > 0.3
        (10, True)
    """
    if training.labels is None or test.labels is None or len(training.class_names) < 2:
        raise ValueError(
            f"a judge must be trained on images of two or more classes, got {training.name}: "
            "without labels, images are compared by their pixels"
        )
    began = time.process_time()
    images = torch.tensor(first_images(training.images, MOST_BYTES))
    labels = torch.tensor(training.labels[: len(images)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(training.image_shape, len(training.class_names)).to(device)
        _fit(judge, images, labels, updates, progress)
    judge.eval()
    features = features_of(judge, images)
    with torch.no_grad():
        answers = judge.classify(features_of(judge, torch.tensor(test.images))).argmax(1)
    accuracy = (answers.cpu() == torch.tensor(test.labels)).float().mean().item()
    card = JudgeCard(
        training.name, training.fingerprint, training.image_shape, len(training.class_names),
        accuracy, math.sqrt(accuracy * (1 - accuracy) / len(test)), len(images), len(test),
        round(time.process_time() - began, 1), torch.__version__,
    )  # fmt: skip
    weights = {name: value.cpu().numpy() for name, value in judge.state_dict().items()}
    features = features.cpu()
    return JudgeFile(card, weights, features.mean(0).numpy(), features.std(0).numpy())


def _fit(
    judge: Judge, images: Tensor, labels: Tensor, updates: int, progress: Callable[[float], None]
) -> None:
    """Adam with a learning rate that falls to 0 along half a cosine."""
    optimizer = torch.optim.AdamW(judge.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    judge.train()
    device = device_of(judge)
    images, labels = images.to(device), labels.to(device)
    for step in range(updates):
        places = torch.randint(len(images), (BATCH,)).to(device)
        loss = functional.cross_entropy(judge(shifted(images[places])), labels[places])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            progress(step / updates)


def shifted(images: Tensor) -> Tensor:
    """Shifts a batch by the same few pixels, drawn from torch's generator; black comes in.

    Example:
        >>> shifted(torch.ones(2, 1, 8, 8)).shape
        torch.Size([2, 1, 8, 8])
    """
    height, width = images.shape[-2:]
    most = max(1, round(SHIFT * max(height, width)))
    down, right = torch.randint(2 * most + 1, (2,)).tolist()
    padded = functional.pad(images, (most,) * 4)
    return padded[..., down : down + height, right : right + width]


@torch.no_grad()
def features_of(judge: Judge, images: Tensor) -> Tensor:
    """Computes the features of images, part by part, (N, `FEATURES`), where the judge is."""
    device = device_of(judge)
    return torch.cat([judge.features(part.to(device)) for part in images.split(_BATCH_OF_FEATURES)])
