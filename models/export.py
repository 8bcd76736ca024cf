"""A decoder as bytes that another program can run: the layout the browser reads.

    uint32 (little-endian)   length of the header, a multiple of 4
    header                   JSON, padded with spaces; `layers`, and what the caller adds
    float16 (little-endian)  the first `halves` numbers, where the header says so; padded
    float32 (little-endian)  the other numbers

The numbers are every layer's weight, then its bias, in the order of `layers`; then the caller's
arrays, in the order of `arrays`.

Layer types and their numbers: `linear` (inputs, outputs; weight row by row, one row an output),
`conv_transpose` (inputs, outputs, kernel, stride, padding, output_padding; weight in torch's
order input, output, y, x), `relu`, `silu`, `unflatten` (shape), `gate` (size, ramps; scales, then
shifts, one row a ramp: see `models.multirate`), `mean` (of the likelihood: `sigmoid` or
`identity`, of the first `size` outputs).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.latents import Codes
from models.likelihoods import Bernoulli
from models.multirate import MultirateVAE
from models.rates import Rates


def decoder_layers(model: nn.Module) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The decoder z → E[x|z] as a list of layers and their numbers.

    Args:
        model: Any model of the registry.

    Returns:
        Descriptions in order, and the arrays they use in order, float32.

    Raises:
        ValueError: If a layer is of a kind the layout has no word for.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.registry import build_model
        >>> layers, arrays = decoder_layers(build_model(ModelConfig(hidden=(8,))))
        >>> [layer["type"] for layer in layers], len(arrays)
        (['linear', 'relu', 'linear', 'mean'], 4)
    """
    layers, arrays = [], []
    for module in model.at(1.0).decoder.layers:
        layers.append(_describe(module))
        arrays += [_numbers(parameter) for parameter in module.parameters(recurse=False)]
    return [*layers, _mean_layer(model)], arrays


def pack_model(
    model: nn.Module, codes: Codes, class_names: Sequence[str], half: bool = False
) -> bytes:
    """A decoder with the test set's codes: all that a live map needs.

    Args:
        model: Any model of the registry.
        codes: Of its test set.
        class_names: By label.
        half: Stores the weights with three digits, in half the room: an image then differs by
            less than 1/255.

    Returns:
        The layout of this module. The header adds `image_shape`, `latent_dim`, `class_names` and
        `arrays`: name and count of each, of `mean` (N·Z), `log_variance` (N·Z, not of an
        autoencoder), `distortion` (N, nats) and `label` (N, if there are labels).

    Example:
        >>> from models.config import ModelConfig
        >>> from models.registry import build_model
        >>> codes = Codes(np.zeros((3, 2)), None, np.zeros(3), None)
        >>> data = pack_model(build_model(ModelConfig(hidden=(8,))), codes, [])
        >>> json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])["arrays"]
        [['mean', 6], ['distortion', 3]]
    """
    layers, numbers = decoder_layers(model)
    arrays = {
        "mean": codes.mean,
        "log_variance": codes.log_variance,
        "distortion": codes.distortion,
        "label": codes.labels,
    }
    present = {name: array for name, array in arrays.items() if array is not None}
    header = {
        "layers": layers,
        "image_shape": model.config.image_shape,
        "latent_dim": codes.latent_dim,
        "class_names": list(class_names),
        "arrays": [[name, array.size] for name, array in present.items()],
    }
    return pack(header, numbers + list(present.values()), len(numbers) if half else 0)


def gated_layers(model: MultirateVAE) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The decoder of a multi-rate model at every β: as `decoder_layers`, its gates beside.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.registry import build_model
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


def pack_rates(model: MultirateVAE, rates: Rates, original: np.ndarray, prior: np.ndarray) -> bytes:
    """A multi-rate model with its test set at many β: all that the trade-off's slider needs.

    Args:
        model: Of the registry.
        rates: Of its test set; the first codes are those of `original`.
        original: Test images to be reconstructed, shape (M, C, H, W) in [0, 1].
        prior: Codes to be decoded as samples, shape (S, Z).

    Returns:
        The layout of this module; `arrays` as in `pack_model`: `beta` (K), `mean` (K·N·Z),
        `distortion` (K, nats), `rate` (K·Z, nats), `original`, `prior`, and `label` (N) if any.
    """
    layers, numbers = gated_layers(model)
    arrays = {
        "beta": rates.betas,
        "mean": rates.mean,
        "distortion": rates.distortion,
        "rate": rates.rate,
        "original": original,
        "prior": prior,
    }
    if rates.labels is not None:
        arrays["label"] = rates.labels
    header = {
        "layers": layers,
        "image_shape": model.config.image_shape,
        "latent_dim": model.latent_dim,
        "class_names": [],
        "arrays": [[name, array.size] for name, array in arrays.items()],
    }
    return pack(header, numbers + list(arrays.values()))


def _mean_layer(model: nn.Module) -> dict[str, Any]:
    """How the likelihood's mean follows from the network's outputs."""
    activation = "sigmoid" if isinstance(model.likelihood, Bernoulli) else "identity"
    return {"type": "mean", "activation": activation, "size": math.prod(model.config.image_shape)}


def _describe(module: nn.Module) -> dict[str, Any]:
    if isinstance(module, nn.Linear):
        return {"type": "linear", "inputs": module.in_features, "outputs": module.out_features}
    if isinstance(module, nn.ConvTranspose2d):
        return {
            "type": "conv_transpose",
            "inputs": module.in_channels,
            "outputs": module.out_channels,
            "kernel": module.kernel_size[0],
            "stride": module.stride[0],
            "padding": module.padding[0],
            "output_padding": list(module.output_padding),
        }
    if isinstance(module, nn.Unflatten):
        return {"type": "unflatten", "shape": list(module.unflattened_size)}
    for kind, name in ((nn.ReLU, "relu"), (nn.SiLU, "silu")):
        if isinstance(module, kind):
            return {"type": name}
    raise ValueError(f"a layer to export must be of a known kind, got {type(module).__name__}")


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().float().numpy()


def pack(header: Mapping[str, Any], arrays: Sequence[np.ndarray], half: int = 0) -> bytes:
    """Header and numbers in the layout of this module, the first `half` arrays as float16.

    Example:
        >>> data = pack({"layers": []}, [np.ones(3), np.ones(2)], half=1)
        >>> int.from_bytes(data[:4], "little") % 4, len(data) % 4
        (0, 0)
    """
    halves = sum(array.size for array in arrays[:half])
    text = json.dumps({**header, "halves": halves}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    short = b"".join(np.ascontiguousarray(array, "<f2").tobytes() for array in arrays[:half])
    short += b"\0" * (-len(short) % 4)
    full = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays[half:]]
    return len(text).to_bytes(4, "little") + text + short + b"".join(full)
