"""Data sets on this machine: test images behind a model, and the user's own sets.

A file is known by path and time of change, and read again when it has changed.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.services import permissions
from models.data import library
from models.data.builtin import default_data_dir, is_available, is_built_in
from models.data.custom_images import CustomImages
from models.data.image_set import DataError, ImageSet
from models.data.library import DataSetInfo, is_id, list_paths, read_custom, read_info
from models.data.load import load
from models.storage.card import Card
from models.storage.shipped_images import images_path, read_shipped_images

SAMPLES = 24
"""Images of a custom data set that are shown."""
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def test_images(card: Card) -> ImageSet | None:
    """Loads the test images that a card names, or None where they are not on this machine."""
    if missing_download(card):
        return None
    name = card.config.data
    images = _test_set(name, str(default_data_dir()), time_of_change(name))
    if images is None or images.fingerprint != card.data_fingerprint:
        return None
    return images


@functools.lru_cache(8)
def _test_set(name: str, data_dir: str, changed: int) -> ImageSet | None:
    try:
        return load_small(name, "test", data_dir)
    except DataError:
        return None


def load_small(name: str, split: str, data_dir: str) -> ImageSet:
    """Loads a data set into the server, unless it is a large one, which only workers read.

    Raises:
        DataError: If it is large, or as in `models.data.load.load`.
    """
    if is_large(name):
        raise DataError("the images of a large set must stay on the disk, got a request for all")
    return load(name, split, data_dir)


def is_large(name: str) -> bool:
    """Whether a data set is a large one of the user's own: see `models.data.large`."""
    known = custom_sets().get(name) if is_id(name) else None
    return known is not None and known.is_large


def shipped_levels(card: Card) -> np.ndarray | None:
    """Grey levels of the first test images that a card names, where some ship, or where a large
    set keeps them; else None."""
    name = card.config.data
    return _shipped_levels(name, card.data_fingerprint, time_of_change(name))


@functools.lru_cache(8)
def _shipped_levels(name: str, fingerprint: str, changed: int) -> np.ndarray | None:
    if is_large(name):
        return _few_levels(name, fingerprint)
    if not is_built_in(name):
        return None
    found = read_shipped_images(images_path(SHIPPED, name), fingerprint)
    return None if found is None else found.levels


def _few_levels(name: str, fingerprint: str) -> np.ndarray | None:
    with contextlib.suppress(DataError):
        found = read_custom(name)
        return found.few if found.test_fingerprint == fingerprint else None
    return None


def missing_download(card: Card) -> str:
    """Names a model's data set if that must be downloaded first; else empty."""
    name = card.config.data
    return name if is_built_in(name) and not is_available(name, default_data_dir()) else ""


@st.cache_resource(max_entries=20, show_spinner="Finding the eigenvalues…")
def _eigenvalues(name: str, data_dir: str, changed: int) -> np.ndarray:
    from models.theory.linear_vae import covariance_eigenvalues

    return covariance_eigenvalues(load_small(name, "train", data_dir).images)


def covariance_eigenvalues(name: str) -> np.ndarray:
    """Finds the eigenvalues of the covariance of a data set's training images."""
    return _eigenvalues(name, str(default_data_dir()), time_of_change(name))


# --- the user's own sets -------------------------------------------------------------------------


def custom_sets() -> dict[str, DataSetInfo]:
    """Lists the user's own data sets by id, newest first; damaged ones are left out."""
    readable = {}
    for name, path in list_paths().items():
        with contextlib.suppress(OSError):  # removed in this moment
            info = _info(str(path), path.stat().st_mtime_ns)
            readable |= {} if info is None else {name: info}
    return readable


@st.cache_resource(max_entries=100, show_spinner=False)
def _info(path: str, changed: int) -> DataSetInfo | None:
    with contextlib.suppress(DataError):
        return read_info(Path(path))
    return None


def custom_samples(name: str) -> ImageSet | None:
    """Picks images of a custom data set, as the model sees them; None if it is damaged or gone."""
    return _samples(name, time_of_change(name))


@st.cache_resource(max_entries=20, show_spinner=False)
def _samples(name: str, changed: int) -> ImageSet | None:
    with contextlib.suppress(DataError):
        return read_custom(name).samples(SAMPLES)
    return None


def time_of_change(name: str) -> int:
    """When the file of a custom data set was changed; 0 if there is none."""
    path = list_paths().get(name) if is_id(name) else None
    with contextlib.suppress(OSError):  # removed in this moment
        return path.stat().st_mtime_ns if path else 0
    return 0


def add_set(images: CustomImages, title: str) -> DataSetInfo:
    """Adds a set, which is this session's; one that somebody else has added is used as it is.

    Raises:
        DataError: If there are too many sets, or they take too much space.
        NotAllowed: If this session may add nothing.
        OSError: If it cannot be written.
    """
    permissions.check_new()
    known = custom_sets().get(images.id)
    if known is not None and not permissions.may_change(known.owner):
        return known
    return library.add(images, title, permissions.owner() if known is None else known.owner)


def may_change_set(name: str) -> bool:
    """Whether this session may remove a set; one that cannot be read is the teacher's."""
    known = custom_sets().get(name)
    return permissions.may_change(permissions.TEACHER if known is None else known.owner)


def remove_set(name: str) -> None:
    """Moves a set aside.

    Raises:
        DataError: If it does not exist.
        NotAllowed: If this session may not change it.
        OSError: If it cannot be moved.
    """
    known = custom_sets().get(name)
    permissions.check(permissions.TEACHER if known is None else known.owner)
    library.remove(name)


def removed_sets() -> dict[str, DataSetInfo]:
    """Lists the removed sets that this session may restore, the last one first."""
    found = {}
    for name, path in library.list_removed().items():
        with contextlib.suppress(OSError):  # gone in this moment
            info = _info(str(path), path.stat().st_mtime_ns)
            if info is not None and permissions.may_change(info.owner):
                found[name] = info
    return found


def recover_set(name: str) -> None:
    """Restores a removed set.

    Raises:
        DataError: If it is gone.
        NotAllowed: If this session may not change it.
        OSError: If it cannot be moved.
    """
    path = library.list_removed().get(name)
    if path is not None:
        info = _info(str(path), path.stat().st_mtime_ns)
        permissions.check(permissions.TEACHER if info is None else info.owner)
    library.recover(name)
