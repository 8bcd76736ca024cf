"""Runs the user's adapter file and reads what it defines: two functions, images, options."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from torch import Tensor

from models.adapter.errors import MODULE, AdapterError, describe_exception, describe_value
from models.data.arrays import read_labels
from models.data.builtin import DATA_SETS
from models.data.image_set import MAX_BYTES, MIN_IMAGES, ImageSet
from models.data.load import load
from models.text import clean_name


def read_adapter(path: str | Path) -> dict[str, Any]:
    """Runs the user's file, as `python FILE` would, and returns what it defines.

    Raises:
        AdapterError: If there is no such file, it fails, or it lacks one of the two functions.

    Example:
        >>> read_adapter("nowhere")
        Traceback (most recent call last):
        models.adapter.errors.AdapterError: the adapter must be a Python file (.py), got 'nowhere'
    """
    path = Path(path)
    if not path.is_file() or path.suffix != ".py":
        name = clean_name(path.name)
        raise AdapterError(f"the adapter must be a Python file (.py), got {name!r}")
    sys.path.insert(0, str(path.resolve().parent))  # its own imports, as beside a script
    defined = vars(_run_file(path))
    for name in ("encode", "decode"):
        if not callable(defined.get(name)):
            raise AdapterError(
                f"the adapter must define encode(images) and decode(z), but {name} is "
                f"{'not a function' if name in defined else 'missing'}"
            )
    return defined


def _run_file(path: Path) -> ModuleType:
    """The file, imported as a module under a fixed name."""
    spec = importlib.util.spec_from_file_location(MODULE, path.resolve())
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sentence = f"the adapter must run to its end, but it stopped: {describe_exception(error)}"
        raise AdapterError(sentence) from error
    return module


def read_images(
    defined: Mapping[str, Any], name: str, data: str | None = None, data_dir: Any = None
) -> ImageSet:
    """Reads the test images of an adapter.

    Args:
        defined: What its file defines.
        name: Of the data, where the file gives arrays.
        data: A name or path that takes precedence over the file.
        data_dir: See `models.data.load.load`.

    Raises:
        AdapterError: If the adapter names none, or they are not images.
        DataError: If they cannot be used, in one sentence.

    Example:
        >>> len(read_images({"data": "digits"}, ""))
        500
    """
    choices = (data, defined.get("data"), defined.get("images"))
    given = next((choice for choice in choices if choice is not None), None)
    if given is None:
        raise AdapterError(
            "there must be images to show: define data or images in the adapter, or give --data"
        )
    if isinstance(given, (str, Path)):
        return load(given if data else _beside(defined, given), "test", data_dir)
    images, notes = _pixels(given)
    labels, names = (_array(key, defined.get(key)) for key in ("labels", "class_names"))
    if labels is None:
        return ImageSet(images, None, (), "test", name, notes)
    classes = read_labels(labels, names, len(images))
    return ImageSet(images, *classes, "test", name, notes)


def _beside(defined: Mapping[str, Any], given: str | Path) -> str | Path:
    """The path as the adapter means it: from the working folder, else from its own."""
    path = Path(str(defined.get("__file__", ""))).parent / given
    return path if path.exists() and not Path(given).exists() and given not in DATA_SETS else given


def _pixels(given: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """The adapter's images as float32 (N, C, H, W), and what was converted."""
    images, notes = _array("images", given), ()
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or images.dtype.kind not in "fu":
        raise AdapterError(
            "images must be float or uint8 of shape (N, C, H, W) or (N, H, W), "
            f"got {images.dtype} {images.shape}"
        )
    if len(images) < MIN_IMAGES:
        raise AdapterError(f"there must be at least {MIN_IMAGES} images, got {len(images)}")
    if images.nbytes > MAX_BYTES:
        raise AdapterError(
            f"images must take at most {MAX_BYTES >> 20} MiB, got {images.nbytes >> 20}: "
            "give fewer of them"
        )
    if images.dtype == np.uint8:
        return images.astype(np.float32) / 255, ("grey levels 0 to 255 were divided by 255",)
    return images.astype(np.float32), notes


def _array(name: str, given: Any) -> np.ndarray | None:
    """A tensor, array or list as an array."""
    if given is None:
        return None
    try:
        array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    except Exception as error:
        raise AdapterError(f"{name} must be an array, got {describe_value(given)}") from error
    if array.dtype.kind == "O":
        raise AdapterError(f"{name} must be an array of numbers or texts, got objects")
    return array
