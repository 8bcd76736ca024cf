"""The film of a training run: live while it runs, and afterwards beside that of another run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.assets import store
from explorer.browser.snapshots.component import film
from explorer.figures.theme import PALETTE
from explorer.services import run_folders
from explorer.widgets import inputs
from models.runs.folder import Run
from models.training.snapshots import snapshot_steps

IN_STEP = {"share": "At the same share of training", "step": "After the same number of updates"}


def show(run: Run, place: str, is_live: bool = False) -> None:
    """A run's film, and the one chosen beside it.

    Args:
        run: Trained, or being trained.
        place: "live" or "own": where on the page; each has its own choice of a second film.
        is_live: Whether frames are still being added.
    """
    if not is_live and not snapshot_steps(run.folder):
        st.caption("This run has no film: it was trained before films were kept.")
        return
    beside, in_step = _beside(run, place)
    films = [_film(each) for each in (run, beside) if each is not None]
    data = {"films": films, "live": is_live, "colours": list(PALETTE), "inStep": in_step}
    film(data, f"film-{place}-{run.id}")


def _film(run: Run) -> dict[str, Any]:
    """As `FilmData` in film.js."""
    return {"url": store.film_url(run.id), "name": run.title}


def _beside(run: Run, place: str) -> tuple[Run | None, str]:
    """The run whose film goes beside, if one is chosen, and how they are kept in step."""
    others = {each.id: each for each, _ in run_folders.configured_runs() if each.id != run.id}
    others = {name: each for name, each in others.items() if snapshot_steps(each.folder)}
    if not others:
        return None, "share"
    labels = {"": "No other film"} | {name: each.title for name, each in others.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = inputs.option(f"beside-{place}", "Beside it", labels, "", width=300)
        if not chosen:
            return None, "share"
        in_step = inputs.select(f"in-step-{place}", "In step", IN_STEP, width=300)
    return others[chosen], in_step
