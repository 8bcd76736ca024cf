"""What is known of the user's run folders, and what follows from settings alone.

The index of the folder (`models.runs.index`) is looked at once for every run of a page.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from models.config import ModelConfig, RunConfig
from models.runs.folder import Run, default_runs_dir
from models.runs.index import IndexedRun, Listing, RunIndex
from models.runs.label import Label

_looked = threading.local()


class _Look(NamedTuple):
    """The listing that the page that runs in this thread has seen, and of which folder."""

    runs_dir: Path
    listing: Listing


@contextlib.contextmanager
def one_look() -> Iterator[None]:
    """Until the end of the block, this thread looks at the runs folder once, not every time it
    asks."""
    if getattr(_looked, "is_kept", False):
        yield
        return
    _looked.is_kept, _looked.look, _looked.results = True, None, {}
    try:
        yield
    finally:
        _looked.is_kept, _looked.look, _looked.results = False, None, {}


def look_again() -> None:
    """Has this thread look at the runs folder again: it has just changed it."""
    _looked.look, _looked.results = None, {}


def once_a_look(function: Callable[[], Any]) -> Callable[[], Any]:
    """Makes a function that looks at the disk once, not every time, within `one_look`."""

    @functools.wraps(function)
    def kept() -> Any:
        if not getattr(_looked, "is_kept", False):
            return function()
        if function not in _looked.results:
            _looked.results[function] = function()
        return _looked.results[function]

    return kept


def listing() -> Listing:
    """Lists the user's runs, newest first, damaged ones too; equal as long as nothing changes."""
    runs_dir = default_runs_dir()
    known = getattr(_looked, "look", None)
    if known is not None and known.runs_dir == runs_dir:
        return known.listing
    found = _index(runs_dir).look()
    if getattr(_looked, "is_kept", False):
        _looked.look = _Look(runs_dir, found)
    return found


@functools.lru_cache(4)
def _index(runs_dir: Path) -> RunIndex:
    return RunIndex(runs_dir)


def once_a_listing(function: Callable[[Listing], Any]) -> Callable[[], Any]:
    """Makes a function of the listing that is worked out again only when the listing changes."""
    last: list[tuple[Listing, Any]] = []

    @functools.wraps(function)
    def kept() -> Any:
        found = listing()
        for known, result in last:
            if known is found:
                return result
        result = function(found)
        last[:] = [(found, result)]
        return result

    return kept


@once_a_listing
def configured_runs(found: Listing) -> list[tuple[Run, RunConfig]]:
    """Lists the user's runs with their settings, newest first; damaged ones are left out."""
    return [(each.run, each.config) for each in found.runs if each.config is not None]


@once_a_listing
def in_order(found: Listing) -> list[IndexedRun]:
    """Lists the user's runs with their settings, pinned ones first, then the newest."""
    configured = [each for each in found.runs if each.config is not None]
    return sorted(configured, key=lambda each: not each.label.pinned)


def indexed(run_id: str) -> IndexedRun | None:
    """Finds what is known of a run; None if there is no such run."""
    return listing().by_id.get(run_id)


def label(run: Run) -> Label:
    """Finds title, note and pin that the owner of a run gave it."""
    found = indexed(run.id)
    return Label() if found is None else found.label


def title(run: Run) -> str:
    """Finds the title of a run."""
    found = indexed(run.id)
    return run.id if found is None else found.title


@functools.lru_cache(500)  # Streamlit’s cache takes 0.3 ms to find what is known
@st.cache_resource(max_entries=500, show_spinner="Counting parameters…")
def parameters(config: ModelConfig) -> int:
    """Counts the parameters of a model without memory for them.

    Raises:
        ValueError: If there would be too many.
    """
    from models.families.registry import count_parameters, describe

    return count_parameters(describe(config))


@st.cache_data(max_entries=100, show_spinner=False)
def kl_weights(config: RunConfig, total_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples at most 500 steps of a training run, with the weight of the rate at each."""
    from models.objectives.schedules import kl_weight

    steps = np.unique(np.linspace(1, total_steps, 500).astype(int))
    weights = [kl_weight(int(step), total_steps, config.objective) for step in steps]
    return steps, np.array(weights)
