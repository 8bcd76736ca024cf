"""Runs the exported layers in numpy: the reference for the browser's decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def run_layers(layers: Sequence[Mapping], arrays: Sequence[np.ndarray], z: Tensor) -> Tensor:
    """What the browser makes of codes by the layers of `module_layers`, computed by torch.

    Args:
        layers: Of `module_layers`.
        arrays: Of `module_layers`.
        z: Codes, shape (B, Z).

    Returns:
        Images, flat, shape (B, C·H·W).

    Raises:
        RuntimeError: If a layer does not fit the signal that reaches it.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from models.export.layers import module_layers
        >>> layers, arrays = module_layers(nn.Linear(2, 64), 2, (1, 8, 8))
        >>> run_layers(layers, arrays, torch.zeros(3, 2)).shape
        torch.Size([3, 64])
    """
    numbers = iter(torch.tensor(array) for array in arrays)
    for layer in layers:
        z = _run_layer(layer, z, numbers)
    return z


def _run_layer(layer: Mapping, x: Tensor, numbers: Iterator[Tensor]) -> Tensor:
    """One layer of `run_layers`, taking the numbers it needs."""
    match layer["type"]:
        case "linear":
            return F.linear(x.flatten(1), next(numbers), next(numbers))
        case "conv":
            weight, bias = next(numbers), next(numbers)
            return F.conv2d(x, weight, bias, layer["stride"], layer["padding"])
        case "conv_transpose":
            weight, bias, extra = next(numbers), next(numbers), layer["output_padding"]
            return F.conv_transpose2d(x, weight, bias, layer["stride"], layer["padding"], extra)
        case "scale":
            shape = (1, layer["size"], *[1] * (x.ndim - 2))
            return x * next(numbers).view(shape) + next(numbers).view(shape)
        case "upsample":
            down, across = layer["factor"]
            return x.repeat_interleave(down, 2).repeat_interleave(across, 3)
        case "unflatten":
            return x.reshape(len(x), *layer["shape"])
        case "flatten":
            return x.flatten(1)
        case "leaky_relu":
            return F.leaky_relu(x, layer["slope"])
        case "elu":
            return F.elu(x, layer["slope"])
        case "mean":
            return x.flatten(1)[:, : layer["size"]]
    return {"relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[
        layer["type"]
    ](x)
