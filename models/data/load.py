"""A data set by its name or path: built-in, of the library, an .npz file or a folder of images.

Importing this module imports numpy and the standard library only: torchvision and Pillow wait until
a data set needs them, because the first screen waits for all imports.
"""

from __future__ import annotations

import os
from pathlib import Path

from models.data.arrays import read_archive
from models.data.builtin import (
    DATA_SETS,
    TORCHVISION,
    load_digits,
    load_torchvision,
)
from models.data.custom_images import CustomImages
from models.data.image_set import MAX_BYTES, DataError, ImageSet, check_split, refusing
from models.data.library import is_id, read_custom
from models.text import clean_name


def load(name_or_path: str | Path, split: str, data_dir: str | Path | None = None) -> ImageSet:
    """The data set of that name, or the user's own .npz file or folder of images.

    Args:
        name_or_path: One of `DATA_SETS`, the id of an added set ("own-…"), or a path; a folder
            called "mnist" is "./mnist".
        split: "train" or "test".
        data_dir: Folder that holds "MNIST/raw" and its kin; by default `default_data_dir()`.

    Returns:
        The split; the same arguments and files give the same images in the same order.

    Raises:
        DataError: If there is no such data or it cannot be used, in one sentence.

    Example:
        >>> digits = load("digits", "train")
        >>> len(digits), digits.image_shape, digits.class_names[:3]
        (1297, (1, 8, 8), ('0', '1', '2'))
    """
    if not isinstance(name_or_path, (str, Path)):
        raise DataError(f"data must be a name or a path, got {type(name_or_path).__name__}")
    if name_or_path == "digits":
        return load_digits(split)
    if name_or_path in TORCHVISION:
        return load_torchvision(name_or_path, split, data_dir)
    if is_id(name_or_path):
        return read_custom(name_or_path).split(split)
    if os.path.isdir(name_or_path):
        return load_folder(name_or_path, split)
    if os.path.isfile(name_or_path):
        return load_npz(name_or_path, split)
    raise DataError(
        f"data must be one of {', '.join(DATA_SETS)}, an .npz file or a folder of images, "
        f"got {_file_name(name_or_path)!r}, which is none of these"
    )


def load_npz(path: str | Path, split: str) -> ImageSet:
    """A user's own arrays: `images`, and where there are any `labels` and `class_names`.

    The images keep their size; nothing is resized. Arrays of Python objects are refused, never
    unpickled. One image in five, the same share of every class, is the test set.

    Args:
        path: An .npz file with `images` of shape (N, H, W), (N, H, W, C) or (N, C, H, W), N at
            least 10, C = 1 or 3, sides of 8 to 64 pixels: bool, whole numbers 0 to 255 (uint16
            to 65535), or floats in [0, 1] or [0, 255]. `labels`, of shape (N,): whole numbers or
            short texts. `class_names`: a text for each of the labels 0, 1, 2, …
        split: "train" or "test".

    Returns:
        The split, in the order of the file; `notes` says how the values were scaled.

    Raises:
        DataError: If the file is no such thing, in one sentence.

    Example:
        >>> import numpy as np
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "digits.npz")
        ...     np.savez_compressed(path, images=load_digits("test").images[:, 0])
        ...     len(load_npz(path, "train"))
        400
    """
    check_split(split)
    label = repr(_file_name(path))
    with refusing(label, "a NumPy .npz archive"):
        if not os.path.isfile(path):
            raise DataError(f"{label} must be an existing file, got none")
        if os.path.getsize(path) > MAX_BYTES:
            raise DataError(f"the file must be at most {MAX_BYTES >> 20} MB, got more")
        arrays = read_archive(Path(path).read_bytes())
        return CustomImages.from_arrays(arrays, Path(path).stem).split(split)


def load_folder(path: str | Path, split: str, size: int | None = None) -> ImageSet:
    """A user's own image files: one subfolder per class, or one folder without labels.

    PNG, JPEG, GIF and WEBP files are read, whatever they are called among these. Hidden files
    and links that leave the folder are left out. One image in five, the same share of every
    class, is the test set.

    Args:
        path: The folder.
        split: "train" or "test".
        size: Side in pixels, 8 to 64, to which the centre square of every image is brought; by
            default the images' own size if they share one of 8 to 64 pixels a side, else 32.

    Returns:
        The split, ordered by class and file name, grey unless an image has colour; `notes` says
        what was resized, rotated, flattened or left out.

    Raises:
        DataError: If the folder or one of its images cannot be used, in one sentence.

    Example:
        >>> load_folder("nowhere", "train")
        Traceback (most recent call last):
        models.data.image_set.DataError: 'nowhere' must be an existing folder, got none
    """
    check_split(split)
    from models.data.image_files import read_folder

    root = os.path.abspath(path)
    label = repr(_file_name(root))
    with refusing(label, "a folder of images"):
        if not os.path.isdir(path):
            raise DataError(f"{label} must be an existing folder, got none")
        images, labels, class_names, notes = read_folder(root, size)
        found = CustomImages(images, 255.0, labels, class_names, Path(root).name, notes)
        return found.split(split)


def _file_name(path: str | Path) -> str:
    """The last part of a path, cleaned: all that a sentence may show of it."""
    return clean_name(Path(path).name)
