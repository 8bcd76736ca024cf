"""Remedies for collapse: their strengths, and the comparison of what was trained."""

from __future__ import annotations

import streamlit as st

from explorer import page_queue, state
from explorer.services import remedy_runs
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import RemedyRun
from explorer.views import remedy_training
from explorer.views.collapse import before_after
from explorer.widgets import inputs
from models.training.remedies import Strengths, remedies


def show(model: LoadedModel) -> None:
    """Shows the remedies, and looks again while one is being trained."""
    st.divider()
    is_live = any(run.is_live for run in _remedy_runs(model))
    every = remedy_training.TICK_SECONDS if is_live else None
    page_queue.fragment(_remedies, run_every=every)(model, is_live)


def _remedy_runs(model: LoadedModel) -> list[RemedyRun]:
    config = model.card.config
    strengths = Strengths(
        warmup_percent=state.get("warmup-percent"),
        cycles=state.get("cycles"),
        free_bits=state.get("free-bits"),
        capacity=state.get("capacity"),
        beta_divisor=state.get("beta-divisor"),
    )
    return remedy_runs.find(remedies(config, remedy_runs.total_steps(model.entry), strengths))


def _remedies(model: LoadedModel, was_live: bool) -> None:
    """Controls, progress and comparison; the page is run again when training ends."""
    runs = _remedy_runs(model)
    if any(run.is_live for run in runs) != was_live:
        st.rerun()
    steps = remedy_runs.total_steps(model.entry)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("## Remedies")
        with st.popover("Strengths"):
            _strengths()
        remedy_training.buttons(model, runs)
    st.caption(
        f"Same seed, data, network and {steps:,} steps as the model above, one thing changed at a "
        "time. −ELBO = D + R has weight 1, whatever β was in training. Nats per image, ± one "
        "standard error."
    )
    remedy_training.progress(runs)
    before_after.show(model, runs)
    state.publish()


def _strengths() -> None:
    """Sliders for how much of each remedy."""
    inputs.slider("warmup-percent", "KL warm-up: share of training, %", 1, 100)
    inputs.slider("cycles", "Cycles", *state.LIMITS["cycles"])
    inputs.real("free-bits", "Free nats for every latent", 0.05)
    inputs.real("capacity", "Capacity, nats", 0.5)
    inputs.slider("beta-divisor", "Smaller β: β divided by", 2, 50)
