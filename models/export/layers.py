"""A decoder as a list of plain layers that the browser can run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.families.multirate import MultirateVAE


def decoder_layers(model: nn.Module) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The decoder z → E[x|z] as a list of layers and their numbers.

    Args:
        model: Any model of the registry, or one that has its own `browser_layers`.

    Returns:
        Descriptions in order, and the arrays they use in order, float32.

    Raises:
        ValueError: If a layer is of a kind the layout has no word for.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> layers, arrays = decoder_layers(build_model(ModelConfig(hidden=(8,))))
        >>> [layer["type"] for layer in layers], len(arrays)
        (['linear', 'relu', 'linear', 'mean'], 4)
    """
    if hasattr(model, "browser_layers"):
        return model.browser_layers
    layers, arrays = [], []
    for module in model.at(1.0).decoder.layers:
        layers.append(_describe(module))
        arrays += [_numbers(parameter) for parameter in module.parameters(recurse=False)]
    return [*layers, _mean_layer(model)], arrays


def module_layers(
    decoder: nn.Module, latent_dim: int, image_shape: Sequence[int]
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Describes a user's decoder as a list of layers: its modules in the order they were made.

    What happens between the modules is not seen, so the list is a guess until `run_layers` has
    answered as the decoder does. A flat signal before a convolution is taken to be square images.

    Args:
        decoder: A module in evaluation mode, of layers that the layout has a word for.
        latent_dim: Z.
        image_shape: Channels, height and width of what it decodes to.

    Returns:
        As `decoder_layers`.

    Raises:
        ValueError: If a layer is of a kind, or a setting, the layout has no word for.

    Example:
        >>> decoder = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.BatchNorm1d(64), nn.Sigmoid())
        >>> layers, arrays = module_layers(decoder.eval(), 2, (1, 8, 8))
        >>> [layer["type"] for layer in layers], len(arrays)
        (['linear', 'tanh', 'scale', 'sigmoid', 'mean'], 4)
    """
    layers: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    flat: int | None = latent_dim  # numbers of a signal without height and width
    every = decoder.named_modules(remove_duplicate=False)  # one activation may serve twice
    modules = [module for _, module in every if not _is_nothing(module)]
    for place, module in enumerate(modules):
        layer = _describe(module)
        if layer["type"] in _SPATIAL and flat is not None:
            layers.append(_square(flat, modules[place:]))
        if layer["type"] in (*_SPATIAL, "unflatten"):
            flat = None
        elif layer["type"] == "linear":
            flat = layer["outputs"]
        layers.append(layer)
        arrays += _weights(module)
    size = math.prod(image_shape)
    return [*layers, {"type": "mean", "activation": "identity", "size": size}], arrays


def grid_layer(
    low: Sequence[float], high: Sequence[float], images: np.ndarray
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Decoded images at evenly spaced codes, to be interpolated: a decoder of its own.

    Args:
        low: The first code, one number a latent; one latent or two.
        high: The last code.
        images: Shape (n, d) or (n, m, d): along the first latent, then along the second.

    Returns:
        As `decoder_layers`.

    Example:
        >>> layers, arrays = grid_layer([-1.0], [1.0], np.zeros((5, 64)))
        >>> layers[0]["counts"], arrays[0].shape
        ([5], (5, 64))
    """
    *counts, size = images.shape
    layer = {"type": "grid", "low": list(low), "high": list(high), "counts": counts, "size": size}
    return [layer], [images.astype(np.float32)]


def nearest_layer(
    codes: np.ndarray, images: np.ndarray
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Codes with their decoded images: whatever is asked for, the nearest code's is the answer.

    Args:
        codes: Shape (N, Z).
        images: Shape (N, d).

    Returns:
        As `decoder_layers`.

    Example:
        >>> layers, arrays = nearest_layer(np.zeros((5, 3)), np.zeros((5, 64)))
        >>> layers
        [{'type': 'nearest', 'inputs': 3, 'count': 5, 'size': 64}]
    """
    (count, inputs), size = codes.shape, images.shape[1]
    layer = {"type": "nearest", "inputs": inputs, "count": count, "size": size}
    return [layer], [codes.astype(np.float32), images.astype(np.float32)]


def gated_layers(model: MultirateVAE) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The decoder of a multi-rate model at every β: as `decoder_layers`, its gates beside.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> model = build_model(ModelConfig(family="multirate", hidden=(8,)))
        >>> [layer["type"] for layer in gated_layers(model)[0]]
        ['linear', 'gate', 'relu', 'linear', 'gate', 'mean']
    """
    layers, arrays = [], []
    gates = iter(model.decoder_gates())
    for module in model.decoder.layers:
        layers.append(_describe(module))
        weights = [_numbers(parameter) for parameter in module.parameters(recurse=False)]
        arrays += weights
        if weights:
            scales, shifts = map(_numbers, next(gates))
            layers.append({"type": "gate", "size": scales.shape[1], "ramps": len(scales)})
            arrays += [scales, shifts]
    return [*layers, _mean_layer(model)], arrays


_ACTIVATIONS = {
    nn.ReLU: "relu",
    nn.SiLU: "silu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.Flatten: "flatten",
}
_NOTHING = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.Sequential, nn.ModuleList)
"""Modules that do nothing in evaluation, or only hold others."""
_SPATIAL = ("conv", "conv_transpose", "upsample")


