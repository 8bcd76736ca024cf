"""Which models there are: their files, cards and checkpoints, and why one cannot be used.

A list knows of every model its card alone. A checkpoint is read when a page opens the model; if
that fails, the model is left out of the lists from then on, with the reason.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from explorer.services import adapter_model, run_folders
from explorer.words import words
from models.runs.index import Listing
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint, read, read_card
from models.storage.tensors import CheckpointError

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
NO_CODES = "the file must hold the codes of a test set"
OFFERED = 50
"""The user's models in a list to choose from, besides pinned ones."""


class Entry(NamedTuple):
    """A model on offer: id for links, file, whether it ships, the file's time of change, its card
    with the title that its owner gave last, and whether its owner has pinned it."""

    id: str
    path: Path
    shipped: bool
    changed: int
    card: Card
    is_pinned: bool = False


class _Known:
    """What a listing of the runs folder comes to: usable models with codes and without, the reasons
    why others are not, and what lists to choose from need of all, worked out once."""

    def __init__(
        self, usable: dict[str, Entry], refused: dict[str, str], codeless: dict[str, Entry]
    ) -> None:
        self.usable, self.refused, self.codeless = usable, refused, codeless
        self.all = usable | codeless
        self.on_map = {name: entry for name, entry in self.all.items() if is_on_map(entry)}
        self.in_order = tuple(self.all.values())
        self.places = {name: place for place, name in enumerate(self.all)}
        self.lasting = [
            place for place, entry in enumerate(self.in_order) if entry.shipped or entry.is_pinned
        ]
        """Places of the models that every list has."""


_damaged: dict[tuple[Path, int], str] = {}
"""Why files could not be opened although their cards are good, by path and time of change."""
_lock = threading.Lock()


def entries() -> list[Entry]:
    """Lists all usable models: a custom model, shipped ones by name, the user's, newest first."""
    return list(all_models().values())


def list_models() -> tuple[dict[str, Entry], dict[str, str]]:
    """Lists the usable models of families with codes by id, and one sentence for each unusable.

    Both are shared by all sessions: they must not be changed.
    """
    known = _listed(run_folders.listing(), _others(), len(_damaged))
    return known.usable, known.refused


def without_codes() -> dict[str, Entry]:
    """Lists the models by id whose family has no code z of an image: no map can show them."""
    return _listed(run_folders.listing(), _others(), len(_damaged)).codeless


def all_models() -> dict[str, Entry]:
    """Lists every usable model by id, with codes or without. It is shared by all sessions."""
    return _listed(run_folders.listing(), _others(), len(_damaged)).all


@run_folders.once_a_look
def _others() -> tuple[tuple[str, Path, bool, int], ...]:
    """Models that are not the user's runs: id, file, whether it ships, its time of change."""
    paths = [(adapter_model.ID, path, False) for path in adapter_model.paths()]
    paths += [(path.stem, path, True) for path in _shipped(SHIPPED)]
    found = []
    for name, path, ships in paths:
        with contextlib.suppress(OSError):  # removed in this moment
            found.append((name, path, ships, os.stat(path).st_mtime_ns))
    return tuple(found)


def _shipped(folder: Path) -> list[Path]:
    """The checkpoints of a folder, by name; none where there is no such folder."""
    with contextlib.suppress(OSError):
        names = sorted(os.listdir(folder))
        return [folder / name for name in names if name.endswith(".safetensors")]
    return []


@functools.lru_cache(4)
def _listed(
    runs: Listing, others: Sequence[tuple[str, Path, bool, int]], _damaged_count: int
) -> _Known:
    usable, refused, codeless = {}, {}, {}

    def add(entry: Entry, problem: str) -> None:
        problem = problem or _damaged.get((entry.path, entry.changed), "")
        if problem:
            refused[entry.id] = problem
        elif has_codes(entry):
            usable[entry.id] = entry
        else:
            codeless[entry.id] = entry

    for name, path, ships, changed in others:
        card, problem = _card_or_problem(path, changed)
        add(Entry(name, path, ships, changed, card), problem)
    for run in runs.runs:
        if run.changed:
            problem = run.model_problem or _why_no_codes(run.card, run.has_codes)
            title = run.label.title
            card = replace(run.card, title=title) if title and run.card else run.card
            entry = Entry(run.id, run.run.model_path, False, run.changed, card, run.label.pinned)
            add(entry, problem)
    return _Known(usable, refused, codeless)


def _why_no_codes(card: Card, holds_codes: bool) -> str:
    """Why a file without codes cannot be used; nothing where its family has none."""
    return NO_CODES if card.config.model.capabilities.has_codes and not holds_codes else ""


@functools.lru_cache(50)
def _card_or_problem(path: Path, changed: int) -> tuple[Card | None, str]:
    try:
        card, holds_codes = read_card(path)
    except CheckpointError as error:
        return None, str(error)
    return card, _why_no_codes(card, holds_codes)


def has_codes(entry: Entry) -> bool:
    """Whether a map can show a model: its family has a code z of every image."""
    return entry.card.config.model.capabilities.has_codes


def is_on_map(entry: Entry) -> bool:
    """Whether the map can show a model: there is a plane to touch, with codes of images or not."""
    return entry.card.config.model.capabilities.has_plane


def on_map() -> dict[str, Entry]:
    """Lists the models by id that the map can show. They are shared by all sessions."""
    return _listed(run_folders.listing(), _others(), len(_damaged)).on_map


def offered(chosen: str, is_fitting: Callable[[Entry], bool] = has_codes) -> dict[str, Entry]:
    """Lists the models among which a page lets choose, by id, in the order of `list_models`.

    Of the user's own these are the pinned ones, the newest `OFFERED` and the one that is chosen: a
    list of thousands can neither be read nor be sent to a browser with every click.

    Args:
        chosen: Id of the model that is chosen now.
        is_fitting: Whether a model can be chosen here.
    """
    known = _listed(run_folders.listing(), _others(), len(_damaged))
    shown, own = {}, 0
    for place, entry in enumerate(known.in_order):
        if own == OFFERED:  # of the others all but few are left out
            more = [*known.lasting, known.places.get(chosen, 0)]
            rest = [known.in_order[each] for each in sorted({*more}) if each >= place]
            return shown | {entry.id: entry for entry in rest if is_fitting(entry)}
        if is_fitting(entry):
            own += not entry.shipped
            shown[entry.id] = entry
    return shown


def title(entry: Entry) -> str:
    """Names a model by its data set and title."""
    return f"{words(entry.card.data_name)} · {entry.card.title}"


def checkpoint(entry: Entry) -> Checkpoint:
    """Reads the validated checkpoint of an entry, without torch.

    Raises:
        CheckpointError: If it is damaged: from then on `list_models` refuses it.
    """
    try:
        stored = _checkpoint(str(entry.path), entry.changed)
        if problem := _why_no_codes(stored.card, stored.codes is not None):
            raise CheckpointError(problem)
    except CheckpointError as error:
        with _lock:
            _damaged[entry.path, entry.changed] = str(error)
        raise
    return stored if stored.card == entry.card else replace(stored, card=entry.card)


@functools.lru_cache(50)
def _checkpoint(path: str, changed: int) -> Checkpoint:
    return read(path)
