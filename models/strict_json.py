"""JSON from a disk or a stranger, read strictly: what no program of ours writes is refused.

Python's own reader takes duplicate keys, NaN and numbers without end, and nesting that exhausts its
stack. Whatever is read from a folder of runs or jobs passes here, so that a damaged file is one
sentence about that file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.places import open_file

MAX_NESTING = 16
MAX_BYTES = 2**20
"""Of a file."""


def parse(text: str | bytes, what: str = "file") -> Any:
    """Parses JSON: no duplicate keys, no NaN, no endless number, little nesting, whole characters.

    Args:
        text: UTF-8.
        what: It is called in the sentence.

    Raises:
        ValueError: If it is anything else, in one sentence.

    Example:
        >>> parse('{"epoch": 3}')
        {'epoch': 3}
        >>> parse("[" * 100_000)
        Traceback (most recent call last):
        ValueError: the file must be valid JSON: it is damaged
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise _RefusedError(f"the {what} names something twice")
        return dict(pairs)

    def number(digits: str) -> float:
        value = float(digits) if set(digits) & set(".eEIN") else int(digits[:40])
        if not abs(value) < 2**63:
            raise _RefusedError(
                f"the {what} must hold finite numbers of 64 bits, got {digits[:20]}"
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
    except _RefusedError:
        raise
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the {what} must be valid JSON: it is damaged") from error
    return value


class _RefusedError(ValueError):
    """A refusal that has its sentence already."""


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
        raise _RefusedError(f"the {what} must be nested at most {MAX_NESTING} deep")


def read(path: str | Path, most: int = MAX_BYTES) -> Any:
    """Reads a file of JSON.

    Args:
        path: Of the file.
        most: Bytes that it may have.

    Raises:
        ValueError: If it is larger, or not such JSON.
        OSError: If it cannot be read.
    """
    with open_file(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{Path(path).name} must have at most {most:,} bytes")
    return parse(data, Path(path).name)
