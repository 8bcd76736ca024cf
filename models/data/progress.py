"""How far the reading of a data set is: what readers call, and what is called by default."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int], object]
"""Called with how much is done and how much there is: images, or bytes of a large file."""


def silent(done: int, count: int) -> None:
    """Reports nothing."""
