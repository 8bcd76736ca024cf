"""A notebook's model as the program sees it: whatever is asked of it, the kernel answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from models.adapter.contract import check_codes, check_images
from models.adapter.definitions import Layers

Ask = Callable[[str, np.ndarray], tuple[dict[str, Any], list[np.ndarray]]]
"""Asks the kernel for "encode" or "decode" of an array."""


class RemoteModel:
    """Is asked through a pipe; see `models.adapter.definitions.Adapter`.

    Args:
        settings: Of the contract: title, likelihood, sigma, beta, and `data` if it names images.
        arrays: Images, labels and class names.
        ask: Reaches the kernel.

    Example:
        >>> answer = {"is_pair": True}, [np.zeros((3, 2), np.float32)] * 2
        >>> own = RemoteModel({}, {}, lambda name, given: answer)
        >>> own.encode(np.zeros((3, 1, 8, 8)))[0].shape
        (3, 2)
    """

    def __init__(
        self, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray], ask: Ask
    ) -> None:
        self._settings, self._arrays, self._ask = dict(settings), dict(arrays), ask

    def settings(self) -> dict[str, Any]:
        """See `Adapter.settings`."""
        return self._settings

    def arrays(self) -> dict[str, np.ndarray]:
        """See `Adapter.arrays`."""
        return self._arrays

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Adapter.encode`."""
        mean, log_variance = check_codes(self._tensors("encode", images), len(images))
        return mean.numpy(), log_variance.numpy()

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """See `Adapter.decode`."""
        return check_images(self._tensors("decode", z), len(z), shape).numpy()

    def decoder_layers(self, latent_dim: int, shape: tuple[int, ...]) -> tuple[Layers, str]:
        """See `Adapter.decoder_layers`; the layers stay in the notebook."""
        return ([], []), "the model runs in the notebook"

    def _tensors(self, name: str, given: np.ndarray) -> Any:
        """What the kernel's function returned."""
        fields, arrays = self._ask(name, given)
        tensors: Sequence[torch.Tensor] = [torch.from_numpy(array) for array in arrays]
        return tuple(tensors) if fields["is_pair"] else tensors[0]
