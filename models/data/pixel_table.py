"""Tables with an image in every row, as MNIST and Fashion-MNIST are spread as .csv files.

label,pixel1,pixel2,…      a column called like labels, and one for every pixel
5,0,0,12,…                 without a header the label comes first or last
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence

import numpy as np

from models.data.allowance import TooMuch, current
from models.data.image_set import MAX_SIDE, DataError
from models.data.layout import LABELS, split_name
from models.text import clean_name

COUNTERS = {"id", "ids", "index", "unnamed"}
"""What columns are called that count the rows."""
MIN_COLUMNS, MAX_COLUMNS = 64, MAX_SIDE**2 + 16
_BLOCK = 2**20
"""Bytes that are turned into numbers at once."""
_DIGITS = 5
"""Most of a whole number that is read fast."""
_NEW_LINE, _ZERO = b"\n0"


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
    if not MIN_COLUMNS <= len(names) <= MAX_COLUMNS:
        raise DataError(
            "a .csv file must be a table with a column for every pixel of an image, "
            f"{MIN_COLUMNS} to {MAX_COLUMNS}, got {len(names)} columns"
        )
    table = _read_whole(content, delimiter, len(names), bool(header))
    table = _read_any(content, delimiter, bool(header)) if table is None else table
    counters = [place for place, name in enumerate(header) if {*split_name(name)} & COUNTERS]
    found = {clean_name(header[place], "id", 40): table[:, place] for place in counters}
    header = [name for place, name in enumerate(header) if place not in counters]
    table = np.delete(table, counters, axis=1)
    return found | _split(table, _label_column(header, table))


def _read_whole(
    content: bytes, delimiter: str, columns: int, has_header: bool
) -> np.ndarray | None:
    """A table of whole numbers of at most `_DIGITS` digits, float32; None if it is another."""
    rows = []
    for block in _blocks(content, content.find(b"\n") + 1 if has_header else 0):
        current().check()
        numbers = _read_block(block, ord(delimiter), columns)
        if numbers is None:
            return None
        rows.append(numbers)
    return np.concatenate(rows) if rows else None


def _blocks(content: bytes, start: int) -> Iterator[bytes]:
    """Whole lines, each block with a new line at its end."""
    while start < len(content):
        end = content.find(b"\n", start + _BLOCK)
        block = content[start : end + 1] if end >= 0 else content[start:]
        start = end + 1 if end >= 0 else len(content)
        block = block.replace(b"\r", b"")
        yield block if block.endswith(b"\n") else block + b"\n"


def _read_block(block: bytes, delimiter: int, columns: int) -> np.ndarray | None:
    """The numbers of some lines (rows, columns), float32; None if they are not whole."""
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(_ZERO)  # below 0 wraps beyond 9
    is_line = text == _NEW_LINE
    is_end = is_line | (text == delimiter)
    ends = np.flatnonzero(is_end)
    lengths = np.diff(ends, prepend=-1) - 1
    longest = int(lengths.max())
    is_plain = lengths.min() >= 1 and longest <= _DIGITS and bool(((digits <= 9) | is_end).all())
    lines = ends[columns - 1 :: columns]
    if not is_plain or len(ends) != columns * int(is_line.sum()) or not is_line[lines].all():
        return None
    numbers = digits[ends - 1].astype(np.float32)
    for place in range(1, longest):
        has_digit = lengths > place
        numbers[has_digit] += digits[ends[has_digit] - 1 - place] * np.float32(10**place)
    return numbers.reshape(-1, columns)


def _read_any(content: bytes, delimiter: str, has_header: bool) -> np.ndarray:
    """A table of any numbers, float32."""
    try:
        return np.loadtxt(
            _watched_lines(content), np.float32, delimiter=delimiter, skiprows=int(has_header),
            ndmin=2, encoding="utf-8-sig",
        )  # fmt: skip
    except TooMuch:
        raise
    except ValueError as error:
        raise DataError(
            "a table of pixels must hold numbers only, in rows of one length, got others"
        ) from error


def _watched_lines(content: bytes) -> Iterator[bytes]:
    """The lines of a file, with a look at the clock before each."""
    for line in io.BytesIO(content):
        current().check()
        yield line


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
