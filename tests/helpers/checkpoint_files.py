"""Safetensors files taken apart, changed, put together again and mutated: what tests read."""

import copy
import hashlib
import json
import struct
import time

import numpy as np
import pytest

from models.families.registry import build_model
from models.latents.codes import Codes
from models.storage.card import Card
from models.storage.checkpoint import read, restore
from models.storage.tensors import CheckpointError
from tests.helpers.configs import tiny
from tests.helpers.sentences import assert_sentence


def arrays(model) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.state_dict().items()}


CONFIG = tiny(hidden=(6,))
WEIGHTS = arrays(build_model(CONFIG.model))
RANDOM = np.random.default_rng(5)
CODES = Codes(
    RANDOM.normal(size=(7, 2)).astype(np.float32),
    RANDOM.normal(size=(7, 2)).astype(np.float32),
    RANDOM.normal(size=7).astype(np.float32) + 30,
    np.arange(7) % 3,
)
CARD = Card(
    CONFIG,
    title="a test",
    data_name="digits",
    class_names=("zero", "one", "two"),
    steps=40,
    seconds=1.5,
    metrics={"images": 7, "distortion": [30.5, 0.25]},
)


BIAS = "model.encoder.layers.0.bias"


def take_apart(data: bytes) -> tuple[dict, dict, dict[str, bytes]]:
    """Card, entries and bytes of the tensors of a valid file."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["card"])
    parts = {}
    for name, entry in header.items():
        start, end = entry.pop("data_offsets")
        parts[name] = data[8 + length + start : 8 + length + end]
    return card, header, parts


def assemble(header: dict | bytes, payload: bytes = b"", metadata: dict | None = None) -> bytes:
    """A file with the right length and checksum, whatever the rest."""
    if isinstance(header, dict):
        signed = {"sha256": hashlib.sha256(payload).hexdigest()} | (metadata or {})
        header = json.dumps({"__metadata__": signed} | header).encode()
    return struct.pack("<Q", len(header)) + header + payload


def put_together(card, header: dict, parts: dict[str, bytes]) -> bytes:
    """A file with offsets and checksum that fit; the inverse of `take_apart`."""
    header, position = copy.deepcopy(header), 0
    for name, entry in header.items():
        entry["data_offsets"] = [position, position := position + len(parts[name])]
    payload = b"".join(parts[name] for name in header)
    text = card if isinstance(card, str) else json.dumps(card)
    return assemble(header, payload, {"card": text})


def with_card(**changes):
    """A file whose card has these entries."""

    def make(data):
        card, header, parts = take_apart(data)
        return put_together(card | changes, header, parts)

    return make


def with_setting(part, **changes):
    """A file whose config has these settings."""

    def make(data):
        card, header, parts = take_apart(data)
        card["config"][part] |= changes
        return put_together(card, header, parts)

    return make


def with_card_text(text):
    return lambda data: put_together(text, *take_apart(data)[1:])


def with_tensor(name, value):
    """A file in which this tensor is added, replaced or, if None, left out."""

    def make(data):
        card, header, parts = take_apart(data)
        header.pop(name, None)
        if value is not None:
            dtypes = {"<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "|u1": "U8"}
            dtypes |= {"<i4": "I32", "|b1": "BOOL"}
            header[name] = {"dtype": dtypes[value.dtype.str], "shape": list(value.shape)}
            parts[name] = value.tobytes()
        return put_together(card, header, parts)

    return make


def with_number(number, index=3):
    """A file in which one weight is this number."""
    value = WEIGHTS["encoder.layers.0.bias"].copy()
    value[index] = number
    return with_tensor("model.encoder.layers.0.bias", value)


def with_entry(**changes):
    """A file whose first header entry has these values."""

    def make(data):
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        name = next(name for name in header if name != "__metadata__")
        for key, value in changes.items():
            header[name] = {k: v for k, v in header[name].items() if k != key}
            if value is not None:
                header[name][key] = value
        return assemble(header, data[8 + length :], header.pop("__metadata__"))

    return make


def header_text(edit):
    """A file whose header's bytes went through `edit`."""

    def make(data):
        length = int.from_bytes(data[:8], "little")
        return assemble(edit(data[8 : 8 + length]), data[8 + length :])

    return make


def refusal(path) -> str:
    """The sentence with which a file is refused: by `read`, else by `restore`."""
    with pytest.raises(CheckpointError) as caught:
        restore(read(path))
    return assert_sentence(str(caught.value))


def assert_refused_quickly(path, phrase) -> None:
    """The sentence says this, in little of the processor's time: the best of three.

    That is a quarter of a second, or five times what reading and hashing the file takes here.
    """
    assert phrase in refusal(path)
    limit = max(0.25, 5 * _best_of_three(lambda: hashlib.sha256(path.read_bytes())))
    assert _best_of_three(lambda: refusal(path)) < limit


def _best_of_three(work) -> float:
    """Seconds of the processor that this takes."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def digest_of(weights) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}
