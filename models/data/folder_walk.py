"""The files below a folder on this machine, without leaving it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from models.data.image_set import DataError

MAX_FILES = 100_000
"""Most entries of a folder on this machine."""
MAX_DEPTH = 6


class FolderFiles(NamedTuple):
    """What lies below a folder; names have "/" between their parts.

    Attributes:
        names: Of regular files.
        links: Links that lead out of the folder, nowhere, or to a folder that was met before.
        special: What is neither file nor folder, or lies too deep.
    """

    names: list[str]
    links: list[str]
    special: list[str]


def list_files(root: str | Path) -> FolderFiles:
    """Lists the files below a folder by name; hidden folders are named and not entered.

    Links are followed inside the folder only.

    Raises:
        DataError: If there are too many entries.
        OSError: If a folder cannot be read.
    """
    root = os.path.realpath(root)
    found, seen = FolderFiles([], [], []), {root}
    _scan(root, "", root, found, seen)
    return found


def _scan(folder: str, prefix: str, root: str, found: FolderFiles, seen: set[str]) -> None:
    """Adds what lies in one folder, and below it."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if sum(map(len, found)) >= MAX_FILES:
            raise DataError(f"a folder must hold at most {MAX_FILES} entries, got more")
        name, real = prefix + entry.name, os.path.realpath(entry.path)
        is_link = entry.is_symlink()
        if is_link and not (Path(real).is_relative_to(root) and os.path.exists(real)):
            found.links.append(name)
        elif os.path.isdir(real):
            _enter(real, name, root, found, seen)
        else:
            (found.names if os.path.isfile(real) else found.special).append(name)


def _enter(real: str, name: str, root: str, found: FolderFiles, seen: set[str]) -> None:
    """Adds what lies in a subfolder, once."""
    if real in seen:
        found.links.append(name)
    elif name.count("/") >= MAX_DEPTH:
        found.special.append(name)
    elif name.rpartition("/")[2].startswith("."):
        found.names.append(name)  # hidden: named as such, and not entered
    else:
        seen.add(real)
        _scan(real, f"{name}/", root, found, seen)
