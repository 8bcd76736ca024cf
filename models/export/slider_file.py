"""The file that β's slider fetches: a multi-rate model with its test set at many β.

Laid out as the file of a map, see `models.export.map_file`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.export.layers import gated_layers
from models.export.map_file import file_bytes
from models.families.multirate import MultirateVAE
from models.latents.rate_curve import RateDistortionCurve


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
        "class_names": list(class_names),
    }
    return file_bytes(document, weights, arrays)
