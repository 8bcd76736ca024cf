"""Checked zip archives, .npz files among them: nothing is unpacked before its size is known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from models.data.allowance import current
from models.data.image_set import MAX_BYTES, DataError

PIECE = 2**20
"""Bytes that are unpacked at once."""
FREE_BYTES = 32 * 2**20
"""What may be unpacked however well it is compressed: it costs a tenth of a second."""
EMPTY_RATIO = 900
"""How many times an archive grows that holds next to nothing: deflate's limit is 1032. Sparse
binary images reach several hundred."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_archive(content: bytes, most: int, noun: str) -> zipfile.ZipFile:
    """Opens an archive in memory.

    Args:
        content: Of the file.
        most: Members that it may have.
        noun: What the members are called in a sentence.

    Raises:
        DataError: If it has more members, or two of one name.
        zipfile.BadZipFile: If it is not a zip archive.
    """
    # Listing a million members takes seconds; counting their headers' signature does not.
    if content.count(b"PK\x01\x02") > most:
        raise DataError(f"the archive must hold at most {most} {noun}, got more")
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = archive.namelist()
    if len(set(names)) < len(names):
        raise DataError("the archive must hold every file once, got one name twice")
    return archive


def check_packing(members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuses members that are encrypted or packed in an unusual way.

    Raises:
        DataError: In one sentence.
    """
    if any(member.flag_bits & 1 for member in members):
        raise DataError("the archive must not be encrypted, got one with a password: remove it")
    if any(member.compress_type not in _METHODS for member in members):
        raise DataError(
            "the archive must be stored or deflated, got another compression: pack it as a plain "
            ".zip, or with np.savez"
        )


def check_size(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuses members that are too large once unpacked.

    Args:
        members: Those that are to be read.
        size: Bytes of the archive.

    Raises:
        DataError: In one sentence.
    """
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise DataError(
            f"the archive must hold at most {MAX_BYTES >> 20} MB once unpacked, "
            f"got {total >> 20} MB: use fewer images, or uint8"
        )
    if total > FREE_BYTES and total > EMPTY_RATIO * size:
        raise DataError(
            f"the archive must hold images that differ, got {total >> 20} MB of practically one "
            "value"
        )


def read_start(archive: zipfile.ZipFile, member: zipfile.ZipInfo, count: int) -> bytes:
    """Reads the first bytes of a member, at most `count`."""
    with archive.open(member) as file:
        return file.read(min(count, member.file_size))


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytearray:
    """Reads one member, as many bytes as the directory promises: the stream may lie."""
    content = bytearray()
    with archive.open(member) as file:
        # In pieces, as reading all at once takes the memory twice.
        while piece := file.read(min(PIECE, member.file_size - len(content))):
            content += piece
            current().check()
    return content
