"""What a notebook may set on a live map: pins, the selected image, the images of a selection."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_PINS = 24
"""As in the browser."""
REACH = 1000.0
"""Largest absolute value of a latent."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_pins(given: Any, latent_dim: int, count: int) -> list[dict[str, Any]]:
    """Reads pins: codes, shape (N, Z), or pins as the map gives them.

    Args:
        given: A list or an array.
        latent_dim: Length of a code, Z.
        count: Images on the map.

    Returns:
        One `{"z": […], "name": "A", "point": None}` for each; `point` is the number of the test
        image whose code is pinned.

    Raises:
        ValueError: One sentence on what is no pin.

    Example:
        >>> read_pins(np.zeros((1, 2)), 2, 500)
        [{'z': [0.0, 0.0], 'name': 'A', 'point': None}]
        >>> read_pins([[0, 1, 2]], 2, 500)
        Traceback (most recent call last):
        ValueError: a pin must be 2 finite numbers from -1,000 to 1,000, got [0, 1, 2]
    """
    try:
        rows = list(given)
    except TypeError:
        raise ValueError(f"pins must be a list of codes, got {type(given).__name__}") from None
    if len(rows) > MAX_PINS:
        raise ValueError(f"there must be at most {MAX_PINS} pins, got {len(rows)}")
    known = {str(row["name"]) for row in rows if isinstance(row, Mapping) and row.get("name")}
    free = iter([letter for letter in LETTERS if letter not in known])
    return [_pin(row, free, latent_dim, count) for row in rows]


def _pin(row: Any, free: Any, latent_dim: int, count: int) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        return {"z": _code(row, latent_dim), "name": next(free), "point": None}
    name = str(row.get("name") or next(free))[:16]
    z, point = _code(row.get("z"), latent_dim), read_point(row.get("point"), count)
    return {"z": z, "name": name, "point": point}


def _code(z: Any, latent_dim: int) -> list[float]:
    try:
        values = [float(value) for value in z]
    except (TypeError, ValueError):
        values = []
    if len(values) != latent_dim or not all(abs(value) <= REACH for value in values):
        raise ValueError(
            f"a pin must be {latent_dim} finite numbers from -{REACH:,.0f} to {REACH:,.0f}, "
            f"got {z!r:.80}"
        )
    return values


def read_point(given: Any, count: int) -> int | None:
    """Reads the number of a test image; None for none.

    Raises:
        ValueError: If there is no such image on the map.

    Example:
        >>> read_point(np.int64(7), 500), read_point(None, 500)
        (7, None)
        >>> read_point(500, 500)
        Traceback (most recent call last):
        ValueError: an image must be a whole number from 0 to 499, got 500
    """
    if given is None:
        return None
    try:
        point = -1 if isinstance(given, (bool, np.bool_)) else operator.index(given)
    except TypeError:
        point = -1
    if not 0 <= point < count:
        raise ValueError(
            f"an image must be a whole number from 0 to {count - 1}, got {given!r:.40}"
        )
    return point


def read_selection(given: Any, count: int) -> list[int]:
    """Reads the numbers of selected images, each once, in ascending order.

    Raises:
        ValueError: If one of them is no image of the map.

    Example:
        >>> read_selection(np.array([3, 1, 3]), 500)
        [1, 3]
        >>> read_selection(np.array([True, False]), 2)
        Traceback (most recent call last):
        ValueError: a selection must be numbers of images: give np.flatnonzero(mask) for a mask
    """
    if isinstance(given, np.ndarray) and given.dtype.kind == "b":
        raise ValueError(
            "a selection must be numbers of images: give np.flatnonzero(mask) for a mask"
        )
    try:
        numbers = [] if given is None else list(given)
    except TypeError:
        raise ValueError(
            f"a selection must be a list of numbers of images, got {type(given).__name__}"
        ) from None
    return sorted({read_point(number, count) for number in numbers if number is not None})


def read_codes(given: Any, latent_dim: int) -> np.ndarray:
    """Reads codes, shape (N, Z), that the browser sends.

    Raises:
        ValueError: If one of them is none.

    Example:
        >>> read_codes([[0, 1.5]], 2).tolist()
        [[0.0, 1.5]]
    """
    rows = [_code(row, latent_dim) for row in given]
    return np.array(rows, np.float32).reshape(-1, latent_dim)
