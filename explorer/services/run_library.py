"""The library of the user's runs: labelled, deleted and restored, uploaded and downloaded.

A deleted run is moved aside, and can be restored for `KEPT_DAYS`:

    runs/.trash/<id>/              the folder of a run
                     deleted.json  who deleted it
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from explorer.jobs.job import JobError
from explorer.services import catalogue, class_room, job_queue, permissions, run_folders
from models import strict_json
from models.atomic import write_bytes
from models.places import disk_reason, make_folder
from models.runs.folder import Run, default_runs_dir, find_run
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read, restore, write
from models.storage.tensors import CheckpointError
from models.text import clean_name

KEPT_DAYS = 7
"""How long a deleted run is kept."""
DELETION, MAX_NOTE_BYTES = "deleted.json", 1000
MAX_UPLOAD = 32 * 2**20
"""Bytes of a model file that is uploaded."""


# --- labels --------------------------------------------------------------------------------------


def relabel(run_id: str, **changes: Any) -> None:
    """Changes the title, the note or the pin of a run.

    Args:
        run_id: Of a run that there is.
        changes: Fields of `models.runs.label.Label`.

    Raises:
        ValueError: If there is no such run.
        JobError: If this session may not, or the disk refuses.
    """
    run = find_run(default_runs_dir(), run_id)
    permissions.check(run.owner)
    with _disk("The run could not be labelled"):
        run.relabel(**changes)


@contextlib.contextmanager
def _disk(what: str) -> Iterator[None]:
    """Turns what a disk refuses into one sentence."""
    try:
        yield
    except OSError as error:
        raise JobError(f"{what}: {disk_reason(error)}.") from error


# --- model files ---------------------------------------------------------------------------------


def take_in(data: bytes, name: str) -> Run:
    """Makes a run of a model file from elsewhere.

    The file is untrusted: it is read and its model is built before it becomes a run. The path
    of its images is forgotten, unless a run here has it too, for it is a path of another machine.

    Args:
        data: The file.
        name: What it was called: the title, if its card has none.

    Returns:
        The run, with the settings and the title of the file's card.

    Raises:
        CheckpointError: If it is not a usable model, in one sentence.
        JobError: If this session may not, there is no room, or the disk refuses.
    """
    permissions.check_new()
    class_room.check()
    if len(data) > MAX_UPLOAD:
        raise CheckpointError(
            f"the file must be at most {MAX_UPLOAD >> 20} MiB, got {len(data) / 2**20:z.1f} MiB"
        )
    runs_dir = default_runs_dir()
    with _disk("The model could not be saved"):
        make_folder(runs_dir)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=runs_dir) as folder:
            path = Path(folder) / "model.safetensors"
            write_bytes(path, data)
            checkpoint = _usable(path)
            card = _our_card(checkpoint.card, name)
            run = Run.create(folder, card.config, card.title, owner=permissions.owner())
            if card == checkpoint.card:
                path.rename(run.model_path)
            else:
                _write(run.model_path, checkpoint, card)
            return Run(run.folder.rename(runs_dir / run.id))


def _usable(path: Path) -> Checkpoint:
    """A checkpoint whose model can be built, with codes if its family has them."""
    checkpoint = read(path)
    if checkpoint.codes is None and checkpoint.card.config.model.capabilities.has_codes:
        raise CheckpointError(catalogue.NO_CODES)
    restore(checkpoint)
    return checkpoint


def _our_card(card: Card, name: str) -> Card:
    """The card with a title, and without the path of a folder that is not known here."""
    title = card.title or clean_name(PurePosixPath(name).stem, "uploaded")
    data = card.config.data
    if data not in {config.data for _, config in run_folders.configured_runs()}:
        last = PurePosixPath(data.replace("\\", "/")).name
        data = clean_name(last.lstrip("."), "images")
    return replace(card, title=title, config=replace(card.config, data=data))


def _write(path: Path, checkpoint: Checkpoint, card: Card) -> None:
    write(path, card, checkpoint.weights, checkpoint.codes, checkpoint.rates)


def model_bytes(run: Run) -> bytes:
    """Reads the model file of a run, with the title that its owner gave it last.

    Raises:
        CheckpointError: If it cannot be read.
    """
    checkpoint = read(run.model_path)
    if run.title == checkpoint.card.title:
        return run.model_path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        _write(path, checkpoint, replace(checkpoint.card, title=run.title))
        return path.read_bytes()


# --- deleted runs --------------------------------------------------------------------------------


def _trash() -> Path:
    return default_runs_dir() / ".trash"


class Deleted(NamedTuple):
    """A deleted run, who deleted it, and when it will be gone, in seconds since 1970."""

    run: Run
    by: str
    until: float

    @property
    def title(self) -> str:
        """Of the run; its id, if its settings are damaged."""
        with contextlib.suppress(ValueError):
            return self.run.title
        return self.run.id


def deleted() -> list[Deleted]:
    """Lists the deleted runs that this session may restore, the last one first."""
    found = []
    for name in discarded():
        run = Run(_trash() / name)
        with contextlib.suppress(ValueError, OSError):  # damaged, or gone in this moment
            if permissions.may_change(run.owner):
                found.append(Deleted(run, _deleter(run), _until(run)))
    return found


def discarded() -> list[str]:
    """Lists the ids of deleted runs that are kept, the last one first."""
    kept = []
    with contextlib.suppress(OSError):
        kept = [(each.stat().st_mtime_ns, each.name) for each in os.scandir(_trash())]
    return [name for _, name in sorted(kept, reverse=True)]


def _until(run: Run) -> float:
    return run.folder.stat().st_mtime + KEPT_DAYS * 24 * 3600


def _deleter(run: Run) -> str:
    """Who deleted a run; without a note, its owner."""
    try:
        return str(strict_json.read(run.folder / DELETION, MAX_NOTE_BYTES)["by"])
    except (OSError, ValueError, TypeError, KeyError):
        return run.owner


def discard(run_id: str) -> None:
    """Moves a run aside, where it stays for `KEPT_DAYS`; what was there longer is removed.

    Raises:
        JobError: If this session may not, a job of this run waits or works, or the disk refuses.
        ValueError: If there is no such run, or a process is training it.
    """
    if any(run_id in job.runs for job in job_queue.jobs().all() if job.is_live):
        raise JobError("A run can be deleted once its job has ended: cancel that first.")
    run = find_run(default_runs_dir(), run_id)
    permissions.check(run.owner)
    note = json.dumps({"by": permissions.owner()}).encode()
    with _disk("The run could not be deleted"), run.lock():
        _trash().mkdir(exist_ok=True)
        run.folder.rename(_trash() / run.id)
        moved = Run(_trash() / run.id)
        with contextlib.suppress(OSError):  # a full disk: its owner is not told who it was
            write_bytes(moved.folder / DELETION, note)
        os.utime(moved.folder)
    empty_trash()


def recover(run_id: str) -> None:
    """Moves a deleted run back.

    Raises:
        JobError: If this session may not, the run is gone, or the disk refuses.
    """
    run = _deleted_run(run_id)
    with _disk("The run could not be restored"):
        (run.folder / DELETION).unlink(missing_ok=True)
        run.folder.rename(default_runs_dir() / run_id)


def _deleted_run(run_id: str) -> Run:
    """A deleted run that this session may change."""
    if run_id not in discarded():  # compared, never joined
        raise JobError(f"Deleted runs are kept for {KEPT_DAYS} days, and this one is gone.")
    run = Run(_trash() / run_id)
    permissions.check(run.owner)
    return run


def remove_for_good(run_ids: Sequence[str]) -> None:
    """Removes deleted runs for good.

    Raises:
        JobError: If this session may not, or one is gone.
    """
    for run in map(_deleted_run, run_ids):
        shutil.rmtree(run.folder, ignore_errors=True)
    class_room.measure_again()


def empty_trash() -> None:
    """Removes what was deleted longer ago than `KEPT_DAYS`."""
    for name in discarded():
        with contextlib.suppress(OSError):  # gone in this moment
            if _until(Run(_trash() / name)) < time.time():
                shutil.rmtree(_trash() / name, ignore_errors=True)
