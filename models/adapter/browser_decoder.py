"""How the browser decodes the user's model: layers, a grid of decoded points, or nearest codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from models.adapter.definitions import Adapter
from models.adapter.model import AdaptedModel
from models.export.interpreter import run_layers
from models.export.layers import grid_layer, nearest_layer
from models.latents.codes import Codes

EXACT = 1e-4
"""How near the browser's layers must come to the decoder to count as the decoder itself."""
MAX_NUMBERS = 2**21
"""Of decoded images that the browser is given where it cannot decode."""
REACH = 4.0
"""Standard deviations of the prior that a decoded grid covers at least."""
MOST_GRID = {1: 513, 2: 65}
"""Most grid points along a latent, by the number of latents."""
WHERE = "Under the pointer, on the map itself and in a saved HTML file"
"""Where the browser decodes alone; elsewhere it asks the server."""


def find_browser_layers(
    model: AdaptedModel, adapter: Adapter, codes: Codes
) -> tuple[tuple[list, list], str]:
    """Finds layers that the browser can decode with.

    Those of the decoder if they answer as `decode` does; else a grid of decoded points (one or two
    latents) or the decoded test codes.

    Args:
        model: The user's model.
        adapter: May name a decoder.
        codes: Of the test images.

    Returns:
        Layers and arrays, as `models.export.layers` makes them; a sentence for the screen on how
        they differ from the decoder, empty if they do not.

    Raises:
        AdapterError: If `decoder` is not a module, or fails.
    """
    layers, why = _exact_layers(model, adapter)
    if layers is not None:
        return layers, ""
    if model.latent_dim <= 2:
        return _grid(model, codes, why)
    return _nearest(model, codes, why)


def _exact_layers(model: AdaptedModel, adapter: Adapter) -> tuple[tuple[list, list] | None, str]:
    """The decoder's own layers, or None and the reason why they cannot be used."""
    layers, why = adapter.decoder_layers(model.latent_dim, model.config.image_shape)
    if why:
        return None, why
    z = 2 * torch.randn(64, model.latent_dim, generator=torch.Generator().manual_seed(1))
    try:
        answer = run_layers(*layers, z)
    except (RuntimeError, IndexError):
        return (
            None,
            "the layers of decoder do not run in the order in which they were defined",
        )
    expected = model.decode(z).flatten(1)
    if answer.shape != expected.shape or not (answer - expected).abs().max() <= EXACT:
        return None, "decode does more than the layers of decoder, one after another"
    return layers, ""


def _grid(model: AdaptedModel, codes: Codes, why: str) -> tuple[tuple[list, list], str]:
    """Decoded images on a grid over codes and prior, and the error between grid points."""
    size = math.prod(model.config.image_shape)
    most = int((MAX_NUMBERS / size) ** (1 / model.latent_dim))
    side = max(2, min(MOST_GRID[model.latent_dim], most))
    low = np.minimum(codes.mean.min(0), -REACH)
    high = np.maximum(codes.mean.max(0), REACH)
    lines = [torch.linspace(*ends, side) for ends in zip(low.tolist(), high.tolist(), strict=True)]
    z = torch.cartesian_prod(*lines).reshape(-1, model.latent_dim)
    images = model.decode(z).flatten(1).numpy().reshape(*[side] * model.latent_dim, size)
    layers = grid_layer(low.tolist(), high.tolist(), images)
    rows = codes.mean[:: max(1, len(codes) // 500)]
    shown = interpolate(layers[0][0], images, rows)
    error = np.abs(shown - model.decode(torch.tensor(rows)).flatten(1).numpy())
    points = " × ".join([str(side)] * model.latent_dim)
    return layers, (
        f"{WHERE}: between decoded grid points "
        f"({points} of them; at the test codes "
        f"{error.mean():.3f} from the decoder on average, {error.max():.3f} at most; white is 1), "
        f"as {why}."
    )


def interpolate(layer: Mapping[str, Any], images: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Interpolates between grid points as the browser does, linearly along every latent.

    Args:
        layer: Of `models.export.layers.grid_layer`.
        images: Its images, shape (n, d) or (n, m, d).
        z: Codes, shape (N, Z); outside the grid, the nearest edge counts.

    Returns:
        Shape (N, d).

    Example:
        >>> images = np.array([[0.0], [1.0], [4.0]])
        >>> layer = {"low": [0.0], "high": [2.0], "counts": [3]}
        >>> interpolate(layer, images, np.array([[1.5], [9.0]])).ravel().tolist()
        [2.5, 4.0]
    """
    counts = np.array(layer["counts"])
    low, high = np.array(layer["low"]), np.array(layer["high"])
    place = ((z - low) / (high - low) * (counts - 1)).clip(0, counts - 1)
    first = np.minimum(place.astype(int), counts - 2)
    share = place - first
    result = np.zeros((len(z), images.shape[-1]))
    for corner in np.ndindex(*[2] * len(counts)):
        weight = np.where(corner, share, 1 - share).prod(1)
        result += weight[:, None] * images[tuple((first + corner).T)]
    return result


def _nearest(model: AdaptedModel, codes: Codes, why: str) -> tuple[tuple[list, list], str]:
    """The test images' codes, decoded: as many as the browser may be given."""
    most = max(1, MAX_NUMBERS // math.prod(model.config.image_shape))
    kept = codes.mean[:: math.ceil(len(codes) / most)]
    images = model.decode(torch.tensor(kept)).flatten(1).numpy()
    return nearest_layer(kept, images), (
        f"{WHERE}: the nearest of {len(kept):,} decoded test codes, not the spot itself, as {why}."
    )
