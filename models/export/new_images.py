"""New images of a model as a file: one picture of all, or an array that `data add` reads."""

from __future__ import annotations

import io
import math

import numpy as np

GREY = 128
"""Grey level of the lines between images."""
SIDE = 32
"""Pixels, about, to which small images are enlarged on a picture."""
MOST_ON_A_PICTURE = 2500


def image_sheet(images: np.ndarray) -> bytes:
    """Draws images side by side, row by row, as the bytes of a PNG file.

    Args:
        images: Shape (N, C, H, W), in [0, 1]; N at most `MOST_ON_A_PICTURE`.

    Raises:
        ValueError: If there are more.

    Example:
        >>> image_sheet(np.zeros((5, 1, 8, 8)))[1:4]
        b'PNG'
    """
    from PIL import Image

    count, _, height, width = images.shape
    if count > MOST_ON_A_PICTURE:
        raise ValueError(
            f"a picture must be of at most {MOST_ON_A_PICTURE:,} images, got {count:,}: "
            "write a .npz"
        )
    scale = max(1, SIDE // max(height, width))
    levels = np.rint(images * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    levels = levels.repeat(scale, 1).repeat(scale, 2)
    height, width, channels = levels.shape[1:]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, channels), GREY, np.uint8)
    for index, image in enumerate(levels):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        canvas[top : top + height, left : left + width] = image
    file = io.BytesIO()
    Image.fromarray(canvas[..., 0] if channels == 1 else canvas).save(file, "PNG")
    return file.getvalue()


def image_array(images: np.ndarray) -> bytes:
    """Writes images as the bytes of an `.npz` file, compressed.

    Args:
        images: Shape (N, C, H, W), in [0, 1].

    Returns:
        `images`, float32, shape (N, H, W), or (N, H, W, 3) in colour.

    Example:
        >>> np.load(io.BytesIO(image_array(np.zeros((5, 1, 8, 8)))))["images"].shape
        (5, 8, 8)
    """
    last = images.astype(np.float32).transpose(0, 2, 3, 1)
    file = io.BytesIO()
    np.savez_compressed(file, images=last[..., 0] if last.shape[-1] == 1 else last)
    return file.getvalue()
