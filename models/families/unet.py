"""A small U-Net: an image and a time in, an image out, of any size from 8 to 64 pixels a side.

The image is halved from level to level on the way down, doubled on the way up, and what each level
saw on the way down joins it on the way up. The time scales and shifts the channels of every block.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FREQUENCIES = 16
"""Of sine and cosine, by which a time is told from another."""
GROUP = 8
"""Most channels that are normalised together."""


def time_features(progress: Tensor) -> Tensor:
    """Turns times t/T, shape (B,), into sines and cosines, shape (B, 2 · `FREQUENCIES`).

    Wave lengths fall evenly, in logarithms, from 4 to 1/50 of the whole.

    Example:
        >>> time_features(torch.tensor([0.0, 1.0])).shape
        torch.Size([2, 32])
    """
    angles = 2 * math.pi * progress[:, None] * _rates(progress.device)
    return torch.cat([angles.sin(), angles.cos()], 1)


@functools.cache
def _rates(device: torch.device) -> Tensor:
    """Waves over the whole, shape (`FREQUENCIES`,): made once, for that takes a millisecond."""
    return torch.logspace(math.log10(0.25), math.log10(50), FREQUENCIES, device=device)


class Block(nn.Module):
    """Two convolutions with a shortcut; the time scales and shifts what is between them.

    Example:
        >>> Block(4, 8, 16)(torch.zeros(2, 4, 5, 7), torch.zeros(2, 16)).shape
        torch.Size([2, 8, 5, 7])
    """

    def __init__(self, inputs: int, outputs: int, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.GroupNorm(_groups(outputs), outputs)
        self.time = nn.Linear(features, 2 * outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.norm(self.first(F.silu(x)))
        scale, shift = self.time(time)[:, :, None, None].chunk(2, 1)
        return self.shortcut(x) + self.second(F.silu(h * (1 + scale) + shift))


def _groups(channels: int) -> int:
    """The fewest groups of equal size, each of at most `GROUP` channels."""
    return next(n for n in range(1, channels + 1) if channels % n == 0 and channels // n <= GROUP)


class UNet(nn.Module):
    """ε̂(x_t, t): an image like its input.

    Args:
        image_channels: C, 1 or 3.
        channels: Of every level, from the first down; each level halves the size, odd ones up.
        patch: Pixels a side that are one place of the first level, all of them its channels: with
            2 it is half as high and wide as the image, so its channels cost a quarter.

    Example:
        >>> UNet(3, (8, 16), patch=2)(torch.zeros(2, 3, 9, 13), torch.ones(2)).shape
        torch.Size([2, 3, 9, 13])
    """

    def __init__(self, image_channels: int, channels: Sequence[int], patch: int = 1) -> None:
        super().__init__()
        features, places = 2 * channels[0], image_channels * patch**2
        self.patch = patch
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, features), nn.SiLU())
        self.stem = nn.Conv2d(places, channels[0], 3, padding=1)
        self.down = nn.ModuleList(Block(width, width, features) for width in channels)
        self.halve = nn.ModuleList(
            nn.Conv2d(wide, narrow, 3, stride=2, padding=1)
            for wide, narrow in itertools.pairwise(channels)
        )
        self.middle = Block(channels[-1], channels[-1], features)
        self.up = nn.ModuleList(
            Block(below + here, here, features)
            for here, below in itertools.pairwise([*channels, channels[-1]])
        )
        self.out = nn.Conv2d(channels[0], places, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, images: Tensor, progress: Tensor) -> Tensor:
        """Guesses ε of images, shape (B, C, H, W), at times t/T, shape (B,)."""
        time = self.time(time_features(progress))
        h, seen = self.stem(self._fold(images)), []
        for level, block in enumerate(self.down):
            h = block(self.halve[level - 1](h) if level else h, time)
            seen.append(h)
        h = self.middle(h, time)
        for level in reversed(range(len(self.up))):
            size = seen[level].shape[2:]
            if h.shape[2:] != size:
                h = F.interpolate(h, size=size, mode="nearest")
            h = self.up[level](torch.cat([h, seen[level]], 1), time)
        height, width = images.shape[2:]
        return F.pixel_shuffle(self.out(F.silu(h)), self.patch)[:, :, :height, :width]

    def _fold(self, images: Tensor) -> Tensor:
        """Makes patches channels, (B, C·p², ⌈H/p⌉, ⌈W/p⌉); what an edge lacks is zero."""
        height, width = images.shape[2:]
        missing = (0, -width % self.patch, 0, -height % self.patch)
        return F.pixel_unshuffle(F.pad(images, missing), self.patch)
