"""The user's two functions as a model of this project."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.adapter.contract import ROWS, check_codes, check_images
from models.adapter.errors import AdapterError, describe_exception
from models.config import ModelConfig
from models.families.autoencoder import ImageModel

EPS = 1e-6
"""How near to 0 and 1 a decoded probability may come before it is scored."""


class AdaptedModel(ImageModel):
    """Wraps the user's two functions as a model of this project.

    Args:
        functions: What the adapter's file defines; `encode` and `decode` are used.
        config: Image shape, latent dimension and likelihood.
        device: Where the two functions want their tensors.

    Raises:
        AdapterError: From every method, if one of the functions fails or answers with the wrong
            type, shape or range.

    Example:
        >>> functions = {"encode": lambda x: (x[:, 0, 0, :2], 0 * x[:, 0, 0, :2]),
        ...              "decode": lambda z: torch.full((len(z), 1, 8, 8), 0.5)}
        >>> model = AdaptedModel(functions, ModelConfig(image_shape=(1, 8, 8)))
        >>> tuple(model.encode(torch.zeros(3, 1, 8, 8))[0].shape)
        (3, 2)
    """

    def __init__(self, functions: Mapping[str, Any], config: ModelConfig, device: str = "cpu"):
        super().__init__(config)
        self.browser_layers: tuple[list, list] = ([], [])
        self._functions, self._device = functions, device
        self._lock = threading.Lock()
        self.eval()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Computes mean and log-variance of q(z|x), each of shape (B, Z)."""
        parts = [check_codes(self.call("encode", x), len(x)) for x in images.split(ROWS)]
        means, log_variances = zip(*parts, strict=True)
        mean = torch.cat(means)
        if mean.shape[1] != self.latent_dim:
            raise AdapterError(
                f"encode must give {self.latent_dim} latents each time, got {mean.shape[1]}"
            )
        return mean, torch.cat(log_variances)

    def decode(self, z: Tensor) -> Tensor:
        """Computes the mean image E[x|z] of every code, shape (B, C, H, W)."""
        shape = self.config.image_shape
        return torch.cat(
            [check_images(self.call("decode", part), len(part), shape) for part in z.split(ROWS)]
        )

    def _output(self, z: Tensor) -> Tensor:
        """What the likelihood reads: log-odds of a probability kept off 0 and 1, or the mean."""
        images = self.decode(z)
        if not self.config.likelihood_properties.is_binary:
            return images
        return torch.logit(images.double(), eps=EPS).float()

    def call(self, name: str, given: Tensor) -> Any:
        """Calls one of the user's functions, one call at a time: it may not expect more.

        Args:
            name: "encode" or "decode".
            given: Images or codes.
        """
        with self._lock, torch.no_grad():
            try:
                return self._functions[name](given.float().to(self._device))
            except Exception as error:  # the user's code may fail in any way
                raise AdapterError(
                    f"{name} must not fail, but it did: {describe_exception(error)}"
                ) from error
