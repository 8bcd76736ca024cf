"""Untrusted safetensors files: read and checked, or refused with one sentence.

Size, header and JSON are capped before the safetensors library parses the tensors; then the payload
must match its checksum, and every number must be finite. The bytes are read, never mapped, no code
is ever executed, and reading needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from models import strict_json
from models.atomic import write_bytes
from models.places import open_file

MAX_FILE_BYTES = 64 * 2**20
MAX_STATE_BYTES = 256 * 2**20
"""Of our own training states: weights and Adam's two moments of the largest model, and room."""
MAX_HEADER_BYTES = 256 * 2**10
MAX_MAGNITUDE = 1e6
"""Of a weight; distortions in nats and Adam's squared gradients may be larger."""
_DTYPES = ("F64", "F32", "F16", "I64", "U8")
_SLICE = 2**18
_FIRST_BYTES = 64
"""Enough to know an impostor by."""
_IMPOSTORS = {
    b"PK\x03\x04": "a zip archive, perhaps a PyTorch file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"version https://git-lfs": "a git-lfs pointer, not the file itself",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}


class CheckpointError(ValueError):
    """A file that is not a usable checkpoint; the message is one sentence for the user."""


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, np.ndarray],
    document: Mapping[str, Any],
    max_bytes: int = MAX_FILE_BYTES,
) -> None:
    """Writes named arrays and one JSON document, whole or not at all.

    The bytes go to a temporary file beside the target, reach the disk, and take the target's
    name in one step, so that a crash or a full disk leaves the old file or the new, whole.

    Raises:
        ValueError: If a number is not finite, or `read_tensors` would refuse the file.
    """
    write_bytes(path, tensor_bytes(tensors, document, max_bytes))


def tensor_bytes(
    tensors: Mapping[str, np.ndarray],
    document: Mapping[str, Any],
    max_bytes: int = MAX_FILE_BYTES,
) -> bytes:
    """Serialises named arrays and one JSON document as a safetensors file.

    Raises:
        ValueError: If a number is not finite, or `read_tensors` would refuse the file.

    Example:
        >>> data = tensor_bytes({"a": np.zeros(3, np.float32)}, {"b": [1, 2]})
        >>> int.from_bytes(data[:8], "little") + 8 + 3 * 4 == len(data)
        True
    """
    for name, value in tensors.items():
        if not all_within(value, math.inf):
            raise ValueError(f"every number of {name!r} must be finite: nothing was written")
    contiguous = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    metadata = {key: json.dumps(value, allow_nan=False) for key, value in document.items()}
    body = save_tensors(contiguous)
    metadata["sha256"] = _payload_digest(body)
    data = save_tensors(contiguous, metadata)
    _check_size(len(data), max_bytes)
    _check_header(data, len(data))
    return data


def read_tensors(
    path: str | Path, max_bytes: int = MAX_FILE_BYTES
) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Reads arrays, JSON document and payload digest of a file written by `write_tensors`.

    The bytes are read, not mapped: a file that is truncated later cannot hurt the process. The
    arrays are read-only.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    try:
        _check_size(os.stat(path).st_size, max_bytes)
        with open_file(path) as file:
            data = file.read()
    except OSError as error:
        raise CheckpointError(f"the file cannot be read: {error.strerror}") from error
    metadata = _check_header(data, len(data))[0]
    tensors = _parse(data)
    digest = _payload_digest(data)
    if metadata.pop("sha256", None) != digest:
        raise CheckpointError("the file's content must match its checksum: it is damaged")
    for name, value in tensors.items():
        if not all_within(value, math.inf):
            raise CheckpointError(f"every number of {name[:60]!r} must be finite")
    return tensors, _documents(metadata), digest


