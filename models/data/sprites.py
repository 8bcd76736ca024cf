"""Sprites: anti-aliased shapes whose factors are known, drawn by the program.

An image shows one shape on black. Its factors are the shape itself, its size, the angle by which it
is turned, the place (x, y) of its centre and, in the colour variant, its hue. The name says the
variant: `sprites`, `sprites-colour`, `sprites-grid`, `sprites-colour-grid`, each with a side in
pixels if it is not 16, as `sprites-32`.

Two traps are avoided. No shape looks the same after a turn within the range of angles, so the image
determines its angle; and neither angle nor hue runs through a full circle, so one number can carry
each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.data.custom_images import split_indices
from models.data.image_set import MAX_SIDE, MIN_SIDE, DataError, ImageSet, check_split
from models.text import clean_name

SIDE = 16
COUNT = 10_000
"""Images of a sampled variant, training and test."""
MAX_VALUES = 2**26
"""Pixels times channels of all images: 256 MB as float32."""
SHAPES = ("ellipse", "triangle", "crescent")


class Factor(NamedTuple):
    """A factor: its name, its range, and how many values it has on the full grid."""

    name: str
    low: float
    high: float
    values: int


FACTORS = (
    Factor("shape", 0, len(SHAPES) - 1, len(SHAPES)),
    Factor("size", 0.16, 0.28, 4),
    Factor("angle", -45, 45, 5),
    Factor("x", 0.3, 0.7, 8),
    Factor("y", 0.3, 0.7, 8),
)
"""Size is the shape's radius, x is counted from the left and y from the bottom, all as a share of
the side; the angle is in degrees, anticlockwise."""
HUE = Factor("hue", 0, 240, 4)
"""In degrees, from red over green to blue."""

_NAME = re.compile(r"sprites(-colour)?(-grid)?(?:-([1-9]\d?))?")


class SpriteVariant(NamedTuple):
    """Which sprites a name means."""

    is_colour: bool
    is_grid: bool
    side: int

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that vary."""
        return (*FACTORS, HUE) if self.is_colour else FACTORS


def is_sprites(name: object) -> bool:
    """Tells whether a name is one of the sprites', whatever its side.

    Example:
        >>> [is_sprites(name) for name in ("sprites", "sprites-colour-32", "sprites.npz")]
        [True, True, False]
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def read_variant(name: str) -> SpriteVariant:
    """Reads the name of a variant.

    Raises:
        DataError: If it is none, or its images would be too small, too large or too many.

    Example:
        >>> read_variant("sprites-colour-32")
        SpriteVariant(is_colour=True, is_grid=False, side=32)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise DataError(
            "sprites must be called sprites[-colour][-grid][-SIDE], "
            f"like sprites-colour-32, got {clean_name(name)!r}"
        )
    side = int(found[3] or SIDE)
    variant = SpriteVariant(bool(found[1]), bool(found[2]), side)
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise DataError(f"sprites must be {MIN_SIDE} to {MAX_SIDE} pixels a side, got {side}")
    if variant.is_grid and (values := _values(variant)) * len(_grid(variant)) > MAX_VALUES:
        most = int((MAX_VALUES / len(_grid(variant)) / (values / side**2)) ** 0.5)
        raise DataError(
            f"the full grid of these sprites must be at most {most} pixels a side, got {side}"
        )
    return variant


def load_sprites(name: str, split: str) -> ImageSet:
    """Draws the sprites of that name.

    Args:
        name: As above. A sampled variant has 10 000 images (fewer in colour above 47 pixels a side)
            with every factor uniform in its range; a grid has every combination of its values once.
        split: "train", or "test": one image in five.

    Returns:
        Images (N, 1 or 3, side, side), with labels (the shapes) and factors; the same on every
        machine, because grey levels are rounded to 256.

    Raises:
        DataError: If there is no such variant or split.

    Example:
        >>> sprites = load_sprites("sprites", "test")
        >>> sprites.images.shape, sprites.factor_names
        ((2000, 1, 16, 16), ('shape', 'size', 'angle', 'x', 'y'))
    """
    check_split(split)
    variant = read_variant(name)
    values = _grid(variant) if variant.is_grid else _sample(variant)
    values = values[split_indices(len(values), None, split)]
    images = draw_sprites(values, variant.side)
    names = tuple(factor.name for factor in variant.factors)
    labels = values[:, 0].astype(np.int64)
    return ImageSet(images, labels, SHAPES, split, name, factors=values, factor_names=names)


