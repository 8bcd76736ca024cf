"""Checkpoints: one safetensors file each, tensors and a JSON card, written whole or not at all.

Reading trusts nothing. The header is capped and parsed by hand, the payload must match its
checksum, every number must be finite, the config passes the validator, and names and shapes are
those of the model it describes. No code is ever executed. Reading needs no torch, so a map is
on screen before torch is imported; only `restore` builds the model.

Layout: tensors `model.*` (weights), `codes.*` (the test set through the model, see
`models.latents.Codes`), `rates.*` (the same at many β, of a multi-rate model, see
`models.latents.Rates`); metadata key `card`, one JSON document, see `Card`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as save_tensors

from models.config import RunConfig
from models.imageset import clean_name
from models.latents import Codes, Rates

SCHEMA = 1
MAX_FILE_BYTES = 64 * 2**20
MAX_STATE_BYTES = 256 * 2**20
"""Of our own training states: weights and Adam's two moments of the largest model, and room."""
MAX_HEADER_BYTES = 256 * 2**10
MAX_NESTING = 16
MAX_MAGNITUDE = 1e6
"""Of a weight; distortions in nats and Adam's squared gradients may lawfully be larger."""
UPGRADES: dict[int, Any] = {}
"""From a schema number to the function that lifts its card to the next one."""

_DTYPES = {
    name: np.dtype(code)
    for name, code in (("F64", "<f8"), ("F32", "<f4"), ("F16", "<f2"), ("I64", "<i8"), ("U8", "u1"))
}
_SLICE = 2**18
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


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself.

    Attributes:
        config: The run that made it.
        title: A label for people; never a path.
        data_name: The data set's name, with the class names and the test set's fingerprint.
        steps: Updates made.
        seconds: Training time, wall clock.
        metrics: Test-set scores, as `models.runs.scores` gives them.
        torch: Version of torch that made it.
        command: How to make it again.
        changes: Of β and learning rate while it ran, in words; `config` has the last ones.
    """

    config: RunConfig
    title: str = ""
    data_name: str = ""
    data_fingerprint: str = ""
    class_names: tuple[str, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    torch: str = ""
    command: str = ""
    changes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The card as plain JSON values."""
        return {**self.__dict__, "schema": SCHEMA, "config": self.config.to_json()}

    @classmethod
    def from_json(cls, document: Any) -> Card:
        """A card from parsed JSON.

        Raises:
            CheckpointError: If the schema is unknown or a value is not what it must be.
        """
        if not isinstance(document, dict):
            raise CheckpointError("the card must be a JSON object: choose another file")
        document = _upgrade(dict(document))
        try:
            config = RunConfig.from_json(document.pop("config", None))
        except ValueError as error:
            raise CheckpointError(f"the card's settings are not valid: {error}") from error
        for name, kind in _CARD_TYPES.items():
            document[name] = _card_value(name, kind, document.get(name, kind()))
        unknown = sorted(set(document) - set(_CARD_TYPES))
        if unknown:
            raise CheckpointError(f"the card has an unknown entry {unknown[0][:40]!r}")
        return cls(config=config, **document)


_CARD_TYPES = {
    "title": str,
    "data_name": str,
    "data_fingerprint": str,
    "class_names": list,
    "steps": int,
    "seconds": float,
    "metrics": dict,
    "torch": str,
    "command": str,
    "changes": list,
}


def _card_value(name: str, kind: type, value: Any) -> Any:
    """One entry of the card, checked; texts lose what cannot be shown on one line."""
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise CheckpointError(f"the card's {name} must be {kind.__name__}, got {value!r:.40}")
    if kind in (int, float) and not 0 <= value <= 1e15:
        raise CheckpointError(f"the card's {name} must be 0 to 1e15, got {value!r:.40}")
    if kind is dict and not all(map(_is_score, value.values())):
        raise CheckpointError(f"the card's {name} must be numbers or lists of numbers")
    if kind is list:
        if not all(isinstance(text, str) for text in value):
            raise CheckpointError(f"the card's {name} must be a list of texts")
        return tuple(map(clean_name, value))
    if name == "command":
        return "".join(filter(str.isprintable, value))[:2000]
    return clean_name(value) if kind is str and value else value


