"""How much work an upload may ask for: what is cheap to send must be cheap to answer.

Pixels are counted from the headers of image files, before anything is decoded. What headers do not
tell (comments without end, packed chunks, tables) is bounded by the processor time of the thread
that reads. Both grow with the bytes that were sent and with the number of images, so a large honest
upload has room. Files of the machine itself, on the command line, have no such bounds.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.data.image_set import DataError

FREE_PIXELS = 40_000_000
"""Of all images of an upload, however few bytes it has: two thirds of a second."""
PIXELS_PER_BYTE = 8
"""Photographs have about four."""
FREE_SECONDS = 0.8
SECONDS_PER_MB = 0.25
SECONDS_PER_IMAGE = 0.0002


class Allowance:
    """What may still be spent on reading files.

    Args:
        pixels: That may be decoded.
        seconds: Of this thread's processor time, from now on.
        size: Bytes that were sent, for the sentence.
    """

    def __init__(self, pixels: float = math.inf, seconds: float = math.inf, size: int = 0) -> None:
        self._pixels = self._left = pixels
        self._seconds = seconds
        self._end = time.thread_time() + seconds
        self._size = size

    def take_image(self, pixels: int) -> None:
        """Counts an image before it is decoded.

        Raises:
            DataError: If all images together have too many pixels.
        """
        self._left -= pixels
        self._seconds += SECONDS_PER_IMAGE
        self._end += SECONDS_PER_IMAGE
        if self._left < 0:
            raise TooMuch(
                f"images in {self._size / 1e6:.1f} MB must have at most "
                f"{self._pixels / 1e6:.0f} million pixels in all, got more: make them smaller, or "
                "choose fewer"
            )

    def check(self) -> None:
        """Looks at the clock.

        Raises:
            DataError: If the time is over.
        """
        if time.thread_time() > self._end:
            raise TooMuch(
                f"files of {self._size / 1e6:.1f} MB must be read in at most "
                f"{self._seconds:.1f} s, got more: choose fewer, or save them once more with "
                "another program"
            )


class TooMuch(DataError):
    """Files that would take more work than is allowed for them."""


_current: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
_UNBOUNDED = Allowance()


def current() -> Allowance:
    """Returns the allowance that holds now; unbounded where no upload is being read.

    Example:
        >>> current().take_image(10**12)
    """
    return _current.get() or _UNBOUNDED


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Bounds the work of this thread while an upload is read.

    Args:
        size: Bytes of the upload.

    Example:
        >>> with limited(2_000_000):
        ...     current().take_image(60_000_000)
        Traceback (most recent call last):
        models.data.allowance.TooMuch: images in 2.0 MB must have at most 56 million pixels in ...
    """
    seconds = FREE_SECONDS + SECONDS_PER_MB * size / 1e6
    token = _current.set(Allowance(FREE_PIXELS + PIXELS_PER_BYTE * size, seconds, size))
    try:
        yield
    finally:
        _current.reset(token)


class WatchedBytes(io.BytesIO):
    """Bytes of a file that looks at the clock whenever a parser asks for more."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads as `BytesIO` does."""
        current().check()
        return super().read(size)