def _values(variant: SpriteVariant) -> int:
    """Numbers in one image."""
    return (3 if variant.is_colour else 1) * variant.side**2


def _grid(variant: SpriteVariant) -> np.ndarray:
    """Every combination of the factors' values, (N, K)."""
    axes = [np.linspace(f.low, f.high, f.values) for f in variant.factors]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))


def _sample(variant: SpriteVariant) -> np.ndarray:
    """Factors drawn uniformly in their ranges, (N, K); the first of a larger set are the same."""
    uniform = np.random.default_rng(0).random((COUNT, len(variant.factors)))
    uniform = uniform[: MAX_VALUES // _values(variant)]
    low = np.array([factor.low for factor in variant.factors])
    high = np.array([factor.high for factor in variant.factors])
    drawn = low + (high - low) * uniform
    drawn[:, 0] = np.floor(uniform[:, 0] * len(SHAPES))
    return drawn


def draw_sprites(factors: np.ndarray, side: int) -> np.ndarray:
    """Draws one image for each row of factors.

    A pixel's brightness is the share of it that the shape covers, taken from its centre's distance
    to the outline, in 256 levels.

    Args:
        factors: Shape, size, angle, x, y and, for colour, hue: (N, 5 or 6), in the units of
            `FACTORS` and `HUE`.
        side: Pixels a side.

    Returns:
        float32 (N, 1, side, side) in [0, 1], or (N, 3, side, side) with hues.

    Example:
        >>> image = draw_sprites(np.array([[0, 0.28, 0, 0.5, 0.5]]), 16)[0, 0]
        >>> float(image[8, 8]), float(image[0, 0]), bool((image == image[::-1]).all())
        (1.0, 0.0, True)
    """
    coverage = np.empty((len(factors), side, side))
    for shape, distance in enumerate((_ellipse, _triangle, _crescent)):
        chosen = np.flatnonzero(factors[:, 0] == shape)
        coverage[chosen] = _coverage(factors[chosen, 1:5], side, distance)
    images = coverage[:, None]
    if factors.shape[1] > 5:
        images = images * _colours(factors[:, 5])[:, :, None, None]
    return (np.rint(images * 255) / 255).astype(np.float32)


def _coverage(
    places: np.ndarray, side: int, distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """The share of every pixel inside one shape of given size, angle, x, y: (N, side, side)."""
    size, angle, x, y = (column[:, None, None] for column in places.T)
    centre = (np.arange(side) + 0.5) / side
    right, up = centre[None, None, :] - x, centre[None, ::-1, None] - y
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    u, v = (cosine * right + sine * up) / size, (cosine * up - sine * right) / size
    return np.clip(0.5 - distance(u, v) * size * side, 0, 1)


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance to an ellipse of half-axes 1 and ½, to first order; negative inside."""
    level = np.hypot(u, 2 * v)
    return level * (level - 1) / np.maximum(np.hypot(u, 4 * v), 1e-9)


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance to the lines of a triangle with corners (0, 1), (±0.6, -0.8); negative inside."""
    slant = (1.8 * np.abs(u) + 0.6 * (v - 1)) / np.hypot(1.8, 0.6)
    return np.maximum(slant, -0.8 - v)


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance to a disc of radius 1 without one of radius 0.75 at (0.55, 0); negative inside."""
    return np.maximum(np.hypot(u, v) - 1, 0.75 - np.hypot(u - 0.55, v))


def _colours(hues: np.ndarray) -> np.ndarray:
    """Red, green and blue of fully saturated hues in degrees, (N, 3)."""
    sector = hues[:, None] / 60 + np.array([0, 4, 2])
    return np.clip(np.abs(sector % 6 - 3) - 1, 0, 1)
