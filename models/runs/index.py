"""An index of a runs folder: what lists need of every run, read once and again when it has changed.

Of a model only its card is read and kept, so that a thousand runs take a few megabytes. A look
costs one system call a run. Nothing is kept on disk: the folder alone says what is true.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from models.config import RunConfig
from models.runs.folder import Run
from models.runs.label import Label
from models.storage.card import Card
from models.storage.checkpoint import read_card
from models.storage.tensors import CheckpointError
from models.text import clean_name
from models.training.snapshots import snapshot_folder

INSPECTED, INSPECTED_OF_MORE = 100, 25
"""Runs whose every file is looked at in one look, in turn, for a file that is written in place
leaves its folder as it was. In a folder of so many every change is seen at once; of more, these
are looked at, and such a change is seen some looks later."""
SETTLED_NANOSECONDS = 100_000_000
"""A folder that changed less long ago may change again within the same tick of the disk's clock."""


class IndexedRun(NamedTuple):
    """What lists need of a run.

    Attributes:
        run: Its folder.
        config: Its settings; None if they cannot be read, and `problem` says why.
        first_title: The title it was made with, or its id.
        label: What its owner wrote about it.
        sweep: Id of its sweep, or nothing.
        card: Of its model; None if there is none, or it cannot be read.
        has_codes: Whether its model holds the codes of a test set.
        changed: When its model file was changed, in nanoseconds; 0 without one.
        has_film: Whether there are snapshots of its training.
        problem: Why its settings cannot be read, in one sentence; else empty.
        model_problem: Why its model cannot be read, in one sentence; else empty.
        owner: Who may change it in a class; nothing: the teacher.
    """

    run: Run
    config: RunConfig | None
    first_title: str
    label: Label
    sweep: str
    card: Card | None = None
    has_codes: bool = False
    changed: int = 0
    has_film: bool = False
    problem: str = ""
    model_problem: str = ""
    owner: str = ""

    @property
    def id(self) -> str:
        """Of the run."""
        return self.run.id

    @property
    def title(self) -> str:
        """The title that its owner gave it last, or the first one, or the id."""
        return self.label.title or self.first_title


def read_indexed(run: Run) -> IndexedRun:
    """Reads what the index keeps of a run; whatever is damaged becomes a sentence.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     indexed = read_indexed(Run.create(folder, preset("digits-2d"), "my first"))
        ...     indexed.title, indexed.card, indexed.problem
        ('my first', None, '')
    """
    config, title, sweep, problem, owner = None, clean_name(run.id), "", "", ""
    try:
        document = run.document()
        title = clean_name(document.get("title", ""), run.id)
        sweep, owner = str(document.get("sweep", "")), str(document.get("owner", ""))
        config = RunConfig.from_json(document.get("config"))
    except ValueError as error:
        problem = str(error)
    card, has_codes, changed, model_problem = None, False, 0, ""
    with contextlib.suppress(OSError):  # there is none
        changed = run.model_path.stat().st_mtime_ns
        try:
            card, has_codes = read_card(run.model_path)
        except CheckpointError as error:
            model_problem = str(error)
    has_film = snapshot_folder(run.folder).is_dir()
    return IndexedRun(
        run, config, title, run.label, sweep, card, has_codes, changed, has_film,
        problem, model_problem, owner,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Listing:
    """The runs of a folder at one time, newest first; the same object as long as none changes."""

    runs: tuple[IndexedRun, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, IndexedRun]:
        """The runs by their ids, newest first."""
        return {indexed.id: indexed for indexed in self.runs}


Stamp = tuple[int, int] | None
"""Of a file or folder: its inode and when it changed."""


_RUN = Run(Path())
_FILES = [
    str(path)
    for path in (_RUN.config_path, _RUN.label_path, _RUN.model_path, snapshot_folder(_RUN.folder))
]
"""What of a run folder the index reads; the first makes the folder a run."""


class _Kept(NamedTuple):
    """A run as it was read, and the stamps of its folder and of its files before that."""

    folder: Stamp
    files: tuple[Stamp, ...]
    indexed: IndexedRun | None


class RunIndex:
    """The index of one runs folder. Every method may be called from any thread.

    Args:
        runs_dir: The folder; it need not exist.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     index = RunIndex(folder)
        ...     run, before = Run.create(folder, preset("digits-2d"), "my first"), index.look()
        ...     run.relabel(title="the best")
        ...     before.by_id[run.id].title, index.look().by_id[run.id].title
        ('my first', 'the best')
    """

    def __init__(self, runs_dir: str | Path) -> None:
        self.runs_dir = Path(runs_dir)
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._listing = Listing()
        self._inspected = 0

    def look(self) -> Listing:
        """Looks at the folder, and reads what has changed since the last look."""
        with self._lock:
            folders, now = self._folders(), time.time_ns()
            inspected = self._next_inspected(list(folders))
            before, unsettled, kept = self._kept, now - SETTLED_NANOSECONDS, {}
            for name, stamp in folders.items():
                known = before.get(name)
                is_as_known = known is not None and known.folder == stamp
                if not is_as_known or name in inspected or stamp[1] >= unsettled:
                    known = self._refresh(name, stamp, known, now)
                kept[name] = known
            self._kept = kept
            if before.keys() != kept.keys() or any(
                each.indexed is not before[name].indexed for name, each in kept.items()
            ):
                runs = [kept[name].indexed for name in sorted(kept, reverse=True)]
                self._listing = Listing(tuple(filter(None, runs)))
            return self._listing

    def _next_inspected(self, names: list[str]) -> set[str]:
        """Those whose turn it is."""
        count = INSPECTED if len(names) <= INSPECTED else INSPECTED_OF_MORE
        start = self._inspected if self._inspected < len(names) else 0
        self._inspected = start + count
        return set(names[start : start + count])

    def _folders(self) -> dict[str, Stamp]:
        """The folders that may be runs, and their stamps."""
        found = {}
        with contextlib.suppress(OSError), os.scandir(self.runs_dir) as entries:
            for entry in entries:
                try:
                    if entry.name[0] != "." and entry.is_dir():
                        status = entry.stat()
                        found[entry.name] = (status.st_ino, status.st_mtime_ns)
                except OSError:  # removed in this moment
                    pass
        return found

    def _refresh(self, name: str, folder: Stamp, known: _Kept | None, now: int) -> _Kept:
        """What is kept of a run, read again if a file of it has changed."""
        is_settled = not 0 <= now - folder[1] <= SETTLED_NANOSECONDS  # the clock may be wrong
        place = os.path.join(self.runs_dir, name)
        files = tuple(_stamp(os.path.join(place, file)) for file in _FILES)
        if known and known.files == files and is_settled:
            return known if known.folder == folder else known._replace(folder=folder)
        return _Kept(folder, files, read_indexed(Run(Path(place))) if files[0] else None)


def _stamp_of(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_mtime_ns


def _stamp(path: str) -> Stamp:
    try:
        return _stamp_of(os.stat(path))
    except OSError:
        return None
