"""Untrusted NumPy files: what their headers promise, and the arrays themselves.

Headers are read first and cost next to nothing; only arrays that are used are unpacked. Nothing
is unpickled, no path is made from a name found inside, and every array must be as long as its
header says.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models.data.archive import check_packing, check_size, open_archive, read_start, unpack
from models.data.image_set import MAX_BYTES, DataError
from models.text import clean_name

MAX_ARRAYS = 64
PEEK_BYTES = 32 * 2**20
TIGHT = 50
"""How many times an array grows when unpacked, from which on its first rows are looked at alone."""
_HEADER_BYTES = 2**14
_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class Header:
    """What a .npy file says about its array.

    Attributes:
        shape: Of the array.
        dtype: Of its values.
        columns_first: Whether they are stored in Fortran's order.
        start: Bytes before the first value.
        size: Bytes of the file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    columns_first: bool
    start: int
    size: int

    def __str__(self) -> str:
        kind = "Python objects" if self.dtype.hasobject else str(self.dtype)
        return f"{self.shape} {kind}"


@dataclass(frozen=True)
class Arrays:
    """Holds the arrays of an .npz archive, or those of .npy files, not unpacked yet.

    Attributes:
        headers: By name, in the order of the archive.
        others: Names of what is no array.
        is_bounded: Whether an array may take `MAX_BYTES` at most; those that are mapped may take
            more.
    """

    headers: Mapping[str, Header]
    others: tuple[str, ...]
    _check: Callable[[Sequence[str]], None] = field(repr=False)
    _read: Callable[[str], np.ndarray] = field(repr=False)
    _peek: Callable[[str], np.ndarray | None] = field(repr=False, default=lambda name: None)
    is_bounded: bool = True

    def check(self, *names: str) -> None:
        """Checks arrays by what their headers say.

        Raises:
            DataError: If they hold Python objects, are empty, too large, or not as long as their
                headers say.
        """
        self._check(names)
        for name in names:
            _check_header(name, self.headers[name], MAX_BYTES if self.is_bounded else math.inf)

    def peek(self, name: str) -> np.ndarray | None:
        """Reads the first rows of a checked array that is large and packed tightly; else None.

        A small file can so hold what takes long to unpack, only to be refused.
        """
        return self._peek(name)

    def read(self, *names: str) -> list[np.ndarray]:
        """Reads arrays by name, as views of the bytes they are stored in, once they are checked."""
        self.check(*names)
        return [self._read(name) for name in names]


def read_npz(content: bytes) -> Arrays:
    """Reads the headers of an .npz archive.

    Raises:
        DataError: If the archive cannot be used, in one sentence.

    Example:
        >>> stream = io.BytesIO()
        >>> np.savez(stream, x_train=np.zeros((10, 8, 8)))
        >>> {name: str(header) for name, header in read_npz(stream.getvalue()).headers.items()}
        {'x_train': '(10, 8, 8) float64'}
    """
    archive = open_archive(content, MAX_ARRAYS, "arrays")
    members = {member.filename: member for member in archive.infolist()}
    keys = [name.removesuffix(".npy") for name in members]
    if len(set(keys)) < len(keys):
        raise DataError("the archive must hold every array once, got one name twice")
    check_packing(list(members.values()))
    by_key, headers, others = {}, {}, []
    for key, (name, member) in zip(keys, members.items(), strict=True):
        start = read_start(archive, member, _HEADER_BYTES)
        if name.endswith(".npy") or start.startswith(_MAGIC):
            by_key[key], headers[key] = member, read_header(start, member.file_size)
        else:
            others.append(name)
    return Arrays(
        headers,
        tuple(others),
        lambda names: check_size([by_key[name] for name in names], len(content)),
        lambda name: _view(name, unpack(archive, by_key[name]), headers[name]),
        lambda name: _first_rows(archive, by_key[name], headers[name]),
    )


def _first_rows(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: Header
) -> np.ndarray | None:
    """The first rows of an array that is large, packed tightly and stored row by row."""
    is_tight = member.file_size > max(2 * PEEK_BYTES, TIGHT * member.compress_size)
    if header.columns_first or not is_tight:
        return None
    row = math.prod(header.shape[1:]) * header.dtype.itemsize
    count = min(header.shape[0], PEEK_BYTES // row)
    content = read_start(archive, member, header.start + count * row)
    start = replace(header, shape=(count, *header.shape[1:]), size=len(content))
    return _view(member.filename, content, start)


def read_npy(files: Sequence[tuple[str, bytes]]) -> Arrays:
    """Reads the headers of .npy files.

    Args:
        files: The name of each array and the content of its file.

    Raises:
        DataError: If there are too many, or two have one name.
    """
    contents = dict(files)
    if len(contents) < len(files) or len(files) > MAX_ARRAYS:
        raise DataError(f"there must be at most {MAX_ARRAYS} arrays of different names")
    headers = {
        name: read_header(content[:_HEADER_BYTES], len(content))
        for name, content in contents.items()
    }
    return Arrays(
        headers, (), lambda names: None, lambda name: _view(name, contents[name], headers[name])
    )


def hold(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Takes arrays that are in memory already.

    Example:
        >>> hold({"images": np.zeros((10, 8, 8))}).read("images")[0].shape
        (10, 8, 8)
    """
    headers = {
        name: Header(array.shape, array.dtype, False, 0, array.nbytes)
        for name, array in arrays.items()
    }
    return Arrays(headers, (), lambda names: None, arrays.__getitem__)


def read_header(start: bytes, size: int) -> Header:
    """Reads what the first bytes of a .npy file say of its array.

    Args:
        start: Of the file.
        size: Bytes of the file.

    Raises:
        Exception: Whatever NumPy raises if they say nothing.
    """
    formats, stream = np.lib.format, io.BytesIO(start)
    readers = {(1, 0): formats.read_array_header_1_0, (2, 0): formats.read_array_header_2_0}
    shape, columns_first, dtype = readers[formats.read_magic(stream)](stream)
    return Header(shape, dtype, columns_first, stream.tell(), size)


def _check_header(name: str, header: Header, most: float) -> None:
    """Refuses an array that its header rules out."""
    name, count = clean_name(name), math.prod(header.shape)
    if header.dtype.hasobject:
        raise DataError(
            f"{name} must hold numbers or texts, got Python objects: convert them first, texts by "
            "astype(str), arrays of one shape by np.stack"
        )
    stored = header.size - header.start
    if min(header.shape, default=0) < 0 or count * header.dtype.itemsize != stored:
        raise DataError(f"{name} must hold as many values as its shape says, got more or fewer")
    if count == 0:
        raise DataError(f"{name} must not be empty, got shape {header.shape}")
    if stored > most:
        raise DataError(f"{name} must take at most {MAX_BYTES >> 20} MB, got {stored >> 20} MB")


def _view(name: str, content: bytes, header: Header) -> np.ndarray:
    """The array in the bytes of its file."""
    if len(content) != header.size:
        raise zipfile.BadZipFile(f"{name} is shorter than promised")
    flat = np.frombuffer(content, header.dtype, math.prod(header.shape), header.start)
    if header.columns_first:
        return flat.reshape(header.shape[::-1]).T
    return flat.reshape(header.shape)