def _mean_layer(model: nn.Module) -> dict[str, Any]:
    """How the likelihood's mean follows from the network's outputs."""
    activation = model.config.mean_activation
    return {"type": "mean", "activation": activation, "size": math.prod(model.config.image_shape)}


def _describe(module: nn.Module) -> dict[str, Any]:
    if isinstance(module, nn.Linear):
        return {"type": "linear", "inputs": module.in_features, "outputs": module.out_features}
    if isinstance(module, nn.ConvTranspose2d):
        return {
            "type": "conv_transpose",
            **_convolution(module),
            "output_padding": list(module.output_padding),
        }
    if isinstance(module, nn.Conv2d):
        return {"type": "conv", **_convolution(module)}
    if isinstance(module, nn.Unflatten):
        return {"type": "unflatten", "shape": list(module.unflattened_size)}
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
        return {"type": "scale", "size": module.num_features}
    if isinstance(module, nn.LeakyReLU):
        return {"type": "leaky_relu", "slope": module.negative_slope}
    if isinstance(module, nn.ELU):
        return {"type": "elu", "slope": module.alpha}
    if isinstance(module, nn.Upsample):
        return {"type": "upsample", "factor": _factors(module)}
    for kind, name in _ACTIVATIONS.items():
        if isinstance(module, kind):
            return {"type": name}
    raise ValueError(f"a layer to export must be of a known kind, got {type(module).__name__}")


def _convolution(module: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    """The numbers of a convolution, which must be equal down and across."""
    given = (module.kernel_size, module.stride, module.padding)
    is_plain = module.groups == 1 and set(module.dilation) == {1}
    is_plain &= module.padding_mode == "zeros" and module.padding not in ("same", "valid")
    if not is_plain or any(down != across for down, across in given):
        raise ValueError(
            "a convolution to export must have a square kernel and no groups, dilation or padding "
            f"but zeros, got {module}"
        )
    return {
        "inputs": module.in_channels,
        "outputs": module.out_channels,
        "kernel": module.kernel_size[0],
        "stride": module.stride[0],
        "padding": module.padding[0],
    }


def _factors(module: nn.Upsample) -> list[int]:
    """How often an upsampling repeats a pixel, down and across."""
    given = module.scale_factor
    pair = given if isinstance(given, tuple) else (given, given)
    if module.mode != "nearest" or not all(factor and factor == int(factor) for factor in pair):
        raise ValueError(
            f"an upsampling to export must repeat pixels by a whole factor, got {module}"
        )
    return [int(factor) for factor in pair]


def _is_nothing(module: nn.Module) -> bool:
    """Whether it only holds other modules, or does nothing in evaluation."""
    return isinstance(module, _NOTHING) or next(module.children(), None) is not None


def _square(count: int, following: Sequence[nn.Module]) -> dict[str, Any]:
    """The square images that a flat signal holds, their channels as the next convolution says."""
    convolutions = (m for m in following if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    channels = next((module.in_channels for module in convolutions), 1)
    side = math.isqrt(count // channels)
    if channels * side * side != count:
        raise ValueError(
            f"a convolution to export must follow whole square images of {channels} channels, "
            f"got {count} numbers"
        )
    return {"type": "unflatten", "shape": [channels, side, side]}


def _weights(module: nn.Module) -> list[np.ndarray]:
    """A layer's weight and bias, zero where it has none; a batch norm's factor and shift."""
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        factor = torch.rsqrt(module.running_var + module.eps)
        shift = -module.running_mean * factor
        if module.affine:
            factor, shift = factor * module.weight, shift * module.weight + module.bias
        return [_numbers(factor), _numbers(shift)]
    if not isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        return []
    outputs = getattr(module, "out_features", None) or module.out_channels
    bias = torch.zeros(outputs) if module.bias is None else module.bias
    return [_numbers(module.weight), _numbers(bias)]


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().float().numpy()
