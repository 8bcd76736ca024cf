"""Positions of a t-SNE map as the file that the browser fetches."""

from __future__ import annotations

import numpy as np

from models.storage.tensors import MAX_STATE_BYTES, tensor_bytes


def positions_file(positions: np.ndarray) -> bytes:
    """Makes a safetensors file with one tensor, `positions` (N, 2), in single precision.

    Example:
        >>> b'"positions"' in positions_file(np.zeros((3, 2)))
        True
    """
    return tensor_bytes({"positions": positions.astype(np.float32)}, {}, MAX_STATE_BYTES)