def read_header(
    path: str | Path, max_bytes: int = MAX_FILE_BYTES
) -> tuple[dict[str, Any], frozenset[str]]:
    """Reads the JSON document and the names of the tensors, without the tensors.

    A file that is cut short or has an invalid header is refused; damage to the numbers themselves
    is found by `read_tensors` alone.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            _check_size(size, max_bytes)
            data = file.read(_FIRST_BYTES)
            length = int.from_bytes(data[:8], "little")
            if length <= MAX_HEADER_BYTES:
                data += file.read(max(0, 8 + length - len(data)))
    except OSError as error:
        raise CheckpointError(f"the file cannot be read: {error.strerror}") from error
    metadata, header = _check_header(data, size)
    ends = [entry["data_offsets"][-1:] for entry in header.values()]
    if max(ends, default=[0]) != [size - 8 - length]:
        raise CheckpointError(_REFUSALS["incomplete metadata"])
    metadata.pop("sha256", None)
    return _documents(metadata), frozenset(header)


def _documents(metadata: Mapping[str, str]) -> dict[str, Any]:
    return {key: _parse_json(value, f"metadata {key[:40]!r}") for key, value in metadata.items()}


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise CheckpointError(
            f"the file must be at most {max_bytes >> 20} MiB, got {size / 2**20:.2f} MiB"
        )


def all_within(value: np.ndarray, limit: float) -> bool:
    """Whether every number is finite and its size at most `limit`; takes little memory.

    Example:
        >>> all_within(np.array([-(2**63), 1]), 1e6), all_within(np.array([-3.0, 2.0]), 3.0)
        (False, True)
    """
    flat = np.asarray(value).reshape(-1)
    slices = (flat[start : start + _SLICE] for start in range(0, flat.size, _SLICE))
    return all(
        np.isfinite(part).all() and -limit <= part.min() and part.max() <= limit for part in slices
    )


def _payload_digest(data: bytes) -> str:
    """SHA-256 of the tensors' bytes: what comes after the header."""
    header = int.from_bytes(data[:8], "little")
    return hashlib.sha256(memoryview(data)[8 + header :]).hexdigest()


def _check_header(data: bytes, size: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Checks what the library's parser lets pass; returns the metadata and the tensors' entries.

    Args:
        data: The file, or its beginning with the whole header.
        size: Of the file.
    """
    length = int.from_bytes(data[:8], "little")
    for magic, what in _IMPOSTORS.items():  # a valid header of 1152 bytes begins like a pickle
        if length > MAX_HEADER_BYTES and data.startswith(magic):
            raise CheckpointError(f"the file must be a safetensors checkpoint, got {what}")
    if size < 8 or length > size - 8:
        raise CheckpointError("the file must be a whole safetensors checkpoint: it is cut short")
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(f"the file's header must be at most {MAX_HEADER_BYTES >> 10} KiB")
    header = _parse_json(data[8 : 8 + length], "header")
    if not isinstance(header, dict):
        raise CheckpointError("the file's header must be a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError("the file's metadata must be texts by name")
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise CheckpointError(f"the header's entry for {name[:60]!r} is malformed")
        if isinstance(entry["dtype"], str) and entry["dtype"] not in _DTYPES:
            dtype = entry["dtype"]
            raise CheckpointError(
                f"the tensor {name[:60]!r} must be one of {', '.join(_DTYPES)}, got {dtype!r:.20}"
            )
    return metadata, header


def _parse(data: bytes) -> dict[str, np.ndarray]:
    """Parses the tensors with the safetensors library, which checks types, sizes and offsets."""
    try:
        tensors = load_tensors(data)
    except SafetensorError as error:
        raise CheckpointError(_refusal(str(error))) from error
    for name, value in tensors.items():
        if not value.size:
            raise CheckpointError(f"the tensor {name[:60]!r} must hold at least one number")
        value.flags.writeable = False
    return tensors


_REFUSALS = {
    "invalid JSON": "the header must give dtype, shape and place of every tensor: it is damaged",
    "invalid offset": "the tensors must fill the file without gap or overlap",
    "incomplete metadata": "the tensors must fill the file: it is cut short, or something follows",
    "invalid shape": "every tensor's shape must match its number of bytes",
}
"""By the words with which the library's message begins: what must hold, for people."""


def _refusal(message: str) -> str:
    """Says in our words what the safetensors library refuses; its own quote the file."""
    reason = message.removeprefix("Error while deserializing: ")
    sentences = (text for start, text in _REFUSALS.items() if reason.startswith(start))
    return next(sentences, "the file must be a valid safetensors file: it is damaged")


def _parse_json(text: str | bytes, what: str) -> Any:
    try:
        return strict_json.parse(text, f"file's {what}")
    except ValueError as error:
        raise CheckpointError(str(error)) from error
