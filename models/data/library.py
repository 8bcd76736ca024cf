"""The library of a user's own data sets: added, listed, read, removed and restored.

    runs/.data/own-<12 hex>.npz    one set: images, labels, class_names, is_test, factors,
                                   factor_names, about.json
               own-<12 hex>.npy    the images of a large one: see `models.data.large`
               removed/            the sets that were removed last

The name of a set comes from its content; its title is a label inside the file. A name from
outside is compared with the names that exist and never becomes a path.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.data.arrays import read_npz
from models.data.custom_images import CustomImages, count_train
from models.data.factors import read_factors
from models.data.image_set import DataError, check_sides
from models.data.labels import read_labels
from models.data.large import LargeSet, copy
from models.data.progress import Report, silent
from models.data.read_options import ReadOptions
from models.places import default_runs_dir, make_folder
from models.text import clean_name

MAX_SETS = 20
MAX_STORED = 256 * 2**20
"""Most bytes of all sets together; like their number, it binds the page alone, for a user of the
command line owns the disk."""
KEPT_DAYS = 7
"""How long a removed set can be restored, as long as all removed ones take at most `MAX_STORED`."""
_ABOUT = "about.json"
_ARRAYS = ("images", "few", "labels", "class_names", "is_test", "factors", "factor_names")
_MAX_ABOUT = 2**16
_ID = re.compile(r"own-[0-9a-f]{12}")


class DataSetInfo(NamedTuple):
    """Describes an added set without reading its images.

    Attributes:
        train: Training images; the others are the test set.
        bytes: Size of its file.
        owner: Who may change it in a class; nothing: the teacher.
        is_large: Whether its images lie in a file of their own: see `models.data.large`.
    """

    id: str
    title: str
    count: int
    image_shape: tuple[int, int, int]
    classes: int
    notes: tuple[str, ...]
    bytes: int
    train: int
    owner: str = ""
    is_large: bool = False


def library_dir() -> Path:
    """Returns the folder of added sets, inside that of the runs.

    Example:
        >>> library_dir().name
        '.data'
    """
    return default_runs_dir() / ".data"


def is_id(name: object) -> bool:
    """Tells whether a name has the form that added sets have.

    Example:
        >>> is_id("own-0123456789ab"), is_id("own-../secret.png"), is_id("digits")
        (True, False, False)
    """
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def list_paths() -> dict[str, Path]:
    """Lists the files of the added sets by id, newest first."""
    return _paths(library_dir())


def list_removed() -> dict[str, Path]:
    """Lists the files of the removed sets that can be restored, the last removed first."""
    return _paths(library_dir() / "removed")


def _paths(folder: Path) -> dict[str, Path]:
    """Files by id, newest first; an absent folder has none."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if is_id(entry.name.removesuffix(".npz")) and entry.name.endswith(".npz"):
                found.append((entry.stat().st_mtime_ns, entry.name))
    return {name.removesuffix(".npz"): folder / name for _, name in sorted(found, reverse=True)}


def read_info(path: Path) -> DataSetInfo:
    """Reads what a set's file says about it, without reading its images.

    Raises:
        DataError: If the file is damaged or gone.
    """
    with _reading(path.stem):
        with zipfile.ZipFile(path) as archive:
            about = _read_about(archive)
        count, *image_shape = (int(length) for length in about["shape"])
        check_sides(tuple(image_shape))
        title, notes = clean_name(about["title"]), tuple(map(str, about["notes"]))
        classes, size = int(about["classes"]), path.stat().st_size
        is_large = bool(about.get("is_large"))
        size += path.with_suffix(".npy").stat().st_size if is_large else 0
        train = int(about.get("train", count_train(count)))
        owner, shape = str(about.get("owner", "")), tuple(image_shape)
        return DataSetInfo(
            path.stem, title, count, shape, classes, notes, size, train, owner, is_large
        )


def read_custom(name: str) -> CustomImages | LargeSet:
    """Reads the set of that name; of a large one, all but the images.

    Raises:
        DataError: If it does not exist, or its file is damaged.
    """
    path = list_paths().get(name)
    if path is None:
        raise DataError(
            f"data must be a data set in the library, got {clean_name(name)!r}, which was removed "
            "or never added here: add the images again"
        )
    with _reading(name):
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            about = _read_about(archive)
        arrays = _read_arrays(content)
        if about.get("is_large"):
            return LargeSet.read(path, about, arrays)
        images, scale = arrays["images"], about["scale"]
        if images.ndim != 4 or images.dtype.kind not in "uf":
            raise ValueError
        labels = read_labels(arrays.get("labels"), arrays.get("class_names"), len(images))
        notes, is_test = tuple(map(str, about["notes"])), arrays.get("is_test")
        factors = read_factors(arrays.get("factors"), arrays.get("factor_names"), len(images))
        return CustomImages(images, scale, *labels, about["title"], notes, is_test, *factors)


def _read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a set's file, those that it has."""
    arrays = read_npz(content)
    known = [name for name in _ARRAYS if name in arrays.headers]
    return dict(zip(known, arrays.read(*known), strict=True))


