"""Images that stay the whole numbers they are stored as, and are scaled to [0, 1] when taken.

A set of 60 000 photographs of 64 × 64 pixels takes 0.7 GB so, four times as much as float32. What
is taken has the bits that scaling all of them at once would give.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.data.custom_images import to_unit

CHUNK_BYTES = 2**26
"""Of a chunk as float32."""


class ByteImages:
    """Some images of a large array, as float32 in [0, 1] when they are taken.

    Args:
        levels: All of the set, (N, C, H, W), of any number type; it may be mapped from a file.
        scale: The value that means white.
        chosen: Which of them these are, rising, shape (M,).

    Example:
        >>> levels = np.arange(640, dtype=np.uint16).reshape(10, 1, 8, 8)
        >>> images = ByteImages(levels, 639.0, np.array([0, 9]))
        >>> len(images), images.shape, float(images[-1:].max())
        (2, (2, 1, 8, 8), 1.0)
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(self, levels: np.ndarray, scale: float, chosen: np.ndarray) -> None:
        self.levels, self.scale, self.chosen = levels, scale, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, C, H, W)."""
        return len(self), *self.levels.shape[1:]

    def __getitem__(self, places: slice | np.ndarray) -> np.ndarray:
        """Takes images by a slice or by their numbers, (K, C, H, W)."""
        return to_unit(self.levels[self.chosen[places]], self.scale)

    def chunks(self) -> Iterator[np.ndarray]:
        """Takes all images, a few at a time."""
        count = max(1, CHUNK_BYTES // (4 * int(np.prod(self.shape[1:]))))
        for start in range(0, len(self), count):
            yield self[start : start + count]


Images = np.ndarray | ByteImages
"""Images of a split: in memory as float32, or as they are stored."""


def first_images(images: Images, most_bytes: int) -> np.ndarray:
    """Takes all images, or of a large set the first that take so many bytes as float32.

    Example:
        >>> first_images(np.zeros((3, 1, 8, 8), np.float32), 10).shape
        (3, 1, 8, 8)
    """
    if isinstance(images, np.ndarray):
        return images
    return images[: max(2, most_bytes // (4 * int(np.prod(images.shape[1:]))))]
