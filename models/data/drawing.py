"""A drawing → an image such as the data set's own preprocessing would have made of it.

A **drawing** is a list of strokes; a stroke is the path of a pen through points (x, y) of the
pad, in [0, 1]² with y down. The **image** has the data's shape (C, H, W), float32 in [0, 1]. A
network knows digits only as they were prepared for it: a drawn one must be prepared in the same
way, or its code says more about the pad than about the digit. The pen's own width never counts.

* **MNIST**: the ink's box is scaled, aspect kept, until its longer side is 20 of 28 pixels, and
  its centre of mass is moved to the pixel of row and column 14, counted from 0. In the 10 000
  test images the longer side is 20 in 9997 and the centre of mass in that pixel in all; their
  strokes are 2.4 pixels wide (`PEN`).
* **digits**: 8 × 8 counts of blocks of 4 × 4 cells in bitmaps of 32 × 32. In all 1797 the first
  and the last row of blocks hold ink, so digits are 32 cells high; by the median they are 20
  wide. They are sheared upright: the leftmost ink of the first and of the last row of blocks
  lie 0.0 ± 0.9 cells apart, the rightmost 0.4 ± 5.8. Their ink is 313 ± 34 cells, for a 1 as
  for a 0, so the pen follows from that.
* **Anything else**: as MNIST, all lengths in proportion.

Sources:
    LeCun, Bottou, Bengio & Haffner, Gradient-Based Learning Applied to Document Recognition,
    1998, section III.A; Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998;
    Garris et al., NIST Form-Based Handprint Recognition System, NISTIR 5469, 1994. The figures
    were measured on the images themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MAX_STROKES = 100
MAX_POINTS = 3000

BOX = 20 / 28
"""Longer side of MNIST's ink, as a share of the image's side."""
PEN = 2.47 / 28
"""Width of the pen for MNIST, as a share of the image's side.

With it `EXAMPLES` have the median stroke width of the 10 000 test images, 2.40 pixels (quartiles
2.05 and 2.82), measured as 2 Σ x / Σ |∇x|, twice the ink over the total variation: a line of
length L and width w has the area wL and an outline of 2L. Crossings and ends take a little off.
"""
CELLS, CELLS_WIDE, INK = 32, 20, 313
"""Side of the digits' bitmaps, width of a digit in them, its ink: all in cells."""
_CELL_PENS = 1.5, 12.0  # narrowest and widest pen tried, in cells
_SQUEEZE = 3.0  # a digit is made narrower at most so many times: a dash stays a dash
_SLANT = 1.0  # steepest shear, cells across per cell down
_DOT = 0.04  # a drawing smaller than this share of the pad stays small: a dot stays a dot

Drawing = list[np.ndarray]


def to_image(
    strokes: Any, data: str, image_shape: tuple[int, int, int], dark_ink: bool = False
) -> np.ndarray:
    """Renders a drawing as the image that a data set would hold of it.

    Where and how large it was drawn makes no difference, unless it is a dot.

    Args:
        strokes: As `check_strokes` takes them, with at least one point.
        data: Name of the data set, of which "digits" has a rule of its own.
        image_shape: C, H, W; with C = 3 all channels are equal.
        dark_ink: Whether the data are dark on light: black is then exchanged for white.

    Returns:
        x, float32 in [0, 1], shape (C, H, W).

    Raises:
        ValueError: If the strokes cannot be used, in one sentence.

    Example:
        >>> image = to_image(EXAMPLES[8], "mnist", (1, 28, 28))
        >>> image.shape, float(image.max())
        ((1, 28, 28), 1.0)
    """
    drawing = check_strokes(strokes)
    if not drawing:
        raise ValueError("a drawing must have at least one point, got none")
    channels, height, width = image_shape
    if _is_digits(data, image_shape):
        image = _as_digits(drawing)
    else:
        image = _as_mnist(drawing, height, width)
    if dark_ink:
        image = 1 - image
    return np.repeat(image[None].astype(np.float32), channels, 0)


def describe(data: str, image_shape: tuple[int, int, int], dark_ink: bool = False) -> str:
    """Describes in one sentence what `to_image` does to a drawing for this data.

    Example:
        >>> describe("mnist", (1, 28, 28))[:51]
        'Prepared as MNIST was: ink box 20 × 20 pixels, cent'
    """
    if _is_digits(data, image_shape):
        return (
            f"Prepared as these digits were: upright, {CELLS} cells high, up to {CELLS_WIDE} wide, "
            "as much ink as the others have, counted in blocks of 4 × 4."
        )
    height, width = (round(side * BOX) for side in image_shape[1:])
    rule = f"ink box {height} × {width} pixels, centre of mass in the middle"
    if data == "mnist":
        return f"Prepared as MNIST was: {rule}, pen {PEN * 28:.1f} pixels."
    return f"Prepared for images of this size: {rule}{', dark on light' * dark_ink}."


