"""Finished t-SNE maps as files: places of a test set, with the fingerprint of their codes.

The maps of the shipped models lie beside them, in a folder `tsne`, under the same names. Places are
stored as float16: a thousandth of the map's width at most, which is less than a pixel.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from models.storage.tensors import CheckpointError, read_tensors, write_tensors


def codes_fingerprint(mean: np.ndarray) -> str:
    """Computes the SHA-256 of codes (N, Z) in single precision: equal codes, equal value.

    Example:
        >>> codes_fingerprint(np.zeros((3, 2)))[:8]
        '9d908ecf'
    """
    return hashlib.sha256(np.ascontiguousarray(mean, np.float32).tobytes()).hexdigest()


def write_positions(path: Path, positions: np.ndarray, mean: np.ndarray) -> None:
    """Writes the places (N, 2) of codes (N, Z), whole or not at all.

    Raises:
        ValueError: If a number is not finite.
    """
    stored = {"positions": positions.astype(np.float16)}
    write_tensors(path, stored, {"codes": codes_fingerprint(mean)})


def read_positions(path: Path, mean: np.ndarray) -> np.ndarray | None:
    """Reads the places (N, 2) of these codes, float32; None if the file is of others.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    tensors, document, _ = read_tensors(path)
    positions = tensors.get("positions")
    if positions is None or positions.shape != (len(mean), 2):
        return None
    if document.get("codes") != codes_fingerprint(mean):
        return None
    return positions.astype(np.float32)


def shipped_positions(checkpoint_path: Path, mean: np.ndarray) -> np.ndarray | None:
    """Reads the map that ships beside a checkpoint; None if there is none of these codes."""
    try:
        return read_positions(map_path(checkpoint_path), mean)
    except CheckpointError:
        return None


def map_path(checkpoint_path: Path) -> Path:
    """Returns where the t-SNE map of a checkpoint ships.

    Example:
        >>> map_path(Path("checkpoints/a.safetensors")).as_posix()
        'checkpoints/tsne/a.safetensors'
    """
    return checkpoint_path.parent / "tsne" / checkpoint_path.name