def _is_score(value: Any) -> bool:
    if isinstance(value, list):
        return all(type(element) is not list and _is_score(element) for element in value)
    return type(value) in (int, float) and abs(value) <= 1e15


def _upgrade(document: dict[str, Any]) -> dict[str, Any]:
    schema = document.pop("schema", None)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise CheckpointError(f"the card's schema must be a whole number, got {schema!r:.40}")
    if schema > SCHEMA:
        raise CheckpointError(
            f"the file must be of schema {SCHEMA} or older, got schema {schema!r:.20}: "
            "update this program to open it"
        )
    for version in range(schema, SCHEMA):
        document = UPGRADES[version](document)
    return document


@dataclass(frozen=True)
class Checkpoint:
    """A validated checkpoint in memory: card, weights by name, codes of the test set or None.

    `rates` has the test set at many β, if the model is a multi-rate one and they were stored.
    `fingerprint` is the SHA-256 of the file's tensors: equal weights and codes, equal value.
    """

    card: Card
    weights: Mapping[str, np.ndarray]
    codes: Codes | None
    fingerprint: str
    rates: Rates | None = None


def write(
    path: str | Path,
    card: Card,
    weights: Mapping[str, np.ndarray],
    codes: Codes | None,
    rates: Rates | None = None,
) -> None:
    """Writes a checkpoint, whole or not at all; the previous file survives any failure.

    Args:
        path: Where; its folder must exist.
        card: What the file says of itself.
        weights: The model's state dict as arrays.
        codes: The test set through the model; stored as float16 where that is enough.
        rates: The same test set at many β, its labels those of `codes`.

    Raises:
        ValueError: If a weight is not finite, or `read` would refuse the file for another
            reason: the old one is then left as it was.

    Example:
        >>> import tempfile
        >>> from models.config import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(folder + "/a.safetensors", Card(preset("digits-2d"), title="a"), {}, None)
        ...     read(folder + "/a.safetensors").card.title
        'a'
    """
    tensors = {f"model.{name}": np.asarray(value) for name, value in weights.items()}
    if codes is not None:
        tensors |= {f"codes.{name}": value for name, value in codes.to_arrays().items()}
    if rates is not None:
        tensors |= {f"rates.{name}": value for name, value in rates.to_arrays().items()}
    _split(tensors, card)
    write_tensors(path, tensors, {"card": card.to_json()})


