"""The film of a training run: live while it runs, and afterwards beside that of another run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer import state
from explorer.assets import store
from explorer.browser.snapshots.component import film
from explorer.figures.theme import PALETTE
from explorer.services import run_folders
from explorer.widgets import inputs
from models.runs.folder import Run
from models.runs.index import IndexedRun
from models.training.snapshots import snapshot_steps

OFFERED = 50
"""Runs whose film can be chosen beside another: the newest."""
IN_STEP = {"share": "At the same share of training", "step": "After the same number of updates"}


def show(run: Run, place: str, together: Sequence[Run] = (), is_live: bool = False) -> None:
    """A run's film, and the one chosen beside it.

    Args:
        run: Trained, or being trained.
        place: "live" or "own": where on the page; each has its own choice of a second film.
        together: All runs of this place, if there are several: the choice is made once for all of
            them, above the first.
        is_live: Whether frames are still being added.
    """
    if not is_live and not snapshot_steps(run.folder):
        st.caption("This run has no film: it was trained before films were kept.")
        return
    together = together or [run]
    if run == together[0]:
        _choose(together, place)
    beside, in_step = _beside(run, place)
    films = [_film(each) for each in (run, beside) if each is not None]
    data = {"films": films, "live": is_live, "colours": list(PALETTE), "inStep": in_step}
    film(data, f"film-{place}-{run.id}")


def _film(run: Run) -> dict[str, Any]:
    """As `FilmData` in film.js."""
    return {"url": store.film_url(run.id), "name": run_folders.title(run)}


def _choose(together: Sequence[Run], place: str) -> None:
    """Asks for the run whose film goes beside those of a place, and how they are kept in step."""
    newest = {each.id: each.title for each in _filmed() if [each.run] != list(together)}
    chosen = state.get(f"beside-{place}")
    others = dict(list(newest.items())[:OFFERED])
    others |= {chosen: newest[chosen]} if chosen in newest else {}
    if others:
        labels = {"": "No other film"} | others
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if inputs.option(f"beside-{place}", "Beside it", labels, "", width=300):
                inputs.select(f"in-step-{place}", "In step", IN_STEP, width=300)


def _filmed() -> list[IndexedRun]:
    """The user's runs that have a film."""
    return [each for each in run_folders.listing().runs if each.has_film]


def _beside(run: Run, place: str) -> tuple[Run | None, str]:
    """The run whose film goes beside that of another, and how they are kept in step."""
    chosen = state.get(f"beside-{place}")
    others = [each.run for each in _filmed() if each.id == chosen != run.id]
    return (others[0], state.get(f"in-step-{place}")) if others else (None, "share")
