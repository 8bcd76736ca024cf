"""Decoder, codes and test images as the bytes that the browser fetches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from models.export.layers import decoder_layers, gated_layers
from models.families.multirate import MultirateVAE
from models.latents.codes import Codes
from models.latents.rate_curve import RateDistortionCurve


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
        >>> from models.families.registry import build_model
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


def pack_rates(
    model: MultirateVAE, rates: RateDistortionCurve, original: np.ndarray, prior: np.ndarray
) -> bytes:
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