def read(path: str | Path) -> Checkpoint:
    """Reads and checks a checkpoint without torch; see `restore` for the model.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    tensors, document, fingerprint = read_tensors(path)
    card = Card.from_json(document.get("card"))
    weights, codes, rates = _split(tensors, card)
    return Checkpoint(card, weights, codes, fingerprint, rates)


def _split(
    tensors: Mapping[str, np.ndarray], card: Card
) -> tuple[dict[str, np.ndarray], Codes | None, Rates | None]:
    """Weights, codes and rates, checked against the card."""
    weights = {n[6:]: v for n, v in tensors.items() if n.startswith("model.")}
    arrays = {n[6:]: v for n, v in tensors.items() if n.startswith("codes.")}
    curve = {n[6:]: v for n, v in tensors.items() if n.startswith("rates.")}
    if len(weights) + len(arrays) + len(curve) != len(tensors):
        raise CheckpointError("every tensor must be one of model.*, codes.* or rates.*")
    for name, value in weights.items():
        if value.dtype != np.float32:
            raise CheckpointError(f"the tensor {name[:60]!r} must be float32, got {value.dtype}")
        if not _all_within(value, MAX_MAGNITUDE):
            raise CheckpointError(
                f"every number of {name[:60]!r} must be finite and at most {MAX_MAGNITUDE:g}"
            )
    try:
        codes = Codes.from_arrays(arrays, card.config.model.latent_dim) if arrays else None
    except ValueError as error:
        raise CheckpointError(f"the stored codes are not valid: {error}") from error
    if codes is not None and (codes.log_variance is None) != (
        card.config.model.family == "autoencoder"
    ):
        raise CheckpointError("the stored codes must have a log_variance, unless of an autoencoder")
    if (
        codes is not None
        and codes.labels is not None
        and codes.labels.max() >= len(card.class_names)
    ):
        raise CheckpointError("every label of the stored codes must name a class of the card")
    return weights, codes, _rates(curve, card, codes) if curve else None


def _rates(arrays: Mapping[str, np.ndarray], card: Card, codes: Codes | None) -> Rates:
    """The stored rates, checked against the card and the codes of the same images."""
    model = card.config.model
    if model.family != "multirate" or codes is None:
        raise CheckpointError("stored rates must be of a multirate model, with its codes beside")
    try:
        rates = Rates.from_arrays(arrays, model.latent_dim, codes.labels)
    except ValueError as error:
        raise CheckpointError(f"the stored rates are not valid: {error}") from error
    if (rates.betas[0], rates.betas[-1]) != (model.beta_min, model.beta_max):
        raise CheckpointError(
            f"the stored rates must run from beta {model.beta_min:g} to {model.beta_max:g}, "
            f"got {rates.betas[0]:g} to {rates.betas[-1]:g}"
        )
    if rates.mean.shape[1] > len(codes):
        raise CheckpointError(
            f"the stored rates must be of at most the {len(codes)} images of the codes, "
            f"got {rates.mean.shape[1]}"
        )
    return rates


def restore(checkpoint: Checkpoint) -> Any:
    """The model of a checkpoint, in evaluation mode.

    Its tensors must be exactly those the config describes: names and shapes are
    compared with a model on the meta device before any memory is taken.

    Raises:
        CheckpointError: Naming the first tensor that does not fit.
    """
    import torch

    from models.registry import describe

    try:
        model = describe(checkpoint.card.config.model)
    except ValueError as error:
        raise CheckpointError(f"the card's settings are not valid: {error}") from error
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    given = {name: value.shape for name, value in checkpoint.weights.items()}
    for name in sorted(expected.keys() | given.keys()):
        if name not in given:
            raise CheckpointError(f"the file must hold the tensor {name!r}, but it is missing")
        if name not in expected:
            raise CheckpointError(f"the file holds a tensor {name[:60]!r} that the model has not")
        if expected[name] != given[name]:
            raise CheckpointError(
                f"the tensor {name!r} must have shape {expected[name]}, got {given[name]}"
            )
    state = {name: torch.from_numpy(value.copy()) for name, value in checkpoint.weights.items()}
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, np.ndarray],
    document: dict,
    max_bytes: int = MAX_FILE_BYTES,
) -> None:
    """Atomically writes named arrays and one JSON document.

    The bytes go to a temporary file beside the target, reach the disk, and take the target's
    name in one step, so that a crash or a full disk leaves the old file or the new, whole.

    Raises:
        ValueError: If a number is not finite, or `read_tensors` would refuse the file.
    """
    for name, value in tensors.items():
        if not _all_within(value, math.inf):
            raise ValueError(f"every number of {name!r} must be finite: nothing was written")
    contiguous = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    metadata = {key: json.dumps(value, allow_nan=False) for key, value in document.items()}
    body = save_tensors(contiguous)
    metadata["sha256"] = _payload_digest(body)
    data = save_tensors(contiguous, metadata)
    _check_size(len(data), max_bytes)
    _check_header(data)
    write_bytes(path, data)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Atomically replaces a file's content."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened, nor need it be
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_tensors(
    path: str | Path, max_bytes: int = MAX_FILE_BYTES
) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Arrays, JSON document and payload digest of a file written by `write_tensors`.

    The bytes are read, not mapped: a file that is truncated later cannot hurt the process. The
    arrays are read-only views of them: no number is copied before it is known to be good.

    Raises:
        CheckpointError: One sentence on what is wrong with the file.
    """
    try:
        _check_size(os.stat(path).st_size, max_bytes)
        data = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(f"the file cannot be read: {error.strerror}") from error
    metadata, layout = _check_header(data)
    digest = _payload_digest(data)
    if metadata.pop("sha256", None) != digest:
        raise CheckpointError("the file's content must match its checksum: it is damaged")
    document = {
        key: _parse_json(value, f"metadata {key[:40]!r}") for key, value in metadata.items()
    }
    tensors = {
        name: np.frombuffer(data, dtype, math.prod(shape), start).reshape(shape)
        for name, (dtype, shape, start) in layout.items()
    }
    for name, value in tensors.items():
        if not _all_within(value, math.inf):
            raise CheckpointError(f"every number of {name[:60]!r} must be finite")
    return tensors, document, digest


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise CheckpointError(
            f"the file must be at most {max_bytes >> 20} MiB, got {size / 2**20:.2f} MiB"
        )


