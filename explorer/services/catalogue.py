"""Which models there are: their files, cards and checkpoints, and why one cannot be used.

A file is known by path and time of change. Every rerun asks for all of them, so what is read is
kept without Streamlit, whose caches take 0.1 ms to find a thing.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from explorer.services import adapter_model, run_folders
from explorer.words import words
from models.runs.folder import Run, default_runs_dir, list_runs
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read
from models.storage.tensors import CheckpointError

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
NO_CODES = "the file must hold the codes of a test set"


class Entry(NamedTuple):
    """A model on offer: id for links, file, whether it ships, the file's time of change."""

    id: str
    path: Path
    shipped: bool
    changed: int


def entries() -> list[Entry]:
    """Lists every model file: a custom model, shipped ones by name, the user's runs, newest
    first."""
    custom = [(adapter_model.ID, path, False) for path in adapter_model.paths()]
    shipped = [(path.stem, path, True) for path in sorted(SHIPPED.glob("*.safetensors"))]
    runs = [(run.id, run.model_path, False) for run in list_runs(default_runs_dir())]
    return [
        Entry(name, path, ships, path.stat().st_mtime_ns)
        for name, path, ships in custom + shipped + runs
        if path.exists()
    ]


def list_models() -> tuple[dict[str, Entry], dict[str, str]]:
    """Lists the usable models by id, and one sentence for each that is not."""
    usable, refused = {}, {}
    for entry in entries():
        _, problem = _card_or_problem(str(entry.path), entry.changed)
        if problem:
            refused[entry.id] = problem
        else:
            usable[entry.id] = entry
    return usable, refused


def title(entry: Entry) -> str:
    """Names a usable model by its data set and title."""
    known = card(entry)
    return f"{words(known.data_name)} · {known.title}"


def checkpoint(entry: Entry) -> Checkpoint:
    """Reads the validated checkpoint of an entry, without torch."""
    stored = _checkpoint(str(entry.path), entry.changed)
    known = _with_title(entry, stored.card)
    return stored if known is stored.card else replace(stored, card=known)


def card(entry: Entry) -> Card:
    """Reads the card of a usable model; kept for more models than checkpoints are."""
    return _with_title(entry, _card_or_problem(str(entry.path), entry.changed)[0])


@functools.lru_cache(2000)
def _card_or_problem(path: str, changed: int) -> tuple[Card | None, str]:
    try:
        stored = _checkpoint(path, changed)
    except CheckpointError as error:
        return None, str(error)
    return stored.card, "" if stored.codes is not None else NO_CODES


@functools.lru_cache(50)
def _checkpoint(path: str, changed: int) -> Checkpoint:
    return read(path)


def _with_title(entry: Entry, card: Card) -> Card:
    """The card of a run with the title that its owner gave it last."""
    given = "" if entry.shipped else run_folders.label(Run(entry.path.parent)).title
    return replace(card, title=given) if given else card
