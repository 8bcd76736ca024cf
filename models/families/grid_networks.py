"""Networks between an image and a grid of code vectors: convolutions that keep rows and columns.

An image (B, C, H, W) becomes a grid (B, D, H >> s, W >> s) with one halving for each of the s
entries of `hidden`; the decoder mirrors the encoder and gives (B, k·C, H, W), where k is what the
likelihood needs per pixel. Both are plain lists of layers that the browser can run.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from models.config import ModelConfig
from models.families.networks import ACTIVATIONS


def grid_shape(config: ModelConfig) -> tuple[int, int]:
    """Rows and columns of the grid of an image.

    Example:
        >>> grid_shape(ModelConfig(network="conv", hidden=(8, 16), image_shape=(1, 9, 13)))
        (2, 3)
    """
    _, height, width = config.image_shape
    return height >> len(config.hidden), width >> len(config.hidden)


class GridEncoder(nn.Module):
    """Convolutions that halve the image at every layer, one more, then D numbers for each place.

    Example:
        >>> config = ModelConfig(network="conv", hidden=(8, 16), image_shape=(1, 9, 13))
        >>> GridEncoder(config)(torch.zeros(3, 1, 9, 13)).shape
        torch.Size([3, 2, 2, 3])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        activation = ACTIVATIONS[config.activation]
        stages = [config.image_shape[0], *config.hidden]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(stages):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), activation()]
        layers += [nn.Conv2d(stages[-1], stages[-1], 3, 1, 1), activation()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(stages[-1], config.latent_dim, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class GridDecoder(nn.Module):
    """A convolution over the grid, then transposed ones that double it, to any size.

    Example:
        >>> config = ModelConfig(network="conv", hidden=(8, 16), image_shape=(1, 9, 13))
        >>> GridDecoder(config, 1)(torch.zeros(3, 2 * 2 * 3)).shape
        torch.Size([3, 1, 9, 13])
    """

    def __init__(self, config: ModelConfig, outputs: int) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        activation = ACTIVATIONS[config.activation]
        stages = [*reversed(config.hidden), outputs * channels]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (config.latent_dim, *grid_shape(config))),
            nn.Conv2d(config.latent_dim, stages[0], 3, 1, 1),
            activation(),
        ]
        for stage, (inputs, outs) in enumerate(itertools.pairwise(stages)):
            level = len(config.hidden) - 1 - stage
            odd = ((height >> level) % 2, (width >> level) % 2)
            layers += [nn.ConvTranspose2d(inputs, outs, 4, 2, 1, output_padding=odd), activation()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, grid: Tensor) -> Tensor:
        return self.layers(grid)

    @torch.no_grad()
    def start_at(self, output: Tensor) -> None:
        """Sets the last bias so that an untrained network gives about the mean of `output`."""
        self.layers[-1].bias.copy_(output.mean((1, 2)))
