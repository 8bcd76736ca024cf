"""Where the user's data sets and runs lie, and folders that can be made there.

An environment variable names a folder, else it is one of the working folder. An empty variable
names none, and `~` is the home folder, as in a shell.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def default_runs_dir() -> Path:
    """Returns the folder of the user's runs: `LATENT_RUNS_DIR`, else `runs`."""
    return _named_by("LATENT_RUNS_DIR", "runs")


def default_data_dir() -> Path:
    """Returns the folder that holds "MNIST/raw" and the like: `LATENT_DATA_DIR`, else `data`."""
    return _named_by("LATENT_DATA_DIR", "data")


def _named_by(variable: str, otherwise: str) -> Path:
    text = os.environ.get(variable, "").strip() or otherwise
    return user_path(text) if text.startswith("~") else _path(text)


@functools.lru_cache(16)
def _path(text: str) -> Path:
    """The path of a text, made once: a page asks for these folders dozens of times."""
    return Path(text)


def user_path(text: str | Path) -> Path:
    """Reads a path as people write it, in which `~` is the home folder.

    Example:
        >>> user_path("~/runs") == Path.home() / "runs", user_path("runs")
        (True, PosixPath('runs'))
    """
    with contextlib.suppress(RuntimeError):  # of a user who is not known here
        return Path(text).expanduser()
    return Path(text)


def open_file(path: str | Path) -> BinaryIO:
    """Opens a file to read it, and nothing else: a pipe would be waited for without end.

    Raises:
        OSError: If it is no file, or cannot be read.

    Example:
        >>> open_file("/")
        Traceback (most recent call last):
        OSError: [Errno 22] Not a file: '/'
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "Not a file", str(path))
    return open(path, "rb")


def is_folder_name(text: str) -> bool:
    """Tells whether a text names something in a folder, and nothing hidden, above or elsewhere.

    Example:
        >>> [is_folder_name(text) for text in ("run-1", "", "..", ".jobs", "../run-1", "a/b")]
        [True, False, False, False, False, False]
    """
    return not text.startswith(".") and not set(text) & set("/\\\0:") and bool(text.strip())


def make_folder(folder: Path, exist_ok: bool = True) -> None:
    """Makes a folder, and those above it.

    Raises:
        OSError: If that is impossible; it names what is in the way, and says what that is.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     link = Path(folder, "runs")
        ...     link.symlink_to("nowhere")
        ...     try:
        ...         make_folder(link / "new")
        ...     except OSError as error:
        ...         print(error.strerror)
        A link to a folder that does not exist
    """
    try:
        folder.mkdir(parents=True, exist_ok=exist_ok)
    except OSError:
        check_folder(folder)
        raise


def check_folder(folder: Path) -> None:
    """Checks that there is a folder, or could be.

    Raises:
        OSError: If something else is in the way; it says what.
    """
    for place in (folder, *folder.parents):
        if place.is_symlink() and not place.exists():
            raise OSError(errno.ENOTDIR, "A link to a folder that does not exist", str(place))
        if place.exists() and not place.is_dir():
            raise OSError(errno.ENOTDIR, "A file, not a folder", str(place))


@contextlib.contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Names the file in an OSError, which that of a full disk does not do.

    Example:
        >>> with naming("metrics.jsonl"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        OSError: [Errno 28] No space left on device: 'metrics.jsonl'
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def disk_reason(error: OSError) -> str:
    """Says why a disk refused, with the name of the file but not its path.

    Example:
        >>> disk_reason(OSError(28, "No space left on device", "/srv/runs/metrics.jsonl"))
        'no space left on device (metrics.jsonl)'
    """
    reason = (error.strerror or "unknown error").lower()
    return f"{reason} ({Path(error.filename).name})" if error.filename else reason