def _read_about(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The description inside a set's file."""
    member = archive.getinfo(_ABOUT)
    if member.file_size > _MAX_ABOUT:
        raise ValueError
    with archive.open(member) as file:
        return json.loads(file.read(member.file_size))


@contextlib.contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turns whatever a damaged file raises into one sentence."""
    try:
        yield
    except Exception as error:  # parsers of damaged files raise almost anything
        raise DataError(
            f"the images of {name} must be whole, got a damaged or missing file: remove them and "
            "add them again"
        ) from error


def add(
    images: CustomImages, title: str = "", owner: str = "", *, is_bounded: bool = True
) -> DataSetInfo:
    """Adds a set to the library, where command line, training runs and app find it by its id.

    The same images are kept once: adding them again gives them the new title.

    Args:
        images: The set.
        title: A label; by default the set's own.
        owner: Who may change it in a class; nothing: the teacher.
        is_bounded: Whether sets and bytes are bounded; else there may be what the disk takes.

    Raises:
        DataError: If there are too many sets, or they take too much space.
        OSError: If it cannot be written; then nothing is left behind.
    """
    from models.atomic import write_bytes

    folder, title = library_dir(), clean_name(title, images.title)
    content = _to_bytes(images, title, owner)
    if is_bounded:
        _check_room(images.id, len(content))
    make_folder(folder)
    path = folder / f"{images.id}.npz"
    write_bytes(path, content)
    (folder / "removed" / path.name).unlink(missing_ok=True)
    return read_info(path)


def _check_room(name: str, size: int) -> None:
    """Raises DataError if a set of so many bytes is one too many, or does not fit."""
    others = {other: path for other, path in list_paths().items() if other != name}
    if len(others) >= MAX_SETS:
        raise DataError(
            f"at most {MAX_SETS} sets of your own images are kept, got one more: remove one first"
        )
    stored = sum(path.stat().st_size for path in others.values())
    if stored + size > MAX_STORED:
        raise DataError(
            f"your own images must take at most {MAX_STORED >> 20} MB in all, got "
            f"{stored / 2**20:.0f} MB that are kept and {size / 2**20:.0f} MB more: "
            "remove a set, or use fewer images"
        )


def add_large(
    path: Path, title: str = "", options: ReadOptions | None = None, report: Report = silent
) -> DataSetInfo:
    """Adds the images of a file that is too large to be read in one piece, by copying them.

    What all other sets take together does not count here, only the disk: see `models.data.large`.

    Args:
        path: See `models.data.large.copy`.
        title: A label; by default the name of the file.
        options: How they are read.
        report: Told about the progress.

    Raises:
        DataError: If the file cannot be used, or the disk is too small.
        OSError: If it cannot be written; then nothing is left behind.
    """
    from models.atomic import write_bytes

    folder = library_dir()
    make_folder(folder)
    name, small = copy(path, folder, title, options, report)
    write_bytes(folder / f"{name}.npz", small)
    for old in _files(folder / "removed" / f"{name}.npz"):
        old.unlink(missing_ok=True)
    return read_info(folder / f"{name}.npz")


def _files(path: Path) -> list[Path]:
    """The files of a set; the first makes it one."""
    return [path, path.with_suffix(".npy")]


def _to_bytes(images: CustomImages, title: str, owner: str) -> bytes:
    """The content of a set's file."""
    arrays = {"images": images.images}
    if images.labels is not None:
        arrays |= {"labels": images.labels, "class_names": np.array(images.class_names)}
    if images.is_test is not None:
        arrays["is_test"] = images.is_test
    if images.factors is not None:
        arrays |= {"factors": images.factors, "factor_names": np.array(images.factor_names)}
    about = {"title": title, "scale": images.scale, "notes": images.notes}
    about |= {"shape": images.images.shape, "classes": len(images.class_names)}
    about["train"] = images.train_count
    about |= {"owner": owner} if owner else {}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(_ABOUT, json.dumps(about))
    return stream.getvalue()


def remove(name: str) -> None:
    """Moves a set to the removed ones, where it stays for `KEPT_DAYS`.

    Raises:
        DataError: If it does not exist.
        OSError: If it cannot be moved.
    """
    path = list_paths().get(name)
    if path is None:
        raise DataError(f"data must be a data set in the library, got {clean_name(name)!r}")
    aside = library_dir() / "removed"
    aside.mkdir(exist_ok=True)
    _move(path, aside)
    os.utime(aside / path.name)
    size = 0
    for old in list_removed().values():
        with contextlib.suppress(OSError):  # gone in this moment
            status = old.stat()
            is_large = old.with_suffix(".npy").exists()
            size += 0 if is_large else status.st_size
            if size > MAX_STORED or time.time() - status.st_mtime > KEPT_DAYS * 24 * 3600:
                for file in _files(old):
                    file.unlink(missing_ok=True)


def _move(path: Path, folder: Path) -> None:
    """Moves the files of a set, the one that makes it one first."""
    for file in _files(path):
        with contextlib.suppress(FileNotFoundError):
            file.replace(folder / file.name)


def recover(name: str) -> None:
    """Restores a removed set.

    Raises:
        DataError: If it was deleted since, or never removed.
        OSError: If it cannot be moved.
    """
    path = list_removed().get(name)
    if path is None:
        raise DataError(
            f"a set can be restored for {KEPT_DAYS} days after it was removed, "
            f"got {clean_name(name)!r}"
        )
    _move(path, library_dir())
