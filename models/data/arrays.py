"""A stranger's .npz archive: its promises are checked before anything of it is unpacked.

Nothing is unpickled, no path is made from a name found inside, and every array must be as long
as its header says.
"""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

from models.data.image_set import (
    MAX_BYTES,
    MAX_CLASSES,
    DataError,
    check_class_names,
    check_labels,
    check_sides,
)
from models.text import clean_name

MAX_RATIO = 200
"""Most times that an .npz file may grow when unpacked."""
FREE_BYTES = 2**20
"""Growth that is always allowed: sorted labels alone compress a thousandfold."""
MAX_MEMBERS = 64


def read_archive(content: bytes) -> dict[str, np.ndarray]:
    """The three known arrays of an .npz archive, once its promises have been checked."""
    # Listing a million members takes seconds; counting their headers' signature does not.
    if content.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise DataError(f"the archive must hold at most {MAX_MEMBERS} arrays, got more")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        keys = [member.filename.removesuffix(".npy") for member in members]
        if len(set(keys)) < len(keys):
            raise DataError("the archive must hold every array once, got one name twice")
        total = sum(member.file_size for member in members)
        if total > MAX_BYTES:
            raise DataError(
                f"the arrays must take at most {MAX_BYTES >> 20} MB, got {total >> 20} MB: "
                "use uint8 or fewer images"
            )
        if total > FREE_BYTES + MAX_RATIO * len(content):
            raise DataError(
                f"the archive must grow at most {MAX_RATIO} times when unpacked, "
                f"got {total // len(content)} times: save it with np.savez"
            )
        arrays = {}
        for key, member in zip(keys, members, strict=True):
            if key not in ("images", "labels", "class_names"):
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(f"{key} must be saved by np.savez or np.savez_compressed")
            with archive.open(member) as file:
                # The size is given because reading to the end trusts the stream, not the header.
                arrays[key] = _read_array(key, file.read(member.file_size))
        return arrays


def _read_array(key: str, content: bytes) -> np.ndarray:
    """An array in NumPy's .npy format, as a view of its bytes."""
    formats = np.lib.format
    stream = io.BytesIO(content)
    headers = {(1, 0): formats.read_array_header_1_0, (2, 0): formats.read_array_header_2_0}
    shape, columns_first, dtype = headers[formats.read_magic(stream)](stream)
    if dtype.hasobject:
        raise DataError(f"{key} must hold numbers or texts, got Python objects: convert them first")
    count, start = math.prod(shape), stream.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(content) - start:
        raise DataError(f"{key} must hold as many values as its shape says, got more or fewer")
    if count == 0:
        raise DataError(f"{key} must not be empty, got shape {shape}")
    flat = np.frombuffer(content, dtype, count, start)
    return flat.reshape(shape[::-1]).T if columns_first else flat.reshape(shape)


def check_pixels(images: np.ndarray) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Images as (N, C, H, W), the value that means white, and what to say about it."""
    kind, size = images.dtype.kind, images.dtype.itemsize
    if kind not in "buif" or size > 8:
        raise DataError(f"images must be numbers of at most 64 bits, got {images.dtype}")
    shape = images.shape
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3):
        images = np.moveaxis(images, 3, 1)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            "images must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 "
            f"channels, got {shape}: reshape them first"
        )
    check_sides(images.shape)
    low, high = float(images.min()), float(images.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError("images must be finite, got NaN or infinity in at least one pixel")
    rounding = 1e-6 if kind == "f" else 0.0
    if low < -rounding:
        raise DataError(f"images must not be negative, got {low:g} to {high:g}: rescale to [0, 1]")
    if high <= 1 + rounding:
        note = f"{images.dtype} images hold 0 and 1 only: 1 is white" if kind in "ui" else ""
        return images, 1.0, (note,) if note else ()
    if high <= 255:
        plain = images.dtype == np.uint8
        note = f"{images.dtype} images hold {low:g} to {high:g}: divided by 255"
        return images, 255.0, () if plain else (note,)
    if images.dtype.kind == "u" and size == 2:
        return images, 65535.0, (f"uint16 images hold {low:g} to {high:g}: divided by 65535",)
    raise DataError(
        f"{images.dtype} images must lie in [0, 1] or [0, 255], got {low:g} to {high:g}: "
        "rescale them first"
    )


def read_labels(
    labels: np.ndarray | None, names: np.ndarray | None, count: int
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Labels as int64 from 0, and the classes' names."""
    if labels is None:
        return None, ()
    if labels.shape not in ((count,), (count, 1)):
        raise DataError(f"labels must be one for each of {count} images, got shape {labels.shape}")
    if labels.dtype.kind not in "buiUS":
        raise DataError(f"labels must be whole numbers or short texts, got {labels.dtype}")
    labels = labels.reshape(count)
    if names is None:
        values, labels = np.unique(labels, return_inverse=True)
        class_names = _names(values[: MAX_CLASSES + 1])
    else:
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise DataError(f"class_names must be a list of texts, got {names.dtype} {names.shape}")
        class_names = _names(names[: MAX_CLASSES + 1])
        if labels.dtype.kind in "US":
            raise DataError("labels must be whole numbers where class_names are given, got texts")
    check_class_names(class_names)
    labels = labels.astype(np.int64)
    check_labels(labels, count, len(class_names))
    return labels, class_names


def _names(values: np.ndarray) -> tuple[str, ...]:
    if values.dtype.kind == "S":
        return tuple(clean_name(value.decode("utf-8", "replace")) for value in values.tolist())
    return tuple(clean_name(value) for value in values.tolist())
