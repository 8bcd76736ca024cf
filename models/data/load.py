"""A data set by its name or path: built-in, of the library, or images on this machine.

Importing this module imports numpy and the standard library only: torchvision and Pillow wait until
a data set needs them, because the first screen waits for all imports.
"""

from __future__ import annotations

import os
from pathlib import Path

from models.data.builtin import (
    DATA_SETS,
    TORCHVISION,
    is_built_in,
    load_digits,
    load_torchvision,
)
from models.data.image_set import DataError, ImageSet, check_split
from models.data.ingest import read_path
from models.data.library import is_id, read_custom
from models.data.sprites import is_sprites, load_sprites
from models.text import clean_name


def load(name_or_path: str | Path, split: str, data_dir: str | Path | None = None) -> ImageSet:
    """Loads one split of the data set of that name or path.

    Args:
        name_or_path: Of a built-in set, like "digits" or "sprites-32", the id of an added set
            ("own-…"), or a path that `models.data.ingest.read_path` takes; a folder called "mnist"
            is "./mnist".
        split: "train" or "test". Of a user's images, one in five is a test image, the same share
            of every class.
        data_dir: Folder that holds "MNIST/raw" and the like; by default `default_data_dir()`.

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
    if is_sprites(name_or_path):
        return load_sprites(name_or_path, split)
    if name_or_path in TORCHVISION:
        return load_torchvision(name_or_path, split, data_dir)
    if is_id(name_or_path):
        return read_custom(name_or_path).split(split)
    if is_images(name_or_path):
        check_split(split)
        return read_path(name_or_path).split(split)
    raise DataError(
        f"data must be one of {', '.join(DATA_SETS)}, or the path of an .npz, a .zip of images or "
        f"a folder of images, got {clean_name(name_or_path)!r}"
    )


def is_images(name: str | Path) -> bool:
    """Tells whether a text means a file or a folder of images, and no name of a data set.

    Example:
        >>> [is_images(name) for name in ("faces.npz", "./faces", Path("faces"), "cifar", "digits")]
        [True, True, True, False, False]
    """
    if is_built_in(name) or is_id(name):
        return False
    is_path = isinstance(name, Path) or os.sep in name or os.path.splitext(name)[1] != ""
    return is_path or os.path.exists(name)