def check_strokes(given: Any) -> Drawing:
    """Checks untrusted strokes and converts each to a float64 array of shape (P, 2).

    Empty strokes are left out.

    Args:
        given: A list of strokes, each a list of points (x, y) in [0, 1]; at most 100 strokes
            and 3000 points.

    Raises:
        ValueError: If it is anything else, in one sentence.

    Example:
        >>> check_strokes([[[0.5, 0.25]], []])
        [array([[0.5 , 0.25]])]
        >>> check_strokes([[[0.5, 2.0]]])
        Traceback (most recent call last):
        ValueError: points must lie on the pad, 0 to 1, got 0.5 to 2
    """
    kinds = (list, tuple, np.ndarray)
    if not isinstance(given, kinds) or not all(isinstance(stroke, kinds) for stroke in given):
        raise ValueError("a drawing must be a list of strokes, each a list of points (x, y)")
    points = sum(map(len, given))
    if len(given) > MAX_STROKES or points > MAX_POINTS:
        raise ValueError(
            f"a drawing must have at most {MAX_STROKES} strokes and {MAX_POINTS} points, "
            f"got {len(given)} and {points}: undo some or clear the pad"
        )
    return [_check_points(stroke) for stroke in given if len(stroke)]


def _check_points(stroke: Any) -> np.ndarray:
    """One stroke as an array."""
    try:
        points = np.asarray(stroke)
    except ValueError:  # rows of different length
        points = np.empty(0, object)
    if points.dtype.kind not in "iuf" or points.shape[1:] != (2,):
        raise ValueError("every point must be two numbers (x, y), got something else")
    low, high = points.min(), points.max()
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise ValueError(f"points must lie on the pad, 0 to 1, got {low:g} to {high:g}")
    return points.astype(np.float64)


def _is_digits(data: str, image_shape: tuple[int, int, int]) -> bool:
    return data == "digits" and image_shape[1:] == (8, 8)


def _as_mnist(drawing: Drawing, height: int, width: int) -> np.ndarray:
    """Box, centre of mass and pen of MNIST, in an image of any size (H, W)."""
    frame = np.array([width, height], float)
    pen = max(1.0, PEN * frame.min())
    size = _size(drawing)
    room = frame * BOX - pen
    scale = min((room / np.maximum(size, 1e-9)).min(), room.max() / _DOT)
    drawing = _place(drawing, scale, frame / 2)
    target = frame // 2 + 0.5
    shift = target - _centre_of_mass(_ink(drawing, pen, height, width))
    margin = (frame - pen - scale * size) / 2  # no ink leaves the image
    return _ink(_place(drawing, 1, frame / 2 + shift.clip(-margin, margin)), pen, height, width)


def _as_digits(drawing: Drawing) -> np.ndarray:
    """Counts of 4 × 4 cells, as shares, of a bitmap with the ink that the digits have."""
    drawing = _upright(drawing)
    narrow, wide = _CELL_PENS
    for _ in range(8):
        pen = (narrow + wide) / 2
        bitmap = _bitmap(drawing, pen)
        narrow, wide = (pen, wide) if bitmap.sum() < INK else (narrow, pen)
    return bitmap.reshape(8, 4, 8, 4).mean((1, 3))


def _upright(drawing: Drawing) -> Drawing:
    """Sheared until the leftmost ink at the top is above the leftmost ink at the bottom."""
    points = np.concatenate(drawing)
    x, y = points.T
    height = max(np.ptp(y), _DOT)
    top = x[y <= y.min() + height / CELLS].min()
    bottom = x[y >= y.max() - height / CELLS].min()
    slant = np.clip((bottom - top) / height, -_SLANT, _SLANT)
    return [stroke - [slant, 0] * stroke[:, 1:] for stroke in drawing]


def _bitmap(drawing: Drawing, pen: float) -> np.ndarray:
    """The drawing in 32 × 32 cells of 0 or 1: full height, squeezed if it is too wide."""
    across, down = np.array([CELLS_WIDE, CELLS]) - pen
    width, height = np.maximum(_size(drawing), _DOT)
    down = min(down / height, _SQUEEZE * across / width)
    scale = np.array([min(down, across / width), down])
    return _ink(_place(drawing, scale, CELLS / 2), pen, CELLS, CELLS, fine=1) >= 0.5


