"""The images that an adapter shows: those that its file names or holds, or others."""

from __future__ import annotations

from pathlib import Path

from models.adapter.definitions import Adapter
from models.adapter.errors import AdapterError
from models.data.array_set import read_array_set
from models.data.arrays import hold
from models.data.image_set import ImageSet
from models.data.load import load
from models.data.read_options import NONE, ReadOptions


def read_images(
    adapter: Adapter, name: str, data: str | None = None, data_dir: str | Path | None = None
) -> ImageSet:
    """Reads the test images of an adapter.

    Args:
        adapter: May name its images, or hold them.
        name: Of the images, where the file holds them.
        data: A name or path that takes precedence over the file.
        data_dir: See `models.data.load.load`.

    Raises:
        AdapterError: If the adapter names none, or they are not images.
        DataError: If they cannot be used, in one sentence.

    Example:
        >>> from models.adapter.definitions import Definitions
        >>> len(read_images(Definitions({"encode": id, "decode": id, "data": "digits"}), ""))
        500
    """
    named = data or adapter.settings().get("data")
    if named is not None:
        return load(named, "test", data_dir)
    arrays = adapter.arrays()
    if "images" not in arrays:
        raise AdapterError(
            "there must be images to show: define data or images in the adapter, or give --data"
        )
    # The model was trained on these values: dark images must stay dark.
    return read_array_set(hold(arrays), name, ReadOptions(NONE)).all("test")
