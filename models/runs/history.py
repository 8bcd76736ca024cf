"""The history of a run: `metrics.jsonl`, one line of JSON for every finished epoch.

    {"epoch": 0, "step": 40, "seconds": 0.1, "test_rate": 2.5, "test_kl_per_dimension": [2.0, 0.5]}

A row holds `epoch` (from 0) and `step` (the updates made), both whole numbers, and scores by
name: finite numbers, or flat lists of them. The file is untrusted: a line that holds no such row,
because a crash cut it short or for any other reason, is skipped. This is the only module that
reads or writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from models import strict_json
from models.atomic import write_bytes
from models.places import naming, open_file

FILE_NAME = "metrics.jsonl"
MAX_LINE_BYTES = 2**16
MAX_FILE_BYTES = 2**28
"""What lies beyond is not read."""
MAX_LIST_LENGTH = 1024
MAX_TAIL_BYTES = 2**20
"""Most that `LatestRow` reads at once."""
MAX_COUNT = 2**53
"""Epochs and steps: whole numbers that a float64 holds exactly."""

Row = dict[str, Any]


def parse_row(line: bytes) -> Row | None:
    """Reads one line.

    Returns:
        The row; None if the line holds none.

    Example:
        >>> parse_row(b'{"epoch": 0, "step": 40, "test_rate": 2.5}')
        {'epoch': 0, 'step': 40, 'test_rate': 2.5}
        >>> parse_row(b'{"epoch": 0, "step": NaN}'), parse_row(b'{"epoch": 0, "st')
        (None, None)
    """
    if len(line) > MAX_LINE_BYTES:
        return None
    try:
        row = strict_json.parse(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not all(map(_is_score, row.values())):
        return None
    return row if _is_count(row.get("epoch")) and _is_count(row.get("step")) else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MAX_COUNT


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -1e300 < value < 1e300  # False for NaN, too


def _is_score(value: Any) -> bool:
    if type(value) is list:
        return len(value) <= MAX_LIST_LENGTH and all(map(_is_number, value))
    return _is_number(value)


@dataclass(frozen=True)
class History:
    """The rows of a run; every method reads or writes the disk, nothing is remembered.

    Attributes:
        folder: Of the run.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history = History(Path(folder))
        ...     for epoch in range(3):
        ...         history.append({"epoch": epoch, "step": 40 * (epoch + 1)})
        ...     history.drop_after(80)
        ...     [row["step"] for row in history.rows()]
        [40, 80]
    """

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE_NAME

    def rows(self, at_most: int | None = None) -> list[Row]:
        """Reads the rows, oldest first; none if the file is absent or cannot be read.

        Args:
            at_most: Read only so many lines, evenly spaced from the first to the last; 2 or more.
        """
        try:
            with open_file(self.path) as file:
                lines = list(_lines(file))
        except OSError:
            return []
        if at_most is not None and len(lines) > at_most:
            last, steps = len(lines) - 1, at_most - 1
            lines = [lines[i * last // steps] for i in range(at_most)]
        return [row for row in map(parse_row, lines) if row is not None]

    def append(self, row: Mapping[str, Any]) -> None:
        """Writes one more row."""
        with naming(self.path), open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def drop_after(self, step: int) -> None:
        """Removes the rows of later steps, which a resume from `step` will write again."""
        if not self.path.exists():
            return
        kept = [json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step]
        write_bytes(self.path, "".join(kept).encode())


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Splits a file into lines; of one that is too long only the beginning is kept in memory."""
    while file.tell() < MAX_FILE_BYTES and (line := file.readline(MAX_LINE_BYTES + 1)):
        rest = line
        while rest and not rest.endswith(b"\n") and file.tell() < MAX_FILE_BYTES:
            rest = file.readline(MAX_LINE_BYTES)
        yield line


class LatestRow:
    """The last row of a history that grows: only what has been added since is read.

    Args:
        folder: Of the run; it need not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     latest = LatestRow(Path(folder))
        ...     before = latest.read()
        ...     History(Path(folder)).append({"epoch": 0, "step": 40})
        ...     before, latest.read()
        (None, {'epoch': 0, 'step': 40})
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._forget(0)

    def _forget(self, inode: int) -> None:
        self._inode = inode
        self._position = 0  # in bytes, at the beginning of a line
        self._row: Row | None = None

    def read(self) -> Row | None:
        """Reads the last whole row; None if there is none yet."""
        try:
            status = self.path.stat()
            if status.st_ino != self._inode or status.st_size < self._position:
                self._forget(status.st_ino)  # replaced, as a resume does
            if status.st_size > self._position:
                self._read_from(max(self._position, status.st_size - MAX_TAIL_BYTES))
        except OSError:
            self._forget(0)
        return self._row

    def _read_from(self, position: int) -> None:
        with open_file(self.path) as file:
            file.seek(position)
            data = file.read(MAX_TAIL_BYTES)
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            self._position = position + len(whole)
        rows = (parse_row(line) for line in reversed(whole.split(b"\n")))
        self._row = next((row for row in rows if row is not None), self._row)
