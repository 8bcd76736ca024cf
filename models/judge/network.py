"""The judge's network: two convolutions, a layer of features, a layer of classes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

FEATURES = 32
"""Dimensions of the penultimate layer."""
_CHANNELS = (24, 48)
_SMALL_SIDE = 16
"""Up to this side the first convolution keeps the size."""


class Judge(nn.Module):
    """A classifier of images whose penultimate layer is a space to compare images in.

    The features are taken before their nonlinearity, where they are closest to Gaussian.

    Args:
        image_shape: Channels, height and width.
        classes: How many there are.

    Example:
        >>> import torch
        >>> judge = Judge((1, 8, 8), 10)
        >>> tuple(judge.features(torch.zeros(3, 1, 8, 8)).shape)
        (3, 32)
    """

    def __init__(self, image_shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        stride = 1 if max(height, width) <= _SMALL_SIDE else 2
        self.first = nn.Conv2d(channels, _CHANNELS[0], 3, stride, 1)
        self.second = nn.Conv2d(*_CHANNELS, 3, 2, 1)
        pixels = -(-height // (2 * stride)) * -(-width // (2 * stride))
        self.neck = nn.Linear(_CHANNELS[1] * pixels, FEATURES)
        self.head = nn.Linear(FEATURES, classes)

    def features(self, images: Tensor) -> Tensor:
        """Computes the penultimate layer, (B, `FEATURES`), of images (B, C, H, W) in [0, 1]."""
        hidden = functional.silu(self.first(images))
        hidden = functional.silu(self.second(hidden)).flatten(1)
        return self.neck(functional.dropout(hidden, 0.3, self.training))

    def classify(self, features: Tensor) -> Tensor:
        """Computes logits (B, K) from features (B, `FEATURES`)."""
        return self.head(functional.silu(features))

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, K) of images (B, C, H, W)."""
        return self.classify(self.features(images))
