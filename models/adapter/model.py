"""The user's two functions as a model of this project."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.adapter.contract import ROWS
from models.adapter.definitions import Adapter
from models.adapter.errors import AdapterError
from models.config import ModelConfig
from models.families.autoencoder import ImageModel

EPS = 1e-6
"""How near to 0 and 1 a decoded probability may come before it is scored."""


class AdaptedModel(ImageModel):
    """Wraps the user's two functions as a model of this project.

    Args:
        adapter: Whose `encode` and `decode` are used.
        config: Image shape, latent dimension and likelihood.

    Raises:
        AdapterError: From every method, if one of the functions fails or answers with the wrong
            type, shape or range.

    Example:
        >>> from models.adapter.definitions import Definitions
        >>> own = Definitions({"encode": lambda x: (x[:, 0, 0, :2], 0 * x[:, 0, 0, :2]),
        ...                    "decode": lambda z: torch.full((len(z), 1, 8, 8), 0.5)})
        >>> model = AdaptedModel(own, ModelConfig(image_shape=(1, 8, 8)))
        >>> tuple(model.encode(torch.zeros(3, 1, 8, 8))[0].shape)
        (3, 2)
    """

    def __init__(self, adapter: Adapter, config: ModelConfig) -> None:
        super().__init__(config)
        self.browser_layers: tuple[list, list] = ([], [])
        self._adapter = adapter
        self.eval()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Computes mean and log-variance of q(z|x), each of shape (B, Z)."""
        parts = [self._adapter.encode(x.numpy()) for x in images.detach().float().split(ROWS)]
        mean, log_variance = (
            torch.cat([*map(torch.from_numpy, part)]) for part in zip(*parts, strict=True)
        )
        if mean.shape[1] != self.latent_dim:
            raise AdapterError(
                f"encode must give {self.latent_dim} latents each time, got {mean.shape[1]}"
            )
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Computes the mean image E[x|z] of every code, shape (B, C, H, W), without a gradient."""
        shape = self.config.image_shape
        parts = [
            self._adapter.decode(part.numpy(), shape) for part in z.detach().float().split(ROWS)
        ]
        return _joined(parts)

    def _output(self, z: Tensor) -> Tensor:
        """What the likelihood reads: log-odds of a probability kept off 0 and 1, or the mean."""
        images = self.decode(z)
        if not self.config.likelihood_properties.is_binary:
            return images
        return torch.logit(images.double(), eps=EPS).float()


def _joined(parts: Sequence[np.ndarray]) -> Tensor:
    """Arrays one after another, as a tensor."""
    return torch.from_numpy(np.concatenate(parts))
