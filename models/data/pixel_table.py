"""Tables with an image in every row, as MNIST and Fashion-MNIST are spread as .csv files.

label,pixel1,pixel2,…      a column called like labels, and one for every pixel
5,0,0,12,…                 without a header the label comes first or last
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np

from models.data.image_set import DataError
from models.data.layout import LABELS, split_name
from models.text import clean_name

COUNTERS = {"id", "ids", "index", "unnamed"}
"""What columns are called that count the rows."""


def read_pixel_table(content: bytes) -> dict[str, np.ndarray]:
    """Reads a table of numbers, one image a row.

    Args:
        content: Of a .csv file, separated by commas, semicolons or tabs.

    Returns:
        `images` (N, pixels), `labels` (N,) if there is a column of them, and the columns whose
        names say that they only count the rows, by those names.

    Raises:
        DataError: If it is no table of numbers of equal rows.

    Example:
        >>> rows = "\\n".join(f"{row % 3}," + ",".join(["7"] * 64) for row in range(10))
        >>> {name: array.shape for name, array in read_pixel_table(rows.encode()).items()}
        {'images': (10, 64), 'labels': (10,)}
    """
    first = content[: 2**20].split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    delimiter = max(",;\t", key=first.count)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    header = [] if all(map(_is_number, names)) else names
    if len(names) < 64:
        raise DataError(
            "a .csv file must be a table with a column for every pixel of an image, "
            f"got {len(names)} columns"
        )
    try:
        table = np.loadtxt(
            io.BytesIO(content), np.float32, delimiter=delimiter, skiprows=1 if header else 0,
            ndmin=2, encoding="utf-8-sig",
        )  # fmt: skip
    except ValueError as error:
        raise DataError(
            "a table of pixels must hold numbers only, in rows of one length, got others"
        ) from error
    counters = [place for place, name in enumerate(header) if {*split_name(name)} & COUNTERS]
    found = {clean_name(header[place], "id", 40): table[:, place] for place in counters}
    header = [name for place, name in enumerate(header) if place not in counters]
    table = np.delete(table, counters, axis=1)
    return found | _split(table, _label_column(header, table))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label_column(header: Sequence[str], table: np.ndarray) -> int | None:
    """The column of the labels: the one called so, else the first or last if one is too many."""
    named = [place for place, name in enumerate(header) if {*split_name(name)} & {*LABELS}]
    if len(named) == 1:
        return named[0]
    count = table.shape[1]
    if math.isqrt(count) ** 2 == count or math.isqrt(count - 1) ** 2 != count - 1:
        return None
    return next((end for end in (0, count - 1) if len(np.unique(table[:, end])) > 1), None)


def _split(table: np.ndarray, label: int | None) -> dict[str, np.ndarray]:
    """Pixels and labels, whole numbers in few bytes."""
    pixels = table if label is None else np.delete(table, label, axis=1)
    if (pixels == np.rint(pixels)).all() and pixels.min() >= 0 and pixels.max() <= 65535:
        pixels = pixels.astype(np.uint8 if pixels.max() <= 255 else np.uint16)
    return {"images": pixels} | ({} if label is None else {"labels": table[:, label]})
