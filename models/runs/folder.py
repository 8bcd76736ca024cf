"""Run folders: where a training run lies on disk, so that it survives whatever happens to it.

    runs/<id>/config.json         the run's settings and its title
              metrics.jsonl       one line per finished epoch: see `models.runs.history`
              state.safetensors   weights, optimiser and position: what a resume needs
              model.safetensors   the checkpoint to explore, with the test set's codes
              frames/             snapshots of the training: see `models.training.snapshots`
              label.json          what its owner writes about it: see `Label`
              wish.json  changes.jsonl   requests and changes: see `models.training.control`
              failure.json        why the training failed: see `models.runs.status`
              run.lock            held while a process trains here: see `models.runs.lock`

Ids are generated; titles are labels and never become paths.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import strict_json
from models.atomic import write_bytes
from models.config import RunConfig
from models.places import default_runs_dir as default_runs_dir
from models.places import make_folder
from models.runs.history import History
from models.runs.label import MAX_LABEL_BYTES, Label, clean_note
from models.runs.lock import PATIENCE_SECONDS, run_lock
from models.text import clean_name


@dataclass(frozen=True)
class Run:
    """A run folder; every method reads or writes the disk, nothing is remembered.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.create(folder, preset("digits-2d"), "my first")
        ...     run.title, run.history.rows(), [r.id == run.id for r in list_runs(folder)]
        ('my first', [], [True])
    """

    folder: Path

    @classmethod
    def create(
        cls,
        runs_dir: str | Path,
        config: RunConfig,
        title: str = "",
        sweep: str = "",
        owner: str = "",
        purpose: str = "",
    ) -> Run:
        """Makes a run with a generated id; `sweep` is the id of the sweep it belongs to, `owner`
        tells who may change it in a class, `purpose` which page made it for itself.

        Raises:
            OSError: If the disk refuses; then nothing is left behind.
        """
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        run = cls(Path(runs_dir) / run_id)
        make_folder(run.folder, exist_ok=False)
        document = {"title": clean_name(title, ""), "config": config.to_json()}
        document |= {"sweep": sweep} if sweep else {}
        document |= {"owner": owner} if owner else {}
        document |= {"purpose": purpose} if purpose else {}
        try:
            write_bytes(run.config_path, json.dumps(document, indent=1).encode())
        except OSError:
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
        return run

    @property
    def id(self) -> str:
        """The folder's name; what of it is not UTF-8 is shown as question marks."""
        return self.folder.name.encode(errors="replace").decode()

    @property
    def config_path(self) -> Path:
        return self.folder / "config.json"

    @property
    def model_path(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def state_path(self) -> Path:
        return self.folder / "state.safetensors"

    @property
    def label_path(self) -> Path:
        return self.folder / "label.json"

    @property
    def first_title(self) -> str:
        """The title it was made with, or the id."""
        return clean_name(self.document().get("title", ""), self.id)

    @property
    def title(self) -> str:
        """The title that its owner gave it last, or the first one, or the id."""
        return self.label.title or self.first_title

    @property
    def label(self) -> Label:
        """What its owner wrote about it; nothing if the file is absent or damaged."""
        document = None
        with contextlib.suppress(OSError, ValueError):
            document = strict_json.read(self.label_path, MAX_LABEL_BYTES)
        match document:
            case {"title": str(title), "note": str(note), "pinned": bool(pinned)}:
                return Label(clean_name(title, ""), clean_note(note), pinned)
        return Label()

    def relabel(self, **changes: Any) -> None:
        """Changes fields of the label; an empty title restores the first one.

        Args:
            changes: Fields of `Label`; texts lose what cannot be shown or is too long.

        Raises:
            OSError: If the disk refuses: the old label stays.

        Example:
            >>> import tempfile
            >>> from models.presets import preset
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     run = Run.create(folder, preset("digits-2d"), "my first")
            ...     run.relabel(title="the best", pinned=True)
            ...     run.title, run.label.pinned, run.first_title
            ('the best', True, 'my first')
        """
        label = self.label._replace(**changes)
        title, note = clean_name(label.title, ""), clean_note(label.note)
        label = Label(title, note, bool(label.pinned))
        write_bytes(self.label_path, json.dumps(label._asdict(), indent=1).encode())

    @property
    def sweep(self) -> str:
        """Id of the sweep it belongs to, or nothing."""
        return str(self.document().get("sweep", ""))

    @property
    def owner(self) -> str:
        """Who may change it in a class; nothing: the teacher."""
        return str(self.document().get("owner", ""))

    @property
    def purpose(self) -> str:
        """Which page made it for itself, and may go on with it; nothing: it is its owner's."""
        return str(self.document().get("purpose", ""))

    def config(self) -> RunConfig:
        """Reads the run's settings.

        Raises:
            ValueError: If the folder holds no valid ones.
        """
        return RunConfig.from_json(self.document().get("config"))

    def document(self) -> dict[str, Any]:
        """Reads `config.json`: the title, the settings, and perhaps the sweep.

        Raises:
            ValueError: If it holds no JSON object, or the folder cannot be named.
        """
        if self.id != self.folder.name:
            raise ValueError(f"a run's folder must have a name in UTF-8, got {self.id}: rename it")
        try:
            document = strict_json.read(self.config_path)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"a run must hold a valid config.json, but {self.id} does not"
            ) from error
        if not isinstance(document, dict):
            raise ValueError(f"the config.json of {self.id} must be a JSON object")
        return document

    @property
    def history(self) -> History:
        """The rows of its finished epochs."""
        return History(self.folder)

    def lock(self, patience: float = PATIENCE_SECONDS) -> contextlib.AbstractContextManager[None]:
        """Holds the run while it is trained: see `models.runs.lock.run_lock`."""
        return run_lock(self.folder, patience)


def remove_unbegun(runs: Sequence[Run]) -> bool:
    """Removes runs if none of them has begun, and tells whether it did."""
    if any(run.state_path.exists() or run.model_path.exists() for run in runs):
        return False
    for run in runs:
        shutil.rmtree(run.folder, ignore_errors=True)
    return True


def list_runs(runs_dir: str | Path) -> list[Run]:
    """Lists the runs of a folder, newest first; an absent folder has none."""
    runs = [Run(Path(runs_dir, name)) for name in sorted(_names(runs_dir), reverse=True)]
    return [run for run in runs if run.config_path.exists()]


def _names(runs_dir: str | Path) -> list[str]:
    """What lies in a folder of runs."""
    try:
        return os.listdir(runs_dir)
    except OSError:
        return []


def find_run(runs_dir: str | Path, run_id: str) -> Run:
    """Finds a run by its id, which is compared before it is joined to a path.

    Raises:
        ValueError: If there is no such run.
    """
    run = Run(Path(runs_dir, run_id)) if run_id in _names(runs_dir) else None
    if run is None or not run.config_path.exists():
        raise ValueError(f"the run must be one of the runs folder, got {clean_name(run_id)!r}")
    return run
