"""The file that a live map fetches: decoder, codes and how to draw from p(x|z).

Safetensors, as the checkpoints are (`models.storage.tensors`). The JSON document in the metadata
has `layers` (see `models.export.layers`), `image_shape`, `latent_dim`, `class_names` and `noise`.
Tensors: `layers.0`, `layers.1`, … in the order in which the layers use them, and arrays by name.
Imports no torch, so that the first map does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.config import MIN_SIGMA, ModelConfig
from models.export.stored_layers import stored_layers
from models.latents.codes import Codes, to_half
from models.storage.checkpoint import Checkpoint
from models.storage.tensors import MAX_STATE_BYTES, tensor_bytes

Layers = tuple[list[dict[str, Any]], list[np.ndarray]]
"""Descriptions, and the arrays they use in order."""
NOISE = {"none": "bernoulli", "pixel": "none"}
"""How p(x|z) is drawn from, by where its σ comes from; else it is a Gaussian of one σ."""


def map_file(checkpoint: Checkpoint, layers: Layers | None = None, half: bool = False) -> bytes:
    """Makes the file of a live map: a decoder with the codes of the test set.

    Args:
        checkpoint: With the codes of its test set, which may be of no image.
        layers: Of a decoder that is not in the checkpoint, such as a custom model's.
        half: Stores the weights with three digits, in half the room: an image then differs by
            less than 1/255.

    Returns:
        A safetensors file with `mean` (N, Z), `log_variance` (N, Z; not of an autoencoder),
        `distortion` (N, nats; not of codes without a model), `labels` (N) and `factors` (N, K), if
        there are any, and `sigma` (1, of a Gaussian).

    Raises:
        ValueError: If a number is not finite.
        KeyError: If a weight is missing.
    """
    config, codes = checkpoint.card.config.model, checkpoint.codes
    described, weights = layers or _own_layers(checkpoint)
    noise = NOISE.get(config.likelihood_properties.sigma, "gaussian")
    if codes.distortion is None:  # there is no p(x|z)
        noise = "unknown"
    arrays = codes_arrays(codes) | {
        "sigma": sigma_of(config, checkpoint.weights) if noise == "gaussian" else None
    }
    document = _document(checkpoint, described, codes.latent_dim, noise)
    return file_bytes(document, [to_half(w) for w in weights] if half else weights, arrays)


def _own_layers(checkpoint: Checkpoint) -> Layers:
    """The decoder of the weights; where only a sampler turns noise into an image, the noise."""
    config = checkpoint.card.config.model
    if not config.capabilities.has_decoder:
        return [{"type": "noise"}], []
    return stored_layers(config, checkpoint.weights)


def decoder_file(checkpoint: Checkpoint) -> bytes:
    """Makes the file of a decoder alone, for a model whose images have no codes.

    Args:
        checkpoint: Of a family with a decoder.

    Returns:
        A safetensors file with the layers and nothing else.
    """
    config = checkpoint.card.config.model
    described, weights = stored_layers(config, checkpoint.weights)
    return file_bytes(_document(checkpoint, described, config.latent_dim, "none"), weights, {})


def _document(
    checkpoint: Checkpoint, layers: list[dict[str, Any]], latent_dim: int, noise: str
) -> dict[str, Any]:
    return {
        "layers": layers,
        "image_shape": checkpoint.card.config.model.image_shape,
        "latent_dim": latent_dim,
        "class_names": list(checkpoint.card.class_names),
        "noise": noise,
    }


def codes_arrays(codes: Codes) -> dict[str, np.ndarray | None]:
    """Names the arrays of a test set's codes.

    Example:
        >>> arrays = codes_arrays(Codes(np.zeros((3, 2)), None, np.zeros(3), None))
        >>> [name for name, array in arrays.items() if array is not None]
        ['mean', 'distortion']
    """
    return {
        "mean": codes.mean if len(codes) else None,
        "log_variance": codes.log_variance,
        "distortion": codes.distortion,
        "labels": codes.labels,
        "factors": codes.factors,
    }


def positions_file(positions: np.ndarray) -> bytes:
    """Makes the file of a t-SNE map: one tensor, `positions` (N, 2), in single precision.

    Example:
        >>> b'"positions"' in positions_file(np.zeros((3, 2)))
        True
    """
    return tensor_bytes({"positions": positions.astype(np.float32)}, {}, MAX_STATE_BYTES)


def file_bytes(
    document: Mapping[str, Any],
    weights: Sequence[np.ndarray],
    arrays: Mapping[str, np.ndarray | None],
) -> bytes:
    """Makes one safetensors file; arrays that are None are left out, float64 becomes float32.

    Example:
        >>> data = file_bytes({"layers": []}, [np.ones(2)], {"mean": np.ones(3), "labels": None})
        >>> b'"layers.0"' in data, b'"labels"' in data
        (True, False)
    """
    named = {f"layers.{place}": weight for place, weight in enumerate(weights)}
    named |= {name: array for name, array in arrays.items() if array is not None}
    tensors = {
        name: array.astype(np.float32) if array.dtype == np.float64 else array
        for name, array in named.items()
    }
    return tensor_bytes(tensors, document, MAX_STATE_BYTES)


def sigma_of(config: ModelConfig, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Reads the standard deviation of a pixel from settings and stored weights, shape (1,).

    Example:
        >>> sigma_of(ModelConfig(likelihood="gaussian", sigma=0.5), {})
        array([0.5], dtype=float32)
    """
    stored = weights.get("likelihood.log_sigma")
    sigma = config.sigma if stored is None else float(np.exp(stored))
    return np.array([max(sigma, MIN_SIGMA)], np.float32)
