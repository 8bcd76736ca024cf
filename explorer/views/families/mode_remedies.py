"""Remedies for mode collapse, trained from the same seed for as many steps, beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import page_queue, state
from explorer.services import families, remedy_runs
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import RemedyRun
from explorer.views import model_picker, remedy_training
from explorer.views.families import scoring
from explorer.widgets import display, pictures
from explorer.widgets.text import plain, typeset
from models.training.remedies import NO_REMEDY, mode_remedies

DRAWN = 30
COLUMNS = 15
SIDE = 40


def show(model: LoadedModel) -> None:
    """Shows the remedies of a model that has any, and looks again while one is being trained."""
    if not mode_remedies(model.card.config):
        st.caption(
            "Remedies are for models whose images another network judges: choose a GAN to train "
            "them."
        )
        return
    st.divider()
    is_live = any(run.is_live for run in _runs(model.entry))
    every = remedy_training.TICK_SECONDS if is_live else None
    page_queue.fragment(_remedies, run_every=every)(model, is_live)


def unscored(entry: Entry) -> list[Entry]:
    """Lists the trained remedies of a model whose images have not been scored."""
    trained = [run.entry for run in _runs(entry) if run.entry]
    return [each for each in trained if families.report(each) is None]


def _runs(entry: Entry) -> list[RemedyRun]:
    return remedy_runs.find(mode_remedies(entry.card.config)[1:])


def _remedies(model: LoadedModel, was_live: bool) -> None:
    """The button, progress and comparison; the page is run again when training ends."""
    runs = _runs(model.entry)
    if any(run.is_live for run in runs) != was_live:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("## Remedies")
        remedy_training.buttons(model, runs)
    steps = remedy_runs.total_steps(model.entry)
    st.caption(
        f"Same seed, data, network and {steps:,} steps as the model above, one thing changed at a "
        "time."
    )
    remedy_training.progress(runs)
    _compared(model, runs)
    state.publish()


def _compared(model: LoadedModel, runs: Sequence[RemedyRun]) -> None:
    """The model as it was and with every remedy that is trained, each with its verdict and images
    from one seed."""
    done = [run for run in runs if run.entry]
    if not done:
        return
    _one(model.entry, NO_REMEDY, "the model above")
    for run in done:
        _one(run.entry, run.remedy.name, run.remedy.change)
    if families.report(model.entry) is not None:  # else they are offered with the model above
        scoring.show(model.card.config.data, unscored(model.entry))


def _one(entry: Entry, name: str, change: str) -> None:
    """A name, what was changed and the verdict; beside them images, below them the evidence."""
    report, model = families.report(entry), model_picker.open_model(entry)
    found = None if report is None else report.modes
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width=240):
            verdict = f"  \n**{found.verdict}**" if found else ""
            st.markdown(f"**{plain(name)}**{verdict}  \n:small[{plain(change)}]")
        if model.problem:
            st.error(f"This model cannot be used: {plain(model.problem)}.")
        else:
            images = families.drawn(model, DRAWN, state.get("draw"))
            display.picture(pictures.sheet(images, COLUMNS, SIDE, 3), alt=f"New images: {name}")
    if found:
        st.caption(typeset(f"{found.evidence}."))
