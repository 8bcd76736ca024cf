"""Decoder, codes and test images as the files that the browser fetches.

Safetensors, as the checkpoints are (`models.storage.tensors`). The JSON document in the metadata
has `layers` (see `models.export.layers`), `image_shape`, `latent_dim`, `class_names` and, of a map,
`noise`: how to draw from p(x|z). Tensors:
`layers.0`, `layers.1`, … in the order in which the layers use them, and the arrays by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from models.export.layers import decoder_layers, gated_layers
from models.families.multirate import MultirateVAE
from models.latents.codes import Codes, to_half
from models.latents.rate_curve import RateDistortionCurve
from models.storage.tensors import MAX_STATE_BYTES, tensor_bytes


def map_file(
    model: nn.Module, codes: Codes, class_names: Sequence[str], half: bool = False
) -> bytes:
    """Makes the file of a live map: a decoder with the codes of the test set.

    Args:
        model: Any model of the registry.
        codes: Of its test set.
        class_names: By label.
        half: Stores the weights with three digits, in half the room: an image then differs by
            less than 1/255.

    Returns:
        A safetensors file with `mean` (N, Z), `log_variance` (N, Z; not of an autoencoder),
        `distortion` (N, nats), `labels` (N, if there are any) and `sigma` (of a Gaussian).

    Raises:
        ValueError: If a number is not finite, or a layer is of a kind that the browser lacks.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> codes = Codes(np.zeros((3, 2)), None, np.zeros(3), None)
        >>> data = map_file(build_model(ModelConfig(hidden=(8,))), codes, [])
        >>> b'"mean"' in data, b'"layers.3"' in data, b'"labels"' in data
        (True, True, False)
    """
    layers, weights = decoder_layers(model)
    arrays = {
        "mean": codes.mean,
        "log_variance": codes.log_variance,
        "distortion": codes.distortion,
        "labels": codes.labels,
    }
    document = {
        "layers": layers,
        "image_shape": model.config.image_shape,
        "latent_dim": codes.latent_dim,
        "class_names": list(class_names),
        "noise": _noise(model),
    }
    arrays["sigma"] = _sigma(model) if document["noise"] == "gaussian" else None
    return _file(document, [to_half(w) for w in weights] if half else weights, arrays)


def slider_file(
    model: MultirateVAE,
    rates: RateDistortionCurve,
    originals: np.ndarray | None,
    prior: np.ndarray,
) -> bytes:
    """Makes the file of β's slider: a multi-rate model with the test set's codes at many β.

    Args:
        model: Of the registry.
        rates: Of its test set; the first codes are those of `originals`.
        originals: Test images to be reconstructed, shape (M, C, H, W) in [0, 1], or None.
        prior: Codes to be decoded as samples, shape (S, Z).

    Returns:
        A safetensors file with `betas` (K), `mean` (K, N, Z), `distortion` (K, nats),
        `rate` (K, Z, nats), `prior`, and, if there are any, `originals` and `labels` (N).
    """
    layers, weights = gated_layers(model)
    arrays = {
        "betas": rates.betas,
        "mean": rates.mean,
        "distortion": rates.distortion,
        "rate": rates.rate,
        "originals": originals,
        "prior": prior,
        "labels": rates.labels,
    }
    document = {
        "layers": layers,
        "image_shape": model.config.image_shape,
        "latent_dim": model.latent_dim,
        "class_names": [],
    }
    return _file(document, weights, arrays)


_NOISE = {"none": "bernoulli", "pixel": "none"}


def _noise(model: nn.Module) -> str:
    """How to draw from p(x|z) given its mean: "bernoulli", "gaussian" with one σ, or "none".

    With a σ for each pixel the mean does not tell it, and the browser has the mean alone.
    """
    return _NOISE.get(model.config.likelihood_properties.sigma, "gaussian")


def _sigma(model: nn.Module) -> np.ndarray:
    """The standard deviation of a pixel, shape (1,)."""
    with torch.no_grad():
        log_variance = model.likelihood.log_variance(torch.zeros(1))
    return torch.exp(0.5 * log_variance).reshape(-1)[:1].numpy()


def _file(
    document: Mapping[str, Any],
    weights: Sequence[np.ndarray],
    arrays: Mapping[str, np.ndarray | None],
) -> bytes:
    """One safetensors file; arrays that are None are left out, float64 becomes float32."""
    named = {f"layers.{place}": weight for place, weight in enumerate(weights)}
    named |= {name: array for name, array in arrays.items() if array is not None}
    tensors = {
        name: array.astype(np.float32) if array.dtype == np.float64 else array
        for name, array in named.items()
    }
    return tensor_bytes(tensors, document, MAX_STATE_BYTES)
