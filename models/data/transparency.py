"""Images with transparency, drawn on a ground that lets their ink be seen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue (ITU-R BT.601), as Pillow turns colour to grey."""


def is_ink_dark(images: Iterable[np.ndarray], white: float) -> bool:
    """Tells whether what is visible of all images is darker than middle grey.

    Args:
        images: Each (…, H, W, 4): red, green, blue, and opacity.
        white: The value of white, and of full opacity.

    Example:
        >>> ink = np.zeros((8, 8, 4), np.uint8)
        >>> ink[2:6, 2:6, 3] = 255
        >>> is_ink_dark([ink], 255), is_ink_dark([255 - ink[..., [0, 0, 0, 3]]], 255)
        (True, False)
    """
    light = opacity = 0.0
    for image in images:
        unit = image.astype(np.float32) / white
        light += float(((unit[..., :3] @ LUMINANCE) * unit[..., 3]).sum())
        opacity += float(unit[..., 3].sum())
    return light < opacity / 2


def draw_on(image: np.ndarray, ground: float, white: float) -> np.ndarray:
    """Draws an image on a ground: opacity · colour + (1 − opacity) · ground, as the same type.

    Args:
        image: (…, 4): red, green, blue, and opacity.
        ground: Its value, 0 or `white`.
        white: The value of white, and of full opacity.

    Returns:
        (…, 3)

    Example:
        >>> draw_on(np.array([[[255, 0, 0, 51]]], np.uint8), 0, 255).tolist()
        [[[51, 0, 0]]]
    """
    opacity = image[..., 3:].astype(np.float32) / np.float32(white)
    drawn = opacity * image[..., :3] + (1 - opacity) * np.float32(ground)
    return (
        drawn.astype(image.dtype) if image.dtype.kind == "f" else np.rint(drawn).astype(image.dtype)
    )


def name_ground(is_dark: bool) -> str:
    """Says on what ground images were drawn, as a part of a sentence.

    Example:
        >>> name_ground(True)
        'drawn on white, as what is visible is dark'
    """
    return "drawn on white, as what is visible is dark" if is_dark else "drawn on black"
