"""The first test images of a data set that must be downloaded, as they ship beside the models.

A NumPy archive with three arrays: `images` (N, H, W), grey levels 0 to 255; `fingerprint`, that of
the whole test set; `card`, JSON with title, source and licence of the images.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.atomic import write_bytes
from models.data.image_set import ImageSet

MOST = 500
MAX_BYTES = 2**20
"""Of a file; those that ship are far smaller."""


class ShippedImages(NamedTuple):
    """Images 0 to N − 1 of a test set.

    Attributes:
        levels: Grey levels 0 to 255, uint8, shape (N, 1, H, W).
        card: What they are: title, source and licence.
    """

    levels: np.ndarray
    card: dict[str, str]


def write_shipped_images(path: Path, test_set: ImageSet, card: dict[str, str]) -> None:
    """Writes the first images of a grey test set, at most `MOST`.

    Args:
        path: Of the archive.
        test_set: All of it, for its fingerprint.
        card: What the images are, and their licence.
    """
    levels = np.round(test_set.images[:MOST, 0] * 255).astype(np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        images=levels,
        fingerprint=np.array(test_set.fingerprint),
        card=np.array(json.dumps(card)),
    )
    write_bytes(path, buffer.getvalue())


def read_shipped_images(path: Path, fingerprint: str) -> ShippedImages | None:
    """Reads the first images of the test set with this fingerprint; None if the file is missing,
    damaged, or of another set.

    Example:
        >>> read_shipped_images(Path("nowhere.npz"), "") is None
        True
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            levels, known = archive["images"], str(archive["fingerprint"])
            card = json.loads(str(archive["card"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = levels.ndim == 3 and levels.dtype == np.uint8 and 0 < len(levels) <= MOST
    if known != fingerprint or not fits:
        return None
    return ShippedImages(levels[:, None], card)


def images_path(folder: Path, name: str) -> Path:
    """Returns where the first images of a data set ship.

    Example:
        >>> images_path(Path("checkpoints"), "mnist").as_posix()
        'checkpoints/images/mnist.npz'
    """
    return folder / "images" / f"{name}.npz"
