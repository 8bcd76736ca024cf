"""The file that the editor of tokens fetches: a VQ-VAE with its prior, and test images as tokens.

Laid out as the file of a map, see `models.export.map_file`. The browser decodes any grid of tokens,
computes what the prior charges for it and draws from the prior by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from models.export.layers import decoder_layers
from models.export.map_file import NOISE, file_bytes, sigma_of
from models.families.vq_vae import CHUNK, VQVAE


def tokens_file(
    model: VQVAE,
    images: np.ndarray,
    shown: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> bytes:
    """Makes the file of a VQ-VAE.

    Args:
        model: In evaluation mode.
        images: Test images, over which the use of the codes is counted, shape (N, C, H, W); none
            where they are not on this machine.
        shown: The numbers of those to choose from, shape (M,).
        labels: Of all images, shape (N,), or None.
        class_names: In the order of the labels.

    Returns:
        A safetensors file with the decoder's layers, `codebook` (K, D), `usage` (K), `sigma` (1, of
        a Gaussian whose σ is no function of the code), the prior's weights as `prior.…`, and, if
        there are images, `originals` (M, C, H, W), `tokens` (M, T), `numbers` (M) and `labels` (M).
        The document has `grid`, its rows and columns, and `codes`, K.

    Example:
        >>> from models.config import ModelConfig
        >>> config = ModelConfig(network="conv", hidden=(8,), image_shape=(1, 8, 8))
        >>> images = np.zeros((5, 1, 8, 8), np.float32)
        >>> data = tokens_file(VQVAE(config).eval(), images, np.arange(2))
        >>> b'"codebook"' in data, b'"prior.position"' in data
        (True, True)
    """
    config = model.config
    layers, weights = decoder_layers(model)
    tokens = _tokens(model, images)
    noise = NOISE.get(config.likelihood_properties.sigma, "gaussian")
    state = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    arrays = {
        "codebook": state["codebook.vectors"],
        "usage": np.bincount(tokens.ravel(), minlength=model.codes).astype(np.float32),
        "sigma": sigma_of(config, state) if noise == "gaussian" else None,
        "originals": images[shown].astype(np.float32) if len(shown) else None,
        "tokens": tokens[shown] if len(shown) else None,
        "numbers": shown.astype(np.int64) if len(shown) else None,
        "labels": labels[shown] if labels is not None and len(shown) else None,
    }
    arrays |= {name: value for name, value in state.items() if name.startswith("prior.")}
    document = {
        "layers": layers,
        "image_shape": config.image_shape,
        "latent_dim": model.latent_dim,
        "class_names": list(class_names),
        "noise": noise,
        "grid": model.grid,
        "codes": model.codes,
    }
    return file_bytes(document, weights, arrays)


def _tokens(model: VQVAE, images: np.ndarray) -> np.ndarray:
    """Tokens of images, shape (N, T); of none, (0, T)."""
    with torch.inference_mode():
        chunks = [model.tokenize(chunk) for chunk in torch.tensor(images).split(CHUNK)]
    return torch.cat(chunks).numpy()
