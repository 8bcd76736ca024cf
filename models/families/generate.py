"""New images of a trained model, whichever family it is of: in batches, from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

BATCH_SIZE = 250
MAX_COUNT = 100_000
MAX_STEPS = 1000


def generate(
    model: Any,
    count: int,
    seed: int = 0,
    steps: int | None = None,
    draw: bool = False,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Tensor]:
    """Makes new images and yields them batch by batch; stop iterating to cancel the rest.

    The arguments are checked first, even if no batch is asked for. The model is in evaluation mode
    while a batch is made, and in its earlier mode between two batches.

    Args:
        model: Of a family that has a prior.
        count: How many images, 1 to 100,000.
        seed: Of every draw; the same seed, count and batches give the same images.
        steps: Network evaluations for each image, where the family samples in steps; None: as many
            as it takes by itself.
        draw: Whether pixels are drawn from p(x|z), where there is one; else its mean is returned.
        batch_size: Images made at once.

    Returns:
        An iterator of images of shape (batch, C, H, W), float32 in [0, 1], on the model's device.

    Raises:
        ValueError: If the family has no prior, or takes no steps but is given some, or the model
            has no p(x|z) to draw from, or a number is outside its limits.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> [len(images) for images in generate(build_model(ModelConfig()), 5, batch_size=3)]
        [3, 2]
    """
    _check(model.config, count, steps, draw)
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    sizes = [min(batch_size, count - done) for done in range(0, count, batch_size)]
    return (_batch(model, size, generator, steps, draw) for size in sizes)


def evaluations(model: Any) -> int:
    """Counts the passes through the network that a new image takes, unless steps are given.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> evaluations(build_model(ModelConfig()))
        1
    """
    return int(getattr(model, "evaluations", 1))


def _check(config: Any, count: int, steps: int | None, draw: bool) -> None:
    capabilities = config.capabilities
    if not capabilities.has_prior:
        raise ValueError(
            f"a model must have a prior to make new images, and a model of family {config.family} "
            "has none: choose a model of another family"
        )
    if not 1 <= count <= MAX_COUNT:
        raise ValueError(f"count must be 1 to {MAX_COUNT:,}, got {count:,}")
    if steps is not None and not capabilities.samples_in_steps:
        raise ValueError(
            f"steps must be left out for a model of family {config.family}, which does not sample "
            f"in steps, got {steps}"
        )
    if steps is not None and not 1 <= steps <= MAX_STEPS:
        raise ValueError(f"steps must be 1 to {MAX_STEPS:,}, got {steps:,}")
    if draw and not (capabilities.has_likelihood and capabilities.has_decoder):
        raise ValueError(
            f"pixels can be drawn where a decoder gives p(x|z), but a model of family "
            f"{config.family} gives images at once: leave out the draw"
        )


def _batch(
    model: Any, count: int, generator: torch.Generator, steps: int | None, draw: bool
) -> Tensor:
    was_training = model.training
    model.eval()
    try:
        return model.generate(count, generator, **({"draw": True} if draw else {"steps": steps}))
    finally:
        model.train(was_training)
