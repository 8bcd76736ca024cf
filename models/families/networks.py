"""Encoders and decoders: fully connected and convolutional, for images of 8 to 64 pixels a side.

An encoder maps images (B, C, H, W) to features (B, F); a decoder maps codes (B, Z) to an output
(B, k·C, H, W), where k is what the likelihood needs per pixel. The decoder mirrors the encoder.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from models.config import ModelConfig

ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU}


def _mlp(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of these widths with the activation between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


class MLPEncoder(nn.Module):
    """Pixels → hidden layers → features.

    Example:
        >>> MLPEncoder(ModelConfig(image_shape=(1, 8, 8)), 4)(torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3, 4])
    """

    def __init__(self, config: ModelConfig, features: int) -> None:
        super().__init__()
        widths = [math.prod(config.image_shape), *config.hidden, features]
        self.layers = _mlp(widths, ACTIVATIONS[config.activation])

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images.flatten(1))


class MLPDecoder(nn.Module):
    """Code → hidden layers, mirrored → pixels.

    Example:
        >>> MLPDecoder(ModelConfig(image_shape=(1, 8, 8)), 1)(torch.zeros(3, 2)).shape
        torch.Size([3, 1, 8, 8])
    """

    def __init__(self, config: ModelConfig, outputs: int) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.output_shape = (outputs * channels, height, width)
        widths = [config.latent_dim, *reversed(config.hidden), math.prod(self.output_shape)]
        self.layers = _mlp(widths, ACTIVATIONS[config.activation])

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(-1, self.output_shape)

    @torch.no_grad()
    def start_at(self, output: Tensor) -> None:
        """Sets the last bias so that an untrained network gives `output`, shape (k·C, H, W)."""
        self.layers[-1].bias.copy_(output.flatten())


class ConvEncoder(nn.Module):
    """Convolutions that halve the image at every layer, then one linear layer.

    Example:
        >>> config = ModelConfig(network="conv", hidden=(8, 16), image_shape=(1, 9, 13))
        >>> ConvEncoder(config, 4)(torch.zeros(3, 1, 9, 13)).shape
        torch.Size([3, 4])
    """

    def __init__(self, config: ModelConfig, features: int) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        stages = [channels, *config.hidden]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(stages):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), ACTIVATIONS[config.activation]()]
        halvings = len(config.hidden)
        size = stages[-1] * (height >> halvings) * (width >> halvings)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, features))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class ConvDecoder(nn.Module):
    """One linear layer, then transposed convolutions that double the image, to any size.

    A kernel of 4 at stride 2 covers every pixel equally often, so there is no checkerboard.

    Source:
        Odena, Dumoulin & Olah, Deconvolution and Checkerboard Artifacts, Distill 2016.

    Example:
        >>> config = ModelConfig(network="conv", hidden=(8, 16), image_shape=(1, 9, 13))
        >>> ConvDecoder(config, 1)(torch.zeros(3, 2)).shape
        torch.Size([3, 1, 9, 13])
    """

    def __init__(self, config: ModelConfig, outputs: int) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        stages = [*reversed(config.hidden), outputs * channels]
        halvings = len(config.hidden)
        start = (stages[0], height >> halvings, width >> halvings)
        activation = ACTIVATIONS[config.activation]
        layers: list[nn.Module] = [
            nn.Linear(config.latent_dim, math.prod(start)),
            activation(),
            nn.Unflatten(1, start),
        ]
        for stage, (inputs, outs) in enumerate(itertools.pairwise(stages)):
            level = halvings - 1 - stage
            odd = ((height >> level) % 2, (width >> level) % 2)
            layers += [nn.ConvTranspose2d(inputs, outs, 4, 2, 1, output_padding=odd), activation()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)

    @torch.no_grad()
    def start_at(self, output: Tensor) -> None:
        """Sets the last bias so that an untrained network gives about the mean of `output`."""
        self.layers[-1].bias.copy_(output.mean((1, 2)))


def build_encoder(config: ModelConfig, features: int) -> nn.Module:
    """Builds the encoder that a config names, with `features` outputs.

    Example:
        >>> type(build_encoder(ModelConfig(), 4)).__name__
        'MLPEncoder'
    """
    return (MLPEncoder if config.network == "mlp" else ConvEncoder)(config, features)


def build_decoder(config: ModelConfig, outputs: int) -> nn.Module:
    """Builds the decoder that a config names, with `outputs` numbers per pixel.

    Example:
        >>> type(build_decoder(ModelConfig(network="conv", hidden=(8,)), 1)).__name__
        'ConvDecoder'
    """
    return (MLPDecoder if config.network == "mlp" else ConvDecoder)(config, outputs)
