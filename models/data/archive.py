"""Checked zip archives, .npz files among them: nothing is unpacked before its size is known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from models.data.image_set import MAX_BYTES, DataError

MAX_RATIO = 200
"""Most times that an archive may grow when unpacked."""
FREE_BYTES = 2**20
"""Growth that is always allowed: sorted labels alone compress a thousandfold."""
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


def check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuses members that are encrypted, packed in an unusual way, or too large once unpacked.

    Args:
        members: Those that are to be read.
        size: Bytes of the archive.

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
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise DataError(
            f"the archive must hold at most {MAX_BYTES >> 20} MB once unpacked, "
            f"got {total >> 20} MB: use fewer images, or uint8"
        )
    if total > FREE_BYTES + MAX_RATIO * size:
        raise DataError(
            f"the archive must grow at most {MAX_RATIO} times when unpacked, "
            f"got {total // size} times: save it without compression"
        )


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Reads one member, as many bytes as the directory promises: the stream may lie."""
    with archive.open(member) as file:
        return file.read(member.file_size)
