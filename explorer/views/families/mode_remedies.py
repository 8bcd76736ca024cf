"""Remedies for mode collapse, trained from the same seed for as many steps, beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import page_queue, state
from explorer.services import families, remedy_runs
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import RemedyRun
from explorer.views import model_picker, remedy_training
from explorer.views.families import scoring
from explorer.widgets import display, pictures
from explorer.widgets.text import plain, typeset
from models.metrics.samples.modes import diagnose
from models.training.remedies import mode_remedies

DRAWN = 20
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
    is_live = any(run.is_live for run in _runs(model))
    every = remedy_training.TICK_SECONDS if is_live else None
    page_queue.fragment(_remedies, run_every=every)(model, is_live)


def _runs(model: LoadedModel) -> list[RemedyRun]:
    return remedy_runs.find(mode_remedies(model.card.config)[1:])


def _remedies(model: LoadedModel, was_live: bool) -> None:
    """The button, progress and comparison; the page is run again when training ends."""
    runs = _runs(model)
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
    _compared(runs)
    state.publish()


def _compared(runs: Sequence[RemedyRun]) -> None:
    """The verdict on every remedy that is trained, and images from one seed."""
    done = [run for run in runs if run.entry]
    for run in done:
        report = families.report(run.entry)
        st.markdown(f"**{plain(run.remedy.name)}** ({plain(run.remedy.change)})")
        if report is not None:
            found = diagnose(report.scores, report.count)
            st.markdown(typeset(f"**{found.verdict}:** {found.evidence}."))
        trained = model_picker.open_model(run.entry)
        if not trained.problem:
            images = families.drawn(trained, DRAWN, state.get("draw"))
            display.picture(pictures.sheet(images, DRAWN, SIDE, 3), alt=run.remedy.name)
    missing = [run.entry for run in done if families.report(run.entry) is None]
    if missing:
        scoring.show(missing[0].card.config.data, missing)
