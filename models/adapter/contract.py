"""The contract of an adapter: a trained PyTorch VAE as two functions in the user's Python file.

    encode(images) → (mean, log_variance)   images (N, C, H, W) float32 in [0, 1]; both (N, Z)
    decode(z)      → images                 z (N, Z) float32; images (N, C, H, W) in [0, 1]

The file may also define

    data            a name for `models.data.load.load`, or a path, of which the test split is
                    taken; or the arrays themselves, as the following, which it goes before
    images          an array or tensor as an .npz may hold it: (N, H, W), (N, C, H, W) or
                    (N, H, W, C), whole numbers or floats,
    labels          with whole numbers or texts (N,), and
    class_names     their names
    likelihood      "gaussian-optimal" (default), "bernoulli", or "gaussian" with
    sigma           its standard deviation
    beta            the weight of the rate in training (default 1)
    title           a label (default: the file's name)
    device          where encode and decode want their tensors (default "cpu")
    decoder         the nn.Module behind decode, or a function that returns it

Paths are relative to the file's own folder, in which it runs: in a process of its own, so that
its packages may have the names of ours (`models.adapter.process`).

This is the one place where a user's code runs: `python -m explorer --adapter FILE` is typed by
the user on their own command line. No screen, link or file can name an adapter.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from models.adapter.answers import (
    remedy_for_code,
    remedy_for_codes,
    remedy_for_images,
    remedy_for_shape,
)
from models.adapter.errors import AdapterError, describe_value

LIKELIHOODS = ("gaussian-optimal", "bernoulli", "gaussian")
MAX_LATENTS = 256
MAX_LOG_VARIANCE = 80.0
TOLERANCE = 1e-3
"""How far a decoded pixel may leave [0, 1]."""
OVERSHOOT = 0.3
"""How far outside [0, 1] the pixels of a linear last layer may lie."""
ROWS = 256
"""Images or codes that the user's functions see at once."""


def check_codes(answer: Any, count: int) -> tuple[Tensor, Tensor]:
    """Checks what `encode` returned for `count` images, and moves it to the CPU as float32.

    Raises:
        AdapterError: Unless it is two finite tensors (count, Z), Z at most 256.

    Example:
        >>> import torch
        >>> check_codes((torch.zeros(3, 2), torch.zeros(3)), 3)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        models.adapter.errors.AdapterError: log_variance must have shape (3, Z), ...
    """
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise AdapterError(
            "encode must return mean and log_variance, "
            f"got {describe_value(answer)}{remedy_for_codes(answer)}"
        )
    parts = []
    for name, part in zip(("mean", "log_variance"), answer, strict=True):
        if not isinstance(part, Tensor):
            raise AdapterError(
                f"{name} must be a torch tensor, got {describe_value(part)}{remedy_for_code(part)}"
            )
        if part.ndim != 2 or len(part) != count or part.shape[1] < 1:
            raise AdapterError(
                f"{name} must have shape ({count}, Z), one row an image, "
                f"got {tuple(part.shape)}{remedy_for_code(part)}"
            )
        part = part.detach().float().cpu()
        if not part.isfinite().all():
            raise AdapterError(f"{name} must be finite, got NaN or infinity from encode")
        parts.append(part)
    mean, log_variance = parts
    if mean.shape != log_variance.shape:
        raise AdapterError(
            "mean and log_variance must have the same shape, "
            f"got {tuple(mean.shape)} and {tuple(log_variance.shape)}"
        )
    if mean.shape[1] > MAX_LATENTS:
        raise AdapterError(f"there must be at most {MAX_LATENTS} latents, got {mean.shape[1]}")
    if log_variance.abs().max() > MAX_LOG_VARIANCE:
        raise AdapterError(
            f"log_variance must lie within ±{MAX_LOG_VARIANCE:g}, "
            f"got {_largest(log_variance):.4g}: return ln σ², not σ² or σ"
        )
    return mean, log_variance


def check_images(answer: Any, count: int, shape: tuple[int, ...]) -> Tensor:
    """Checks what `decode` returned for `count` codes, and moves it to the CPU as float32.

    Raises:
        AdapterError: Unless it is a finite tensor (count, *shape) in [0, 1].

    Example:
        >>> import torch
        >>> check_images(torch.full((2, 1, 8, 8), 3.0), 2, (1, 8, 8))
        Traceback (most recent call last):
        models.adapter.errors.AdapterError: decode must give images in [0, 1], got 3 to 3: divide \
them by the value of white, as in images / 255; encode then begins with images = 255 * images
    """
    if not isinstance(answer, Tensor):
        raise AdapterError(
            f"decode must return a torch tensor, got {describe_value(answer)}"
            f"{remedy_for_images(answer)}"
        )
    expected = (count, *shape)
    if tuple(answer.shape) != expected:
        raise AdapterError(
            f"decode must give images of shape {expected} for {count} codes, "
            f"got {tuple(answer.shape)}: {remedy_for_shape(tuple(answer.shape), expected)}"
        )
    images = answer.detach().float().cpu()
    if not images.isfinite().all():
        raise AdapterError("decode must give finite images, got NaN or infinity")
    low, high = images.min().item(), images.max().item()
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise AdapterError(
            f"decode must give images in [0, 1], got {low:.4g} to {high:.4g}: {_mapping(low, high)}"
        )
    return images


def _mapping(low: float, high: float) -> str:
    """How images of that range become images in [0, 1]."""
    overshoots = ", or images.clip(0, 1) if the last layer is linear and only overshoots"
    beyond = overshoots if low > -OVERSHOOT and high < 1 + OVERSHOOT else ""
    if low >= -TOLERANCE and high > 2:
        return (
            "divide them by the value of white, as in images / 255; "
            "encode then begins with images = 255 * images"
        )
    if low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        return (
            "return (images + 1) / 2 if the decoder ends in tanh; "
            f"encode then begins with images = 2 * images - 1{beyond}"
        )
    return (
        "end it with a sigmoid if the decoder gives logits, or return images * std + mean if it "
        "was trained on normalised images; encode then begins with images = (images - mean) / std"
        f"{beyond}"
    )


def _largest(values: Tensor) -> float:
    """The value of largest size, with its sign."""
    flat = values.flatten()
    return flat[flat.abs().argmax()].item()
