"""The files that β's slider fetches: a multi-rate model with its test set at many β.

Laid out as the file of a map, see `models.export.map_file`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.export.layers import gated_layers
from models.export.map_file import file_bytes
from models.families.multirate import MultirateVAE
from models.latents.codes import to_half
from models.latents.rate_curve import CodesCurve, RateDistortionCurve


def slider_file(
    model: MultirateVAE,
    rates: RateDistortionCurve,
    originals: np.ndarray | None,
    prior: np.ndarray,
    class_names: Sequence[str] = (),
) -> bytes:
    """Makes the file of β's slider: a multi-rate model with the test set's codes at many β.

    Args:
        model: Of the registry.
        rates: Of its test set; the first codes are those of `originals`.
        originals: Test images to be reconstructed, shape (M, C, H, W) in [0, 1], or None.
        prior: Codes to be decoded as samples, shape (S, Z).
        class_names: In the order of the labels.

    Returns:
        A safetensors file with `betas` (K), `mean` (K, N, Z), `distortion` (K, nats),
        `rate` (K, Z, nats), `prior`, and, if there are any, `originals` and `labels` (N).
    """
    arrays = {
        "betas": rates.betas,
        "mean": rates.mean,
        "distortion": rates.distortion,
        "rate": rates.rate,
        "originals": originals,
        "prior": prior,
        "labels": rates.labels,
    }
    return _bytes(model, arrays, class_names)


def codes_file(model: MultirateVAE, codes: CodesCurve, class_names: Sequence[str] = ()) -> bytes:
    """Makes the file with which a map goes to any β: the decoder, and the codes at many β.

    Args:
        model: Of the registry.
        codes: Of the first test images.
        class_names: In the order of the labels.

    Returns:
        A safetensors file with `betas` (K), `mean` and `log_variance` (K, N, Z; three digits),
        `distortion` (K, N, nats), and, if there are any, `labels` (N).
    """
    arrays = {
        "betas": codes.betas,
        "mean": to_half(codes.mean),
        "log_variance": to_half(codes.log_variance),
        "distortion": to_half(codes.distortion),
        "labels": codes.labels,
    }
    return _bytes(model, arrays, class_names)


def _bytes(
    model: MultirateVAE, arrays: dict[str, np.ndarray | None], class_names: Sequence[str]
) -> bytes:
    """A decoder with its gates, and these arrays."""
    layers, weights = gated_layers(model)
    document = {
        "layers": layers,
        "image_shape": model.config.image_shape,
        "latent_dim": model.latent_dim,
        "class_names": list(class_names),
    }
    return file_bytes(document, weights, arrays)
