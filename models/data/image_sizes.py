"""Images brought to one size: the centre square, resized with smoothing."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.data.allowance import current
from models.data.image_set import MAX_BYTES, MAX_SIDE, MIN_SIDE, DataError

COMMON_SIDE = 32
"""Side in pixels of images that do not share a size that a network takes."""


def says_resized(side: int) -> str:
    """Says that images were brought to a size.

    Example:
        >>> says_resized(32)
        'images were cropped to their centre square, then 32 × 32 pixels'
    """
    return f"images were cropped to their centre square, then {side} × {side} pixels"


def share_size(sizes: set[tuple[int, int]]) -> bool:
    """Tells whether there is one size (width, height) only, and one that a network takes.

    Example:
        >>> share_size({(28, 28)}), share_size({(28, 28), (8, 8)}), share_size({(178, 218)})
        (True, False, False)
    """
    return len(sizes) == 1 and all(MIN_SIDE <= side <= MAX_SIDE for side in next(iter(sizes)))


def fit(image: Image.Image, side: int) -> Image.Image:
    """Crops an image to its centre square and resizes it; one that has the size stays untouched.

    Args:
        image: Of mode L, RGB, RGBA or I;16.
        side: In pixels.

    Example:
        >>> fit(Image.new("L", (100, 40)), 32).size
        (32, 32)
    """
    if image.size == (side, side):
        return image
    square = min(image.size)
    left, top = (image.width - square) // 2, (image.height - square) // 2
    # Cropped first: a resize of a box blends in pixels from outside the box.
    image = image.crop((left, top, left + square, top + square))
    if image.mode == "I;16":
        return Image.fromarray(_resize(np.asarray(image), side).astype(np.uint16))
    return image.resize((side, side), Image.Resampling.BICUBIC)


def _resize(levels: np.ndarray, side: int) -> np.ndarray:
    """Grey levels (H, W) of a square, resized with smoothing, whole if they were; float32."""
    exact = levels.astype(np.float32)
    image = Image.fromarray(exact).resize((side, side), Image.Resampling.BICUBIC)
    resized = np.clip(np.asarray(image), exact.min(), exact.max())
    return resized if levels.dtype.kind == "f" else np.rint(resized)


def resize_arrays(images: np.ndarray, side: int) -> np.ndarray:
    """Brings arrays of images to a size, as image files are: the centre square, resized.

    Args:
        images: (N, C, H, W) of any number type.
        side: In pixels.

    Returns:
        (N, C, side, side); float32 if there were no more than two levels, or fractions.

    Example:
        >>> resize_arrays(np.full((2, 1, 20, 10), 7, np.uint8), 8).shape
        (2, 1, 8, 8)
    """
    count, channels, height, width = images.shape
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    images = images[:, :, top : top + square, left : left + square]
    is_float = images.dtype.kind == "f" or images.max() <= 1  # smoothing needs levels between
    kind = np.dtype(np.float32) if is_float else images.dtype
    check_bytes(count * channels * side * side * kind.itemsize)
    resized = np.empty((count, channels, side, side), kind)
    for place in np.ndindex(count, channels):
        current().check()
        resized[place] = _resize(images[place].astype(kind, copy=False), side)
    return resized


def check_bytes(count: int) -> None:
    """Raises DataError if images take more than `MAX_BYTES` once decoded."""
    if count > MAX_BYTES:
        raise DataError(
            f"the images must take at most {MAX_BYTES >> 20} MB once decoded, got more: "
            "use fewer, or a smaller size"
        )
