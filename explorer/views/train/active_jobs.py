"""Training runs at work: how far they are, what can be done with them, and their curves."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from explorer import page_queue, state
from explorer.figures.training import kl_curves, training_curve
from explorer.glossary import row
from explorer.jobs.job import Job
from explorer.services import job_queue, page_files, permissions, run_folders, training_runs
from explorer.views.train import outcomes, snapshots
from explorer.views.train.attempts import attempt
from explorer.widgets import display, inputs
from explorer.widgets.text import plain
from explorer.words import score_words
from models.config import RUN_SETTINGS, RunConfig
from models.metrics.names import with_elbo
from models.runs.folder import Run
from models.training.control import (
    GO,
    MAX_PAUSE_SECONDS,
    PAUSE,
    STEP,
    ControlRequest,
    read_changes,
    read_request,
)

TICK_SECONDS = 1.0
CURVE_SECONDS = 3.0
FILM_SECONDS = 2.0
"""How long a new run shows its film alone: the first chart keeps the browser busy for a second."""
SHOWN = 3
"""Jobs that ended early and are shown."""
OTHERS_SHOWN = 10
"""Jobs of others that wait and are shown to the teacher."""
CURVE_WIDTH = 300
"""Width of a chart in pixels; as many as fit stand side by side."""
ONE_DRAW = "The curves draw one z for each test image; the scores of the finished run draw four."


def show() -> None:
    """Every job, looked at again while one is live; its curves more seldom, for they cost more."""
    job_queue.jobs().prepare()
    seen = _seen()
    page_queue.fragment(_follow, run_every=TICK_SECONDS if seen else None)(seen)
    page_queue.fragment(_draw, run_every=CURVE_SECONDS if seen else None)()


def live_jobs() -> frozenset[str]:
    """Ids of the jobs that wait or work."""
    return frozenset(job.id for job in job_queue.jobs().all() if job.is_live)


def last_watched() -> Run | None:
    """The run that this session has just seen at work and that has ended: its film stays where it
    was."""
    if live_jobs():
        return None
    (watched,) = st.session_state.get("watched_runs", ("",))
    found = run_folders.indexed(watched)
    return found.run if found is not None and found.config is not None else None


def has_watched() -> bool:
    """Whether a training run was at work while this session looked."""
    return bool(live_jobs()) or "watched_runs" in st.session_state


def _seen() -> frozenset[tuple[str, str]]:
    """Live jobs, and what is shown of each: what the page is laid out for."""
    return frozenset((job.id, _stage(job)) for job in job_queue.jobs().all() if job.is_live)


def _stage(job: Job) -> str:
    """Whether a live job waits, shows its film, or its film and curves."""
    if job.position:
        return "waits"
    is_new = 0 <= time.time() - job.began <= FILM_SECONDS  # no longer if the clock is set back
    return "film" if is_new else "curves"


def _follow(seen: frozenset[tuple[str, str]]) -> None:
    """Shows jobs, again and again while some are live; the page is run again when one ends."""
    if _seen() != seen:
        st.rerun()
    if problem := st.session_state.pop("train_problem", ""):
        st.error(plain(problem))
    found, runs = job_queue.jobs().all(), run_folders.listing().by_id.keys()
    live = sorted((j for j in found if j.is_live), key=lambda job: (job.position, job.id))
    working = _working_runs(live)
    together = [run for run, _ in working.values()]
    if together:
        st.session_state.watched_runs = (together[0].id,)
    in_detail = _in_detail(live)
    for job in in_detail:
        _working(job, working.pop(job.runs, None), together)
    if more := len(live) - len(in_detail):
        st.caption(f"{more} more of the class {'waits' if more == 1 else 'wait'}.")
    _clear(live)
    mine = [job for job in found if permissions.is_mine(job.owner)]
    cleared = [*itertools.takewhile(_was_cleared, mine)]
    resumable = [job for job in mine if job.can_resume and all(run in runs for run in job.runs)]
    for job in cleared[:SHOWN] + resumable[:SHOWN]:
        outcomes.ended(job)
    if mine and mine[0].state == "done" and len(mine[0].runs) == 1:
        outcomes.finished(mine[0])
    if last := last_watched():
        snapshots.show(last, "live")
    state.publish()


def _in_detail(live: list[Job]) -> list[Job]:
    """The live jobs that have a line each: in a class those at work, one's own, and the first of
    what the teacher could cancel."""
    if not permissions.is_class():
        return live
    shown = [job for job in live if not job.position or permissions.may_change(job.owner)]
    others = [job for job in shown if job.position and not permissions.is_mine(job.owner)]
    return [job for job in shown if job not in others[OTHERS_SHOWN:]]


def _was_cleared(job: Job) -> bool:
    """Whether a job was taken out of the queue, with a reason, before it had begun."""
    return job.state == "cancelled" and bool(job.reason) and not job.runs


def _clear(live: list[Job]) -> None:
    """Lets the teacher of a class clear the queue."""
    waiting = [job for job in live if job.position]
    if len(waiting) > 1 and permissions.is_class() and permissions.is_teacher():
        inputs.button(
            f"Cancel all {len(waiting)} that wait", lambda: attempt(job_queue.clear),
            help="Cancels the waiting jobs of everyone; each owner sees why.",
        )  # fmt: skip


def _draw() -> None:
    """The curves of the runs that are being trained."""
    live = [job for job in job_queue.jobs().all() if job.is_live and _stage(job) == "curves"]
    for run, config in _working_runs(live).values():
        curves(run, config, "live")


def _working_runs(live: list[Job]) -> dict[tuple[str, ...], tuple[Run, RunConfig]]:
    """The runs that jobs work at, one each, in the order of the jobs; a run has one place, even if
    two servers have a job for it."""
    wanted = dict.fromkeys(job.runs for job in live if not job.position and len(job.runs) == 1)
    known = {runs: run_folders.indexed(runs[0]) for runs in wanted}
    return {runs: (run.run, run.config) for runs, run in known.items() if run and run.config}


def _working(job: Job, trained: tuple[Run, RunConfig] | None, together: list[Run]) -> None:
    """The bar of one that waits or works, what can be done with it, and its film.

    Args:
        job: It waits or works.
        trained: The one run that it works at, if it does.
        together: The runs of all jobs that work.
    """
    is_held = trained is not None and read_request(trained[0].folder).order != GO
    is_ours = permissions.may_change(job.owner)
    whose = f" ({permissions.whose(job.owner)})" if permissions.is_class() else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, plain(_where(job, is_held, whose)))
        if trained and is_ours:
            _hold(trained[0], is_held)
        if is_ours and not job.position:
            _order(job, "Stop and keep", "pause", "Saves a model to explore; can be continued.")
        if is_ours:
            _order(job, "Cancel", "cancel", "Ends within a second; what was saved can be resumed.")
    if trained:
        if is_ours:
            _change(*trained)
        outcomes.collapse(*trained)
        snapshots.show(trained[0], "live", together, is_live=True)


def _where(job: Job, is_held: bool, whose: str = "") -> str:
    """Where a job stands, and whose it is, in one line."""
    title = job.title + whose
    if job.position:
        wait = job.wait_seconds
        soon = "" if wait is None else f", begins in about {duration(wait)}"
        return f"{title}: waits, place {job.position}{soon}"
    if is_held:
        return f"{title}: {job.share:.0%}, paused at {job.text}"
    if job.is_stopping:
        return f"{title}: stopping at {job.share:.0%}; the model is being saved and scored"
    left = "" if job.seconds_left is None else f", about {duration(job.seconds_left)} left"
    trouble = f"; {job.trouble}" if job.trouble else ""
    return f"{title}: {job.share:.0%}, {job.text or 'starting'}{left}{trouble}"


def _order(job: Job, label: str, method: str, help: str) -> None:
    """A button that tells the queue what to do with a job."""
    action = getattr(job_queue, method)
    key = f"{method}-{job.id}"
    inputs.button(label, lambda: attempt(lambda: action(job.id)), key=key, help=help)


def _hold(run: Run, is_held: bool) -> None:
    """Buttons that hold a training run where it is, let it go on, or for an epoch only."""

    def tell(order: str) -> Callable[[], None]:
        return lambda: attempt(lambda: training_runs.steer(run, order=order))

    if is_held:
        inputs.button("Continue", tell(GO), key=f"go-{run.id}", type="primary")
    else:
        inputs.button(
            "Pause", tell(PAUSE), key=f"hold-{run.id}",
            help=f"Pauses it where it is; after {MAX_PAUSE_SECONDS / 60:z.0f} minutes it is saved "
            "and makes room for others.",
        )  # fmt: skip
    inputs.button("Step", tell(STEP), key=f"step-{run.id}", help="One epoch, then pause.")


def _change(run: Run, config: RunConfig) -> None:
    """β and learning rate, to be changed while it runs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if config.model.capabilities.betas == "one":
            _dial(run, config, "beta")
        _dial(run, config, "learning_rate")
        history = " · ".join(map(str, read_changes(run.folder)[-3:]))
        st.caption(plain(history or "Changes are kept with the run."))


