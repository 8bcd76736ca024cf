"""Arrays of images → pictures: enlarged, tiled, as PNG. Values outside [0, 1] are clipped."""

from __future__ import annotations

import io

import numpy as np


def to_levels(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) in [0, 1] → grey levels (N, H, W, 3), uint8; NaN is black.

    Example:
        >>> to_levels(np.full((1, 1, 1, 1), 0.5))[0, 0, 0].tolist()
        [128, 128, 128]
    """
    levels = (np.nan_to_num(images).clip(0, 1) * 255 + 0.5).astype(np.uint8)
    levels = levels.transpose(0, 2, 3, 1)
    return np.repeat(levels, 3, -1) if levels.shape[-1] == 1 else levels


def enlarge(levels: np.ndarray, side: int) -> np.ndarray:
    """Repeats the pixels of one picture (H, W, 3) so that its longer side is about `side`."""
    times = factor(levels, side)
    return levels.repeat(times, 0).repeat(times, 1)


def factor(levels: np.ndarray, side: int) -> int:
    """How often each pixel is repeated for that.

    Example:
        >>> factor(np.zeros((28, 28, 3)), 72)
        3
    """
    return max(1, round(side / max(levels.shape[:2])))


def one(images: np.ndarray, side: int = 168) -> np.ndarray:
    """The first of the images as an enlarged picture (H', W', 3)."""
    return enlarge(to_levels(images)[0], side)


def sheet(images: np.ndarray, columns: int, side: int, gap: int = 1) -> np.ndarray:
    """Images tiled row by row into one enlarged picture.

    Args:
        images: Shape (N, C, H, W), in [0, 1].
        columns: Images per row.
        side: Length of the longer side of one image on the sheet, in pixels, about.
        gap: Pixels of grey between neighbours.

    Example:
        >>> sheet(np.zeros((5, 1, 8, 8)), columns=3, side=16).shape
        (33, 50, 3)
    """
    tiles = [enlarge(tile, side) for tile in to_levels(images)]
    height, width, _ = tiles[0].shape
    rows = -(-len(tiles) // columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 128, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def to_png(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3), uint8, as the bytes of a PNG file; a grey one has one channel.

    Enlarged pixels compress well at once: the fastest level will do.
    """
    from PIL import Image

    red, green, blue = picture.transpose(2, 0, 1)
    is_grey = np.array_equal(red, green) and np.array_equal(red, blue)
    buffer = io.BytesIO()
    Image.fromarray(red if is_grey else picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
