"""Untrusted arrays: those of an .npz archive, and the checks that images and labels must pass.

Nothing is unpickled, no path is made from a name found inside, and every array must be as long
as its header says.
"""

from __future__ import annotations

import io
import math

import numpy as np

from models.data.archive import check_members, open_archive, unpack
from models.data.image_set import (
    MAX_CLASSES,
    DataError,
    check_class_names,
    check_labels,
    check_sides,
)
from models.text import clean_name

MAX_ARRAYS = 64


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Reads `images`, `labels` and `class_names` of an .npz archive, those that it has.

    Raises:
        DataError: If the archive or one of its arrays cannot be used, in one sentence.
    """
    with open_archive(content, MAX_ARRAYS, "arrays") as archive:
        members = archive.infolist()
        by_key = {member.filename.removesuffix(".npy"): member for member in members}
        if len(by_key) < len(members):
            raise DataError("the archive must hold every array once, got one name twice")
        check_members(members, len(content))
        known = [key for key in ("images", "labels", "class_names") if key in by_key]
        return {key: _read_array(key, unpack(archive, by_key[key])) for key in known}


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
    """Checks images of any accepted shape and scale.

    Returns:
        The same as (N, C, H, W); the value that means white; notes on how they are scaled.

    Raises:
        DataError: If shape, type or range cannot be used, in one sentence.
    """
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
    """Converts labels to int64 from 0, and lists the names of the classes.

    Args:
        labels: Whole numbers or texts (N,), or None.
        names: One for each of the labels 0, 1, 2, …; by default the labels themselves.
        count: Images.

    Raises:
        DataError: If they do not fit the images or each other, in one sentence.
    """
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
