"""What a user may choose about how their images are read: brightness, size, broken files."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.data.image_set import MAX_SIDE, MIN_SIDE, DataError

AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class ReadOptions:
    """Says how a user's images are read.

    Args:
        scale: The value that becomes white. "none" takes the first of 1, 255 and 65535 that no
            pixel is above; "auto" does so, too, unless the brightest pixel is less than half of
            it, and takes that pixel then; a positive number is taken as it stands.
        size: Side in pixels to which images are cropped and resized, 8 to 64; None keeps a size
            that all share and a network takes.
        skip_broken: Whether image files that cannot be read are left out; else they are refused.

    Raises:
        DataError: If the scale or the size is not one of these.

    Example:
        >>> ReadOptions("16", size=28)
        ReadOptions(scale=16.0, size=28, skip_broken=False)
        >>> ReadOptions("dark")
        Traceback (most recent call last):
        models.data.image_set.DataError: scale must be auto, none or a positive number, got 'dark'
    """

    scale: str | float = AUTO
    size: int | None = None
    skip_broken: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _read_scale(self.scale))
        if self.size is not None and not MIN_SIDE <= self.size <= MAX_SIDE:
            raise DataError(f"size must be {MIN_SIDE} to {MAX_SIDE} pixels, got {self.size}")


def _read_scale(scale: str | float) -> str | float:
    """The scale as one of the two words or a number."""
    if scale in (AUTO, NONE):
        return scale
    try:
        white = float(scale)
    except ValueError:
        white = math.nan
    if not 0 < white < math.inf:
        raise DataError(f"scale must be auto, none or a positive number, got {str(scale)[:40]!r}")
    return white
