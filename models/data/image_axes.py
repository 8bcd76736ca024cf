"""Arrays of images in whatever order people store them, brought to (N, C, H, W).

The axes are told apart by their lengths: channels are 1, 3 or 4, sides at least 8 pixels.
"""

from __future__ import annotations

import math

import numpy as np

from models.data.image_set import MAX_SIDE, MIN_SIDE, DataError

CHANNELS = (1, 3, 4)
"""Grey, colour, and colour with transparency."""
NHW, NHWC, NCHW, HWN, HWCN, FLAT = "NHW", "NHWC", "NCHW", "HWN", "HWCN", "N(HW)"


def find_axes(shape: tuple[int, ...]) -> str:
    """Names the axes of an array that can hold images; "" if it cannot, or cannot be told.

    (H, W, N) is told from (N, H, W) only if the first two are equal sides and the last is too long
    to be one.

    Example:
        >>> find_axes((60000, 28, 28)), find_axes((32, 32, 3, 73257)), find_axes((60000, 784))
        ('NHW', 'HWCN', 'N(HW)')
        >>> find_axes((1000, 10)), find_axes((1000, 2, 28, 28))
        ('', '')
    """
    if len(shape) == 2:
        return FLAT if _square_side(shape[1]) else ""
    if len(shape) == 3:
        is_last = shape[0] == shape[1] and MIN_SIDE <= shape[1] <= MAX_SIDE < shape[2]
        return HWN if is_last else NHW
    if len(shape) == 4:
        for least in (MIN_SIDE, 1):
            for axes in (NCHW, NHWC, HWCN):
                lengths = dict(zip(axes, shape, strict=True))
                if lengths["C"] in CHANNELS and min(lengths["H"], lengths["W"]) >= least:
                    return axes
    return ""


def _square_side(count: int) -> int:
    """The side of a square of that many pixels that a network takes; 0 if there is none."""
    side = math.isqrt(max(0, count))
    return side if side * side == count and MIN_SIDE <= side <= MAX_SIDE else 0


def looks_like_images(shape: tuple[int, ...]) -> bool:
    """Tells whether an array of that shape can hold images whose sides are long enough.

    Example:
        >>> looks_like_images((20, 28, 28)), looks_like_images((20, 2, 2))
        (True, False)
    """
    return find_axes(shape) != "" and min(image_shape(shape, "images")[1:]) >= MIN_SIDE


def count_images(shape: tuple[int, ...]) -> int:
    """Counts the images of an array; 0 if it is a single number."""
    return (*shape, 0)[len(shape) - 1 if find_axes(shape) in (HWN, HWCN) else 0]


def image_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """Finds channels, height and width of the images in an array of that shape.

    Raises:
        DataError: If the axes cannot be told.

    Example:
        >>> image_shape((60000, 784), "images"), image_shape((20, 8, 9, 3), "images")
        ((1, 28, 28), (3, 8, 9))
    """
    axes = find_axes(shape)
    if axes == "":
        raise DataError(_refusal(shape, name))
    if axes == FLAT:
        return 1, _square_side(shape[1]), _square_side(shape[1])
    lengths = {"C": 1, **dict(zip(axes, shape, strict=True))}
    return lengths["C"], lengths["H"], lengths["W"]


def channels_first(images: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Brings an array of images to (N, C, H, W), and says so where the order is unusual.

    Raises:
        DataError: If the axes cannot be told.

    Example:
        >>> channels_first(np.zeros((8, 9, 3, 20)), "images")[0].shape
        (20, 3, 8, 9)
    """
    axes, shape = find_axes(images.shape), images.shape
    channels, height, width = image_shape(shape, name)
    if axes in (HWN, HWCN):
        note = f"the last axis of {shape} was read as the number of images"
        images = np.moveaxis(images, -1, 0)
        return (images[:, None] if axes == HWN else np.moveaxis(images, 3, 1)), (note,)
    if axes == NHWC:
        return np.moveaxis(images, 3, 1), ()
    images = images.reshape(len(images), channels, height, width)
    if axes == FLAT:
        return images, (f"each row of {shape[1]} values was read as {height} × {width} pixels",)
    return images, ()


def _refusal(shape: tuple[int, ...], name: str) -> str:
    """Says which shapes are taken, and what to do."""
    return (
        f"{name} must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 "
        f"channels, or (N, pixels of a square), got {shape}: {_remedy(shape)}"
    )


def _remedy(shape: tuple[int, ...]) -> str:
    """What to do with an array whose axes cannot be told."""
    if len(shape) == 2:
        side = _square_side(shape[1] // 3) if shape[1] % 3 == 0 else 0
        if side:
            both = f"(N, 3, {side}, {side}) or (N, {side}, {side}, 3)"
            return f"reshape them to {both}, as their colours are stored"
        if _square_side(shape[0]):
            return f"transpose them first, if each column of {shape[0]} values is an image"
    if len(shape) == 4 and shape[0] in CHANNELS:
        return "transpose them first, so that the number of images comes first"
    if len(shape) == 4:
        return "keep 1, 3 or 4 channels, or one slice of each volume, as images[:, 0]"
    if len(shape) > 4:
        return "take one slice of each volume, or each frame as an image"
    return "reshape them first"