def _all_within(value: np.ndarray, limit: float) -> bool:
    """Whether every number is finite and its size at most `limit`; takes little memory."""
    flat = np.asarray(value).reshape(-1)
    slices = (flat[start : start + _SLICE] for start in range(0, flat.size, _SLICE))
    return all(
        np.isfinite(part).all() and (limit == math.inf or np.abs(part).max() <= limit)
        for part in slices
    )


def _payload_digest(data: bytes) -> str:
    """SHA-256 of the tensors' bytes: what comes after the header."""
    header = int.from_bytes(data[:8], "little")
    return hashlib.sha256(memoryview(data)[8 + header :]).hexdigest()


def _check_header(data: bytes) -> tuple[dict[str, str], dict[str, tuple]]:
    """Checks the header against the file's size; returns its metadata and the tensors' layout."""
    length = int.from_bytes(data[:8], "little")
    for magic, what in _IMPOSTORS.items():  # a lawful header of 1152 bytes begins like a pickle
        if length > MAX_HEADER_BYTES and data.startswith(magic):
            raise CheckpointError(f"the file must be a safetensors checkpoint, got {what}")
    if len(data) < 8 or length > len(data) - 8:
        raise CheckpointError("the file must be a whole safetensors checkpoint: it is cut short")
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(f"the file's header must be at most {MAX_HEADER_BYTES >> 10} KiB")
    header = _parse_json(data[8 : 8 + length], "header")
    if not isinstance(header, dict):
        raise CheckpointError("the file's header must be a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CheckpointError("the file's metadata must be texts by name")
    return metadata, _check_layout(header, 8 + length, len(data))


def _check_layout(header: dict[str, Any], begin: int, size: int) -> dict[str, tuple]:
    """Dtype, shape and place of every tensor; they must fill the payload without gap or overlap."""
    layout, spans = {}, []
    for name, entry in header.items():
        try:
            dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            lawful = (
                len(entry) == 3
                and isinstance(dtype, str)
                and isinstance(shape, list)
                and len(shape) <= 4
                and all(type(n) is int for n in (*shape, start, end))
                and min(shape, default=1) >= 1
                and 0 <= start < end
            )
        except (TypeError, KeyError, ValueError):
            lawful = False
        if not lawful:
            raise CheckpointError(f"the header's entry for {name[:60]!r} is malformed")
        if dtype not in _DTYPES:
            raise CheckpointError(
                f"the tensor {name[:60]!r} must be one of {', '.join(_DTYPES)}, got {dtype!r:.20}"
            )
        if math.prod(shape) * _DTYPES[dtype].itemsize != end - start:
            raise CheckpointError(f"the shape of {name[:60]!r} must match its number of bytes")
        layout[name] = (_DTYPES[dtype], shape, begin + start)
        spans.append((start, end))
    position = 0
    for start, end in sorted(spans):
        if start != position:
            raise CheckpointError("the tensors must fill the file without gap or overlap")
        position = end
    if begin + position != size:
        raise CheckpointError(
            f"the tensors must fill the file, but {abs(size - begin - position)} bytes differ"
        )
    return layout


def _parse_json(text: str | bytes, what: str) -> Any:
    """Strict JSON: no duplicate keys, no NaN, no endless number, no bottomless nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise CheckpointError(f"the file's {what} names something twice")
        return dict(pairs)

    def number(digits: str) -> float:
        value = float(digits) if set(digits) & set(".eEIN") else int(digits[:40])
        if not abs(value) < 2**63:
            raise CheckpointError(
                f"the file's {what} must hold finite numbers of 64 bits, got {digits[:20]}"
            )
        return value

    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=unique,
            parse_constant=number,
            parse_float=number,
            parse_int=number,
        )
        _check_nesting(value, what)
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"the file's {what} must be valid JSON: it is damaged") from error
    return value


def _check_nesting(value: Any, what: str) -> None:
    """Refuses what is nested deeper than `MAX_NESTING`, and half characters in any text."""
    level = [value]
    for _ in range(MAX_NESTING):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item, *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                item.encode()
        level = below
    if level:
        raise CheckpointError(f"the file's {what} must be nested at most {MAX_NESTING} deep")
