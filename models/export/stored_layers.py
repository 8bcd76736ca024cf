"""The decoder of a checkpoint as the browser's layers, from settings and weights alone.

The same layers as `models.export.layers.decoder_layers` gives for the restored model, without
torch: so the first map does not wait for its import.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.config import ModelConfig


def stored_layers(
    config: ModelConfig, weights: Mapping[str, np.ndarray]
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Describes the decoder z → E[x|z] of stored weights; of a multi-rate model at β = 1.

    Args:
        config: Of the model.
        weights: Its state by name, as a checkpoint has it.

    Returns:
        As `models.export.layers.decoder_layers`: descriptions, and the arrays they use in order.

    Raises:
        KeyError: If a weight of the decoder is missing.

    Example:
        >>> config = ModelConfig(hidden=(), image_shape=(1, 8, 8))
        >>> weights = {"decoder.layers.0.weight": np.ones((64, 2), np.float32)}
        >>> weights["decoder.layers.0.bias"] = np.zeros(64, np.float32)
        >>> [layer["type"] for layer in stored_layers(config, weights)[0]]
        ['linear', 'mean']
    """
    describe = _fully_connected if config.network == "mlp" else _convolutional
    layers = describe(config, 2 if config.likelihood_properties.sigma == "pixel" else 1)
    gates = iter(_gates(config, weights, layers))
    arrays = []
    for place, layer in enumerate(layers):
        if layer["type"] not in ("linear", "conv_transpose"):
            continue
        weight, bias = (weights[f"decoder.layers.{place}.{part}"] for part in ("weight", "bias"))
        gate = next(gates, None)
        if gate is not None:
            scale, shift = gate
            outputs_first = (-1, 1) if layer["type"] == "linear" else (1, -1, 1, 1)
            weight, bias = scale.reshape(outputs_first) * weight, scale * bias + shift
        arrays += [weight.astype(np.float32), bias.astype(np.float32)]
    activation = config.mean_activation
    mean = {"type": "mean", "activation": activation, "size": math.prod(config.image_shape)}
    return [*layers, mean], arrays


def _fully_connected(config: ModelConfig, outputs: int) -> list[dict[str, Any]]:
    """Linear layers with the activation between them."""
    pixels = outputs * math.prod(config.image_shape)
    widths = [config.latent_dim, *reversed(config.hidden), pixels]
    layers: list[dict[str, Any]] = []
    for size, after in itertools.pairwise(widths):
        layers += [
            {"type": "linear", "inputs": size, "outputs": after},
            {"type": config.activation},
        ]
    return layers[:-1]


def _convolutional(config: ModelConfig, outputs: int) -> list[dict[str, Any]]:
    """A linear layer, then transposed convolutions that double the image."""
    channels, height, width = config.image_shape
    stages = [*reversed(config.hidden), outputs * channels]
    halvings = len(config.hidden)
    start = [stages[0], height >> halvings, width >> halvings]
    layers: list[dict[str, Any]] = [
        {"type": "linear", "inputs": config.latent_dim, "outputs": math.prod(start)},
        {"type": config.activation},
        {"type": "unflatten", "shape": start},
    ]
    for stage, (size, after) in enumerate(itertools.pairwise(stages)):
        level = halvings - 1 - stage
        odd = [(height >> level) % 2, (width >> level) % 2]
        doubling = {"kernel": 4, "stride": 2, "padding": 1, "output_padding": odd}
        layers += [
            {"type": "conv_transpose", "inputs": size, "outputs": after, **doubling},
            {"type": config.activation},
        ]
    return layers[:-1]


def _gates(
    config: ModelConfig, weights: Mapping[str, np.ndarray], layers: list[dict[str, Any]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scale and shift of every layer of the decoder at β = 1; of other families, none."""
    if "gates" not in weights:
        return []
    low, high = math.log(config.beta_min), math.log(config.beta_max)
    place = -(low + high) / (high - low)
    centres = np.linspace(-1, 1, len(weights["gates"]), dtype=np.float32)
    ramps = np.tanh(2 * (np.float32(place) - centres))
    sizes = [layer["outputs"] for layer in layers if "outputs" in layer]
    numbers = (ramps @ weights["gates"])[-2 * sum(sizes) :]  # those of the encoder come first
    parts = np.split(numbers, np.cumsum([size for size in sizes for _ in range(2)])[:-1])
    return [(1 + scale, shift) for scale, shift in zip(parts[::2], parts[1::2], strict=True)]