def _size(drawing: Drawing) -> np.ndarray:
    """Width and height of the box of all points."""
    return np.ptp(np.concatenate(drawing), 0)


def _place(drawing: Drawing, scale: float | np.ndarray, centre: float | np.ndarray) -> Drawing:
    """Scaled, with the centre of its box at `centre`."""
    points = np.concatenate(drawing)
    middle = (points.min(0) + points.max(0)) / 2
    return [(stroke - middle) * scale + centre for stroke in drawing]


def _ink(drawing: Drawing, pen: float, height: int, width: int, fine: int = 4) -> np.ndarray:
    """Share of every pixel that a round pen covers, shape (H, W); points and pen in pixels."""
    reach = pen / 2
    x, y = ((np.arange(side * fine) + 0.5) / fine for side in (width, height))
    nearest = np.full((len(y), len(x)), np.inf)
    for stroke in drawing:
        for start, end in zip(stroke, stroke[1:] if len(stroke) > 1 else stroke, strict=False):
            low, high = np.minimum(start, end) - reach - 1, np.maximum(start, end) + reach + 1
            columns = slice(*np.searchsorted(x, (low[0], high[0])))
            rows = slice(*np.searchsorted(y, (low[1], high[1])))
            here = nearest[rows, columns]
            np.minimum(here, _distance(x[columns], y[rows, None], start, end), out=here)
    covered = (fine * (reach - nearest) + 0.5).clip(0, 1)
    return covered.reshape(height, fine, width, fine).mean((1, 3))


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of the points (x, y) from the line from start to end."""
    along = end - start
    x, y = x - start[0], y - start[1]
    t = ((x * along[0] + y * along[1]) / max(along @ along, 1e-12)).clip(0, 1)
    return np.hypot(x - t * along[0], y - t * along[1])


def _centre_of_mass(image: np.ndarray) -> np.ndarray:
    """(x, y) in pixels; the first pixel's centre is at 0.5."""
    profiles = (image.sum(0), image.sum(1))
    return np.array([p @ (np.arange(len(p)) + 0.5) for p in profiles]) / image.sum()


def _smooth(control: list[tuple[int, int]]) -> np.ndarray:
    """A Catmull-Rom spline through points given in hundredths of the pad, eight steps each."""
    points = np.array(control) / 100
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    a, b, c, d = (np.vstack([before, points, after])[i:][: len(points) - 1] for i in range(4))
    t = (np.arange(8) / 8)[:, None, None]
    cubic = (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    path = np.moveaxis(cubic / 2, 0, 1).reshape(-1, 2)
    return np.vstack([path, points[-1:]]).round(4)


EXAMPLES: dict[int, Drawing] = {
    digit: [_smooth(stroke) for stroke in strokes]
    for digit, strokes in {
        0: [[(55, 15), (37, 22), (28, 42), (28, 62), (36, 80), (50, 85), (64, 78), (72, 58),
             (71, 36), (63, 20), (52, 15)]],
        1: [[(57, 14), (51, 50), (45, 86)]],
        2: [[(30, 32), (38, 18), (53, 14), (66, 22), (67, 38), (55, 56), (42, 70), (29, 83)],
            [(29, 83), (50, 82), (72, 83)]],
        3: [[(31, 21), (46, 14), (62, 17), (67, 29), (58, 42), (45, 47), (60, 50), (69, 62),
             (64, 77), (48, 86), (30, 81)]],
        4: [[(48, 12), (38, 32), (27, 54), (48, 54), (72, 53)], [(62, 36), (58, 62), (55, 88)]],
        5: [[(70, 15), (52, 15), (39, 17), (36, 32), (33, 45), (50, 41), (66, 50), (67, 67),
             (55, 81), (40, 86), (27, 80)]],
        6: [[(62, 14), (48, 24), (36, 44), (31, 64), (37, 82), (52, 86), (65, 75), (64, 60),
             (52, 54), (40, 61), (33, 72)]],
        7: [[(30, 20), (48, 15), (68, 15)], [(68, 15), (60, 40), (50, 62), (44, 86)],
            [(40, 50), (52, 49), (66, 48)]],
        8: [[(66, 22), (52, 14), (37, 20), (38, 34), (52, 46), (64, 60), (64, 76), (50, 86),
             (35, 78), (37, 62), (52, 47), (66, 32), (66, 22)]],
        9: [[(66, 22), (53, 13), (38, 19), (34, 34), (43, 45), (57, 41), (66, 26), (66, 22),
             (66, 50), (62, 70), (55, 83), (44, 88)]],
    }.items()
}  # fmt: skip
"""A drawing of every digit, to try without a pen."""
