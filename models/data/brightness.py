"""Which value of a user's images is white: one rule for arrays and image files.

White is the first of 1, 255 and (for whole numbers) 65535 that nothing is above. Where the
brightest pixel of all images is less than half of that, the images use another scale, such as the
17 grey levels of scikit-learn's digits or the 12 bits of a camera, and the brightest pixel is white
instead.
"""

from __future__ import annotations

import math

import numpy as np

from models.data.image_set import DataError
from models.data.read_options import AUTO, ReadOptions

ROUNDING = 1e-6
"""How far floats may leave [0, 1] by arithmetic."""
_WHITES = (1.0, 255.0, 65535.0)
FAR_BELOW = 0.5
"""A brightest pixel below this share of white brings a warning."""


def find_white(
    images: np.ndarray,
    name: str = "images",
    options: ReadOptions | None = None,
    brightest: float | None = None,
) -> tuple[float, tuple[str, ...]]:
    """Decides which value is white, and says so wherever it is not obvious.

    Args:
        images: Of any shape and number type.
        name: What a sentence calls them.
        options: Its `scale` counts.
        brightest: The brightest value before the images were resized; by default theirs.

    Raises:
        DataError: If there are values that no scale makes images of, or only the user can say.

    Example:
        >>> find_white(np.array([0, 16], np.uint8))[0]
        16.0
        >>> find_white(np.array([0, 16], np.uint8), options=ReadOptions("none"))
        (255.0, ('the brightest value is 16, 6.3 % of white (255): the images are dark',))
    """
    scale = (options or ReadOptions()).scale
    kind, low = images.dtype, float(images.min())
    high = float(images.max()) if brightest is None else brightest
    _check_range(kind, name, low, high, scale)
    if isinstance(scale, float):
        return scale, (f"{scale:g} is white, as chosen", *_extremes(images, scale, high))
    usual = next(white for white in _WHITES if high <= white + ROUNDING)
    if scale == AUTO and 0 < high < FAR_BELOW * usual:
        return high, (_says_scaled(high, usual),)
    return usual, (*_says_divided(kind, usual, low, high), *_extremes(images, usual, high))


def _says_scaled(high: float, usual: float) -> str:
    """Says that the brightest pixel is white, and how to have it otherwise."""
    return (
        f"the brightest value is {high:g}, far below {usual:g}: taken as white "
        f"(scale none: {usual:g} is white)"
    )


def _says_divided(kind: np.dtype, white: float, low: float, high: float) -> tuple[str, ...]:
    """Says by what the values are divided, unless that is obvious."""
    if white == 1 and kind.kind in "ui":
        return (f"{kind} images hold 0 and 1 only: 1 is white",)
    if kind == np.uint8 or white == 1:
        return ()
    return (f"{kind} images hold {low:g} to {high:g}: divided by {white:g}",)


def _extremes(images: np.ndarray, white: float, high: float) -> tuple[str, ...]:
    """Says that a scale leaves the images dark, or makes several values white."""
    if high < FAR_BELOW * white:
        share = f"{100 * high / white:.2g} % of white ({white:g})"
        return (f"the brightest value is {high:g}, {share}: the images are dark",)
    if high > white * (1 + ROUNDING):
        share = 100 * np.count_nonzero(images > white) / images.size
        return (f"{share:.2g} % of the values are above {white:g}: they become white",)
    return ()


def _check_range(kind: np.dtype, name: str, low: float, high: float, scale: str | float) -> None:
    """Refuses what is not finite, negative, or beyond every usual scale."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(f"{name} must be finite, got NaN or infinity in at least one pixel")
    if low < (-ROUNDING if kind.kind == "f" else 0):
        remedy = "add 1 and halve" if low >= -1 - ROUNDING and high <= 1 + ROUNDING else "rescale"
        raise DataError(
            f"{name} must not be negative, got {low:g} to {high:g}: {remedy} to reach [0, 1]"
        )
    if not isinstance(scale, float) and high > (255 if kind.kind == "f" else 65535):
        most = "[0, 1] or [0, 255]" if kind.kind == "f" else "[0, 65535]"
        raise DataError(
            f"{kind} {name} must lie in {most} unless you say which value is white, "
            f"got {low:g} to {high:g}: rescale them, or choose the scale",
            "scale",
        )
