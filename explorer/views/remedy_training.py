"""Training runs of remedies: the button that starts what is missing, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer.jobs.job import Job, JobError
from explorer.services import permissions, remedy_runs
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import RemedyRun
from explorer.views import looking, model_picker
from explorer.widgets import inputs
from explorer.widgets.text import plain

TICK_SECONDS = 1.0
START_SECONDS = 5
"""Of a training process: imports, data, and the scores at its end."""


def buttons(model: LoadedModel, runs: Sequence[RemedyRun]) -> None:
    """Train what is missing, or cancel what is being trained."""
    live = [run for run in runs if run.is_live]
    missing = [run for run in runs if not run.entry and not run.is_live]
    mine = [run for run in live if permissions.may_change(run.job.owner)]
    if mine:
        inputs.button("Cancel", lambda: _try(remedy_runs.cancel, mine))
    if not missing or not looking.may_make():
        return
    if model.test_images is None:
        st.caption(model_picker.missing_images(model))
        return
    each = model.card.seconds + START_SECONDS
    seconds = len(missing) * each
    title = model.card.title or model.entry.id
    label = "Train the remedies" if len(missing) == len(runs) else "Train the others"
    inputs.button(label, lambda: _try(remedy_runs.train, missing, title, each), type="primary")
    noun = "training run" if len(missing) == 1 else "training runs"
    st.caption(f"{len(missing)} {noun}, about {_duration(seconds)}")


def _try(action: Callable[..., None], *arguments: Any) -> None:
    """Acts on jobs; the next run of the page tells why that failed."""
    try:
        action(*arguments)
    except JobError as error:
        st.session_state.jobs_problem = str(error)


def _duration(seconds: float) -> str:
    return f"{seconds:z.0f} s" if seconds < 100 else f"{seconds / 60:z.0f} min"


def progress(runs: Sequence[RemedyRun]) -> None:
    """A bar over all that was asked for, and why something has failed."""
    if problem := st.session_state.pop("jobs_problem", ""):
        st.error(plain(problem))
    for run in runs:
        if run.job and run.job.reason and not run.entry:
            sentence = f"{run.remedy.name} failed: {run.job.reason}."
            st.error(plain(sentence))
    live = [run.job for run in runs if run.is_live]
    if live:
        done = len([run for run in runs if run.entry])
        share = (done + sum(job.share for job in live)) / (done + len(live))
        st.progress(min(1.0, share), plain(_doing(runs, live)))


def _doing(runs: Sequence[RemedyRun], live: Sequence[Job]) -> str:
    """What is being trained, how far it is, and what waits."""
    running = [run for run in runs if run.is_live and run.job.state == "running"]
    texts = [
        "; ".join(filter(None, (f"{run.remedy.name}: {run.job.text}", run.job.trouble)))
        for run in running
    ]
    left = [run.job.seconds_left for run in running if run.job.seconds_left is not None]
    texts += [f"about {_duration(max(left))} left"] if left else []
    waiting = len(live) - len(running)
    texts += [f"{waiting} wait"] if waiting else []
    return "; ".join(texts)
