"""Folders that travel to another machine and come back: which files, what changed, whole or not.

A folder is read file by file while a process writes it. Every file in it is replaced as a whole,
or grows; `Rules.returned` puts first what must be there before the rest is of use. Files are
written in that order and read in the opposite one, so that a folder which is left half-way is one
that its program could have left itself.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from models.atomic import write_bytes
from models.places import make_folder

Stamp = tuple[int, int, int]


def _hold_nothing(_folder: Path) -> AbstractContextManager[None]:
    return nullcontext()


class Rules(NamedTuple):
    """What of a folder travels.

    Attributes:
        sent: Patterns of the files that work needs, like "config.json" or "frames/*.npy".
        returned: Patterns of what it makes, in the order in which they are written.
        hold: Holds a folder while work elsewhere changes it; ValueError if that is impossible.
    """

    sent: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    hold: Callable[[Path], AbstractContextManager[None]] = _hold_nothing


def is_allowed(name: str, patterns: Iterable[str]) -> bool:
    """Tells whether a name from another machine is one of a file below a folder, and wanted.

    Example:
        >>> patterns = ["config.json", "frames/*.npy"]
        >>> [is_allowed(name, patterns) for name in ("frames/1.npy", "frames/../x.npy", "run.lock")]
        [True, False, False]
    """
    parts = name.split("/")
    is_plain = not any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts)
    return is_plain and any(
        pattern.count("/") == name.count("/") and fnmatchcase(name, pattern) for pattern in patterns
    )


def list_files(folder: Path, patterns: Sequence[str]) -> dict[str, Path]:
    """Lists the files of a folder that match, in the order of the patterns.

    Hidden files, which are not whole yet, are left out.
    """
    found = {}
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not path.name.startswith("."):
                found.setdefault(name, path)
    return found


def read_folder(folder: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    """Reads the files of a folder that match, the last pattern first.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_folder(Path(folder), {"a.txt": b"1", "b.txt": b"2"}, [], ["*.txt"])
        ...     read_folder(Path(folder), ["a.txt", "b.txt"])
        {'b.txt': b'2', 'a.txt': b'1'}
    """
    return _read(reversed(list_files(folder, patterns).items()))


def _read(files: Iterable[tuple[str, Path]]) -> dict[str, bytes]:
    found = {}
    for name, path in files:
        with contextlib.suppress(FileNotFoundError):  # replaced or removed in this moment
            found[name] = path.read_bytes()
    return found


def write_folder(
    folder: Path, files: Mapping[str, bytes], gone: Iterable[str], patterns: Sequence[str]
) -> None:
    """Writes what came from another machine, each file whole or not at all.

    Args:
        folder: Where.
        files: Contents by name.
        gone: Names of files that are there no more.
        patterns: Of all names that are allowed, in the order of writing.

    Raises:
        ValueError: If a name is not allowed; then nothing is written.
        OSError: If the disk refuses.
    """
    gone = [*gone]
    for name in (*files, *gone):
        if not is_allowed(name, patterns):
            raise ValueError(f"a worker must return files of a run, got {name!r:.80}")
    order = [name for pattern in patterns for name in files if is_allowed(name, [pattern])]
    for name in dict.fromkeys(order):
        make_folder((folder / name).parent)
        write_bytes(folder / name, files[name])
    for name in gone:
        (folder / name).unlink(missing_ok=True)


class Changes:
    """What has changed in a folder since it was last asked for.

    Args:
        folder: That a process works in.
        patterns: As in `Rules.returned`.
    """

    def __init__(self, folder: Path, patterns: Sequence[str]) -> None:
        self._folder, self._patterns = folder, patterns
        self._known = self._stamps()

    def _stamps(self) -> dict[str, Stamp]:
        found = {}
        for name, path in list_files(self._folder, self._patterns).items():
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found[name] = status.st_mtime_ns, status.st_size, status.st_ino
        return found

    def take(self) -> tuple[dict[str, bytes], list[str]]:
        """Reads what is new, and lists what is gone."""
        stamps = self._stamps()
        new = [name for name, stamp in stamps.items() if self._known.get(name) != stamp]
        gone = [name for name in self._known if name not in stamps]
        self._known = stamps
        return _read((name, self._folder / name) for name in reversed(new)), gone


def fingerprint(path: str | Path) -> str:
    """SHA-256 of a file's content, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
