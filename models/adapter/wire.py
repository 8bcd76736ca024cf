"""Messages between two processes: JSON values and arrays.

A message is its length in eight bytes and an .npz of that length. Nothing in it is pickled.

A notebook's kernel reads this file too, with the NumPy that it has: nothing else is imported.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

_FIELDS = "fields"


def send(stream: BinaryIO, fields: Any, arrays: Sequence[np.ndarray] = ()) -> None:
    """Writes a message.

    Args:
        stream: Where the other side reads.
        fields: JSON values.
        arrays: Of numbers or texts, not of Python objects.

    Raises:
        OSError: If the other side is gone.
        ValueError: If an array holds objects.
    """
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(fields).encode(), np.uint8)
    named = {str(index): array for index, array in enumerate(arrays)}
    if any(array.dtype.hasobject for array in arrays):
        raise ValueError("arrays must hold numbers or texts, got objects, which would be pickled")
    np.savez(content, **{_FIELDS: text}, **named)
    stream.write(len(content.getbuffer()).to_bytes(8, "big"))
    stream.write(content.getbuffer())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[Any, list[np.ndarray]]:
    """Reads the next message: its fields and its arrays.

    Raises:
        EOFError: If the other side has ended.

    Example:
        >>> stream = io.BytesIO()
        >>> send(stream, {"call": "decode"}, [np.zeros((3, 2), np.float32)])
        >>> stream.seek(0)
        0
        >>> fields, arrays = receive(stream)
        >>> fields, arrays[0].shape
        ({'call': 'decode'}, (3, 2))
    """
    length = int.from_bytes(_read(stream, 8), "big")
    with np.load(io.BytesIO(_read(stream, length)), allow_pickle=False) as content:
        fields = json.loads(content[_FIELDS].tobytes())
        return fields, [content[str(index)] for index in range(len(content.files) - 1)]


def _read(stream: BinaryIO, count: int) -> bytes:
    """Exactly that many bytes."""
    found = stream.read(count)
    if len(found) < count:
        raise EOFError("the other side has ended")
    return found
