"""Trainings at work: how far they are, what can be done with them, and their curves."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer import cache, controls, figures, state, trainings
from explorer.jobs import Job, JobError
from models.checkpoint import Card
from models.config import RunConfig
from models.runs import Run

TICK_SECONDS = 1.0
SHOWN = 3
"""Jobs that ended early and are shown."""
CURVE_WIDTH = 300
"""Pixels of one chart; as many stand side by side as fit."""


def show() -> None:
    """Every job, looked at again while one is live."""
    live = live_jobs()
    st.fragment(_follow, run_every=TICK_SECONDS if live else None)(live)


def live_jobs() -> frozenset[str]:
    """Ids of the jobs that wait or work."""
    return frozenset(job.id for job in cache.jobs().all() if job.is_live)


def _follow(was_live: frozenset[str]) -> None:
    """Jobs, looked at again while there are live ones; the page starts anew when one ends."""
    if problem := st.session_state.pop("train_problem", ""):
        st.error(controls.plain(problem))
    found, runs = cache.jobs().all(), {run.id for run, _ in cache.runs()}
    live = [job for job in found if job.is_live]
    for job in sorted(live, key=lambda job: (job.position, job.id)):
        _working(job)
    ended = [job for job in found if job.can_resume and runs.issuperset(job.runs)]
    for job in ended[:SHOWN]:
        _ended(job)
    if found and found[0].state == "done" and len(found[0].runs) == 1:
        _finished(found[0])
    state.publish()
    if {job.id for job in live} != was_live:
        st.rerun()


def _working(job: Job) -> None:
    """The bar of one that waits or works, what can be done with it, and its curves."""
    left = "" if job.seconds_left is None else f", about {duration(job.seconds_left)} left"
    where = f"waits, place {job.position}" if job.position else job.text or "starting"
    text = f"{job.title}: {job.share:.0%}, {where}{left}".replace(" -", " −")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, controls.plain(text))
        if not job.position:
            controls.button("Pause", lambda: attempt(lambda: _pause(job)), key=f"pause-{job.id}")
        controls.button("Cancel", lambda: attempt(lambda: _cancel(job)), key=f"cancel-{job.id}")
    if len(job.runs) == 1 and not job.position:
        for run, config in cache.runs():
            if run.id == job.runs[0]:
                curves(run, config, "live")


def _pause(job: Job) -> None:
    cache.jobs().pause(job.id)


def _cancel(job: Job) -> None:
    cache.jobs().cancel(job.id)


def _ended(job: Job) -> None:
    """One that ended early: why, and the way to go on."""
    reason = f": {job.reason}" if job.reason else ""
    label = "Continue" if job.state == "paused" else "Resume"
    with st.container(horizontal=True, vertical_alignment="center"):
        text = f"{job.title} ended early at {job.share:.0%} ({job.state}{reason})."
        st.markdown(controls.plain(text))
        controls.button(
            label, lambda: attempt(lambda: cache.jobs().resume(job.id)), key=f"resume-{job.id}"
        )


def _finished(job: Job) -> None:
    """The last one, if it is done: its scores and the way to its map."""
    entry = cache.catalogue()[0].get(job.runs[0])
    if entry is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(f"{controls.plain(job.title)} is done. {scores(cache.card(entry))}")
            st.link_button("Open its map", f"./?model={entry.id}")


def scores(card: Card) -> str:
    """Scores on the test set with their standard errors."""
    found = card.metrics
    text = f"D {controls.score(found.get('distortion'))}"
    if "rate" in found:
        text += f" + R {controls.score(found['rate'])}"
        text += f" = −ELBO {controls.score(found.get('negative_elbo'))}"
    return f"{text} nats per test image"


def curves(run: Run, config: RunConfig, place: str) -> None:
    """D, R and −ELBO over the epochs that are over, and the KL of every latent."""
    found = trainings.course(run)
    if found is None:
        return
    epochs, train, test, kl = found
    has_rate = config.model.family != "autoencoder"
    shown = {"D": figures.training_curve("D", epochs, train[:, 0], test[:, 0])}
    if has_rate:
        shown["R"] = figures.training_curve("R", epochs, train[:, 1], test[:, 1])
        shown["ELBO"] = figures.training_curve("−ELBO", epochs, train.sum(1), test.sum(1))
    if has_rate and kl.size:
        shown["KL"] = figures.kl_curves(epochs, kl)
    with st.container(horizontal=True, gap="small"):
        for name, figure in shown.items():
            with st.container(width=CURVE_WIDTH):
                controls.chart(figure, f"{place}-{name}-{run.id}")
    if config.model.family == "multirate":
        st.caption("On the test set β is 1; on the training set it is drawn anew for every image.")


def attempt(action: Callable[[], object]) -> None:
    """An action on jobs or runs; why it cannot be done is said by the next run."""
    try:
        action()
    except (JobError, ValueError) as error:
        st.session_state.train_problem = str(error)


def duration(seconds: float) -> str:
    """Seconds, or minutes where they are many."""
    return f"{max(1, seconds):.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
