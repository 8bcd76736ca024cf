"""Training a sweep over β from the trade-off: its form, its progress, cancel and resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from explorer import page_queue, state
from explorer.jobs.elsewhere import DASK, DaskNews, Scheduler
from explorer.jobs.job import Job, JobError
from explorer.services import data_sets, job_queue, permissions, training_form, training_runs
from explorer.views import looking
from explorer.widgets import inputs
from explorer.widgets.text import plain
from explorer.words import words
from models.config import RUN_SETTINGS, RunConfig
from models.presets import PRESETS
from models.sweeps.grid import grid

TITLE = "β sweep"
TICK_SECONDS = 0.5
MAX_RUNS = 40
SHOWN = 3


def show() -> None:
    """The form, and every sweep that is being trained or ended early."""
    with st.expander("Train a sweep over β"):
        if looking.may_make():
            _form()
    seen = _seen()
    page_queue.fragment(_follow, run_every=TICK_SECONDS if any(seen) else None)(seen)


def _seen() -> tuple[bool, bool]:
    """Whether a sweep waits or works, and whether Dask is being asked for its workers: what the
    page is laid out for."""
    scheduler = job_queue.scheduler()
    is_asked = scheduler is not None and scheduler.known().is_asked
    return any(job.is_live for job in _sweeps()), is_asked


def _sweeps() -> list[Job]:
    return [job for job in job_queue.jobs().all() if job.title.startswith(TITLE)]


def _form() -> None:
    """What to train, and the button."""
    names = [n for n, c in PRESETS.items() if c.model.capabilities.betas == "one"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = inputs.select(
            "sweep", "Training", {name: words(name) for name in names}, width=180
        )
        data = _images()
        betas = inputs.text("betas", "Values of β, separated by commas", width=330)
        seeds = inputs.slider("seeds", "Seeds of each", 1, 5, width=160)
        engine = _engine()
        count, problem = _count(betas, seeds)
        label = f"Train {count} model" + ("" if count == 1 else "s")
        wanted = (preset, data, betas, seeds, engine)
        inputs.button(label, lambda: _submit(*wanted), disabled=bool(problem))
    if problem:
        st.caption(problem)
    if engine and (why := job_queue.scheduler().known().problem):
        st.caption(plain(f"{why[0].upper()}{why[1:]}."))
    st.caption(
        "Eight on digits take well under a minute on two cores; eight on MNIST half an hour."
    )


def _images() -> str:
    """The id of an own data set, if one is chosen."""
    own = {name: facts.title for name, facts in data_sets.custom_sets().items()}
    if not own:
        return ""
    labels = {"": "those of the training"} | own
    return inputs.option("sweep-data", "Images", labels, "", width=230)


def _engine() -> str:
    """What trains them, where the app was started with a Dask scheduler; no address is typed."""
    scheduler = job_queue.scheduler()
    if scheduler is None:
        return ""
    labels = {"": "This machine", DASK: _dask(scheduler)}
    return inputs.option("sweep-engine", "Trained by", labels, "", width=330)


def _dask(scheduler: Scheduler) -> str:
    """Names a scheduler, and how many workers it has if that is known."""
    count = scheduler.look().workers
    workers = "" if count is None else f", {_number(count, 'worker')}"
    return f"Dask{workers} {scheduler.place}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _count(betas: str, seeds: int) -> tuple[int, str]:
    """How many runs that is, and what is wrong with it, if anything is."""
    try:
        values = {float(text) for text in betas.split(",")}
    except ValueError:
        return 0, "The values must be numbers separated by commas, like 0.1,1,10."
    highest = RUN_SETTINGS["beta"].maximum
    if not all(0 < value <= highest for value in values):
        return 0, f"Every β must be above 0 and at most {highest:g}."
    if len(values) * seeds > MAX_RUNS:
        return 0, f"A sweep from here may train {MAX_RUNS} models; this is {len(values) * seeds}."
    return len(values) * seeds, ""


def _submit(preset: str, data: str, betas: str, seeds: int, engine: str) -> None:
    """Has a run trained for every β and seed."""

    def submit() -> None:
        start = training_form.plan(preset, {"data": data or None})
        configs = grid(start, [float(text) for text in betas.split(",")], seeds)
        title = f"{TITLE} on Dask" if engine else TITLE
        seconds = _seconds(configs, engine)
        job_queue.sweep(configs, f"{title}: {words(preset)}", seconds, engine)

    _try(submit)


def _seconds(configs: Sequence[RunConfig], engine: str) -> float:
    """What all runs of a sweep take, side by side, an estimate."""
    seconds = sum(training_runs.cost(config).seconds for config in configs)
    workers = job_queue.scheduler().known().workers if engine else None
    return seconds / (workers or job_queue.jobs().slots)


def _try(action: Callable[[], object]) -> None:
    """Acts on jobs; the next run of the page tells why that failed."""
    try:
        action()
    except (JobError, ValueError) as error:
        st.session_state.sweep_problem = str(error)


def _follow(seen: tuple[bool, bool]) -> None:
    """Shows progress while a sweep is trained; the page is run again when it ends."""
    if _seen() != seen:
        st.rerun()
    found = _sweeps()
    if problem := st.session_state.pop("sweep_problem", ""):
        st.error(plain(problem))
    shown = [job for job in found if job.is_live or _may_resume(job)]
    for job in shown[:SHOWN]:
        _one(job)
    watched = st.session_state.setdefault("watched_sweeps", set())
    watched |= {job.id for job in found if job.is_live}
    for job in [job for job in found if job.state == "done" and job.id in watched][:SHOWN]:
        st.success(
            f"{plain(job.title)} is done: {len(job.runs)} models. Their points are in the plane "
            "above; click one for its scores and map."
        )
    state.publish()


def _may_resume(job: Job) -> bool:
    return job.can_resume and permissions.may_change(job.owner)


def _one(job: Job) -> None:
    """A sweep's bar, or why it ended, with what can be done."""
    title = plain(job.title)
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.is_live:
            left = "" if job.seconds_left is None else f", about {job.seconds_left:z.0f} s left"
            waits = f"waits, place {job.position}" if job.position else job.text
            if job.position and job.wait_seconds is not None:
                left = f", begins in about {job.wait_seconds:z.0f} s"
            trouble = f"; {plain(job.trouble)}" if job.trouble else ""
            st.progress(job.share, f"{title}: {plain(waits)}{left}{trouble}")
            if job.dask and job.dask.dashboard and permissions.is_teacher():
                st.link_button("Dask’s dashboard", job.dask.dashboard)
            if permissions.may_change(job.owner):
                inputs.button("Cancel", lambda: _try(lambda: job_queue.cancel(job.id)), key=job.id)
        else:
            st.markdown(plain(f"{job.title} {job.ending}."))
            if permissions.may_change(job.owner):
                inputs.button("Resume", lambda: _try(lambda: job_queue.resume(job.id)), key=job.id)
    if job.is_live and job.engine and not job.position:
        st.caption(plain(_workers(job.dask)))


def _workers(found: DaskNews | None) -> str:
    """The workers of a sweep on Dask, its queue, and how its results will differ."""
    if found is None:
        return "Connecting to Dask."
    workers = _number(found.workers, "worker") if found.workers else "no worker now"
    training = _number(found.training, "run")
    note = f" {found.note[0].upper()}{found.note[1:]}." if found.note else ""
    return f"Dask: {workers}, {training} in training, {found.waiting} waiting.{note}"
