"""Which files are images, and of which class: one folder of images, or one folder per class.

Names only sort and label: no path is made from a name found inside an archive.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.data.image_set import DataError
from models.text import clean_name

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
MAX_FILES = 100_000
"""Most images or entries of a folder on this machine."""
LEFT_OUT = "entries that are not PNG, JPEG, GIF or WEBP images, left out"


class Labelled(NamedTuple):
    """Image files in order, with their classes.

    Attributes:
        files: Indices into the given names, or paths on this machine.
        labels: int64 (N,); None where there are no classes.
        class_names: In the order of the labels.
        left_out: How many other entries there are.
    """

    files: list
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    left_out: int

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on what was left out, if anything was."""
        return (f"{LEFT_OUT}: {self.left_out}",) if self.left_out else ()


def is_image(name: str) -> bool:
    """Tells whether a name ends like that of an image."""
    return name.lower().endswith(SUFFIXES)


def last_part(name: str) -> str:
    """Returns the last part of a name with folders, of any system."""
    return name.replace("\\", "/").rpartition("/")[2]


def label_names(names: Sequence[str]) -> Labelled:
    """Finds the images among names with folders, and the classes that their folders are.

    Folders that hold everything do not count, nor do folders' own entries and hidden files. What
    lies deeper than a class, or has a name that leads out of the archive, is left out.

    Args:
        names: As in an archive or an uploaded folder.

    Raises:
        DataError: If there is no image, or images lie both beside and inside class folders.

    Example:
        >>> label_names(["all/ant/1.png", "all/owl/1.png", "all/notes.txt"])[:1]
        ([0, 1],)
    """
    images, left_out = [], 0
    for index, name in enumerate(names):
        *folders, last = parts = name.replace("\\", "/").split("/")
        if last == "":
            continue
        if {"", ".", ".."} & set(parts):
            left_out += 1
        elif any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        elif is_image(last):
            images.append((folders, last, index))
        else:
            left_out += 1
    images = _without_common(images)
    kept = [image for image in images if len(image[0]) < 2]
    return _label(sorted(kept), left_out + len(images) - len(kept))


def _without_common(images: list[tuple[list[str], str, int]]) -> list[tuple[list[str], str, int]]:
    """The same without folders that hold everything."""
    while images and all(folders and folders[0] == images[0][0][0] for folders, _, _ in images):
        images = [(folders[1:], last, index) for folders, last, index in images]
    return images


def list_folder(root: str | Path) -> Labelled:
    """Finds the images of a folder on this machine, or of its subfolders, one per class.

    Hidden files and links that leave the folder are ignored.

    Raises:
        DataError: If there is no image, too many entries, or images both beside and inside
            class folders.
    """
    root = os.path.realpath(root)
    files, folders, left_out = _scan(root, root)
    images = [([], path) for path in files]
    for folder in folders:
        inside, deeper, others = _scan(folder, root)
        left_out += others + len(deeper)
        images += [([os.path.basename(folder)], path) for path in inside]
        if len(images) > MAX_FILES:
            raise DataError(f"a folder must hold at most {MAX_FILES} images, got more")
    return _label(images, left_out)


def _scan(folder: str, root: str) -> tuple[list[str], list[str], int]:
    """Image files and subfolders by name, without hidden ones and links that leave the root."""
    files, folders, left_out = [], [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and not _is_inside(entry.path, root):
                continue
            if os.path.isdir(entry.path):
                folders.append(entry.path)
            elif os.path.isfile(entry.path) and is_image(entry.name):
                files.append(entry.path)
            else:
                left_out += 1
            if len(files) + len(folders) + left_out > MAX_FILES:
                raise DataError(f"a folder must hold at most {MAX_FILES} entries, got more")
    return sorted(files), sorted(folders), left_out


def _is_inside(path: str, root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _label(images: Sequence[tuple], left_out: int) -> Labelled:
    """Images in order, with the classes that their folders are."""
    if not images:
        raise DataError(
            "there must be PNG, JPEG, GIF or WEBP images, or one folder of them per class, got none"
        )
    files = [image[-1] for image in images]
    has_class = [bool(image[0]) for image in images]
    if not any(has_class):
        return Labelled(files, None, (), left_out)
    if not all(has_class):
        raise DataError("there must be either images or one folder of images per class, got both")
    classes, labels = np.unique([image[0][0] for image in images], return_inverse=True)
    names = tuple(clean_name(name) for name in classes.tolist())
    return Labelled(files, labels.astype(np.int64), names, left_out)
