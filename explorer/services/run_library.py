"""The library of the user's runs: labelled, deleted and restored, uploaded and downloaded.

A deleted run is moved aside, and can be restored as long as it is among the last `MAX_TRASH`:

    runs/.trash/<id>/          the folder of a run
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from explorer.jobs.job import JobError
from explorer.services import catalogue, job_queue, run_folders
from models.atomic import write_bytes
from models.places import disk_reason, make_folder
from models.runs.folder import Run, default_runs_dir, find_run
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read, restore, write
from models.storage.tensors import CheckpointError
from models.text import clean_name

MAX_TRASH = 20
"""Deleted runs that are kept."""
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
        JobError: If the disk refuses.
    """
    run = find_run(default_runs_dir(), run_id)
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
        JobError: If the disk refuses.
    """
    if len(data) > MAX_UPLOAD:
        raise CheckpointError(
            f"the file must be at most {MAX_UPLOAD >> 20} MiB, got {len(data) / 2**20:.1f} MiB"
        )
    runs_dir = default_runs_dir()
    with _disk("The model could not be saved"):
        make_folder(runs_dir)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=runs_dir) as folder:
            path = Path(folder) / "model.safetensors"
            write_bytes(path, data)
            checkpoint = _usable(path)
            card = _our_card(checkpoint.card, name)
            run = Run.create(folder, card.config, card.title)
            if card == checkpoint.card:
                path.rename(run.model_path)
            else:
                _write(run.model_path, checkpoint, card)
            return Run(run.folder.rename(runs_dir / run.id))


def _usable(path: Path) -> Checkpoint:
    """A checkpoint whose model can be built and mapped."""
    checkpoint = read(path)
    if checkpoint.codes is None:
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


def discarded() -> list[str]:
    """Lists the ids of deleted runs that can be restored, the last one first."""
    deleted = []
    with contextlib.suppress(OSError):
        deleted = [(each.stat().st_mtime_ns, each.name) for each in os.scandir(_trash())]
    return [name for _, name in sorted(deleted, reverse=True)]


def discard(run_id: str) -> None:
    """Moves a run aside; of those moved aside before, the last `MAX_TRASH` stay.

    Raises:
        JobError: If a job of this run waits or works, or the disk refuses.
        ValueError: If there is no such run, or a process is training it.
    """
    if any(run_id in job.runs for job in job_queue.jobs().all() if job.is_live):
        raise JobError("A run can be deleted once its job has ended: cancel that first.")
    run = find_run(default_runs_dir(), run_id)
    with _disk("The run could not be deleted"), run.lock():
        _trash().mkdir(exist_ok=True)
        os.utime(run.folder)
        run.folder.rename(_trash() / run.id)
    for old in discarded()[MAX_TRASH:]:
        shutil.rmtree(_trash() / old, ignore_errors=True)


def recover(run_id: str) -> None:
    """Moves a deleted run back.

    Raises:
        JobError: If it is gone, or the disk refuses.
    """
    if run_id not in discarded():  # compared, never joined
        raise JobError(
            f"Only the last {MAX_TRASH} deleted runs are kept, and this is not one of them."
        )
    with _disk("The run could not be restored"):
        (_trash() / run_id).rename(default_runs_dir() / run_id)