def _wanted(run: Run, config: RunConfig, name: str) -> float:
    """β or the learning rate that a training run has, or is to have next."""
    changes, wish = read_changes(run.folder), read_request(run.folder)
    if getattr(wish, name) != getattr(ControlRequest(), name):
        return getattr(wish, name)
    if changes:
        return getattr(changes[-1], name)
    return config.objective.beta if name == "beta" else config.training.learning_rate


def _dial(run: Run, config: RunConfig, name: str) -> None:
    """One number that a running training takes over.

    Its default is what is wanted now: a browser that lost the widget sends its default again,
    and that must not change the training.
    """
    item, key = RUN_SETTINGS[name], f"dial-{name}-{run.id}"

    def write() -> None:
        given = st.session_state[key]
        if given != _wanted(run, config, name):
            attempt(lambda: training_runs.steer(run, **{name: given}))

    st.number_input(
        f"{item.label} from now on", *item.screen_limits, float(_wanted(run, config, name)),
        item.step, "%.6g", key, width=210, on_change=write,
    )  # fmt: skip


def curves(run: Run, config: RunConfig, place: str) -> None:
    """The scores over the epochs that are over, and the KL of every latent."""
    shown = page_files.built_once(_stamp(run), lambda: _curves(run, config))
    if not shown:
        return
    with st.container(horizontal=True, gap="small"):
        for name, figure in shown.items():
            with st.container(width=CURVE_WIDTH):
                display.chart(figure, f"{place}-{name}-{run.id}")
    if "D" in shown:
        st.html(row("distortion", "rate", "negative_elbo", "kl", "steps", "nats"))
    if config.model.capabilities.has_posterior:
        st.caption(ONE_DRAW)
    if config.model.capabilities.betas == "many":
        st.caption("On the test set β is 1; on the training set it is drawn for every image.")


def _stamp(run: Run) -> tuple:
    """What decides the curves of a run."""
    found: list = [str(run.folder)]
    for name in ("metrics.jsonl", "changes.jsonl"):
        with contextlib.suppress(OSError):
            status = (run.folder / name).stat()
            found.append((name, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _curves(run: Run, config: RunConfig) -> dict[str, go.Figure]:
    """The figures by the names of their scores; none without an epoch."""
    found = training_runs.course(run)
    if found is None:
        return {}
    marks, has_rate = training_runs.marks(run, found), config.model.capabilities.has_rate
    train, test = with_elbo(found.train, has_rate), with_elbo(found.test, has_rate)
    shown = {}
    for name in {**test, **train}:
        title, unit = score_words(name)
        pair = train.get(name), test.get(name)
        shown[title.lstrip("−")] = training_curve(title, found.epochs, *pair, marks, unit)
    if has_rate and found.kl.size:
        shown["KL"] = kl_curves(found.epochs, found.kl)
    return shown


def duration(seconds: float) -> str:
    """Seconds, or minutes where they are many."""
    return f"{max(1, seconds):z.0f} s" if seconds < 100 else f"{seconds / 60:z.0f} min"
