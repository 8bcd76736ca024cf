"""Remedies on this machine: which are trained, which are being trained, and how each went.

The run of a remedy is known by its settings: a finished one counts, no matter who trained it or
when, and is never trained twice. A run that was changed while it was trained, or that came from
elsewhere, is not the run of a remedy. What was cut short goes on if it was begun as a remedy; a run
that somebody trained for another reason is left as it is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from explorer.jobs.job import Job, JobError
from explorer.services import catalogue, job_queue, permissions, run_folders
from explorer.services.catalogue import Entry
from models.config import RunConfig
from models.runs.comparison import is_changed, without_rounding
from models.runs.folder import Run
from models.runs.index import Listing
from models.runs.status import IMPORTED, RunStatus, run_status
from models.training.remedies import Remedy

PURPOSE = "remedy"
"""Of the runs that are made here: see `Run.purpose`."""
_submitted: dict[RunConfig, str] = {}
"""The last job of this server for these settings, for all sessions."""
_submitting = threading.Lock()


class RemedyRun(NamedTuple):
    """A remedy, its run and how that is doing, its finished model, and its last job."""

    remedy: Remedy
    run: Run | None
    status: RunStatus | None
    entry: Entry | None
    job: Job | None

    @property
    def is_live(self) -> bool:
        """Whether it waits or is being trained."""
        return self.job is not None and self.job.is_live


class KlHistory(NamedTuple):
    """KL of every latent on the test set, nats, shape (E, Z), at these steps, shape (E,)."""

    steps: np.ndarray
    kl: np.ndarray


def find(remedies: Sequence[Remedy]) -> list[RemedyRun]:
    """Finds the run of each remedy, the one that is furthest if there are several."""
    usable, known = catalogue.all_models(), _runs_by_config()
    remedy_runs = []
    for remedy in remedies:
        runs = known.get(_trained_model(remedy.config), [])
        run, status = max(_candidates(runs), key=_progress, default=(None, None))
        entry = usable.get(run.id) if status and status.is_done else None
        remedy_runs.append(RemedyRun(remedy, run, status, entry, _job(remedy)))
    return remedy_runs


@run_folders.once_a_listing
def _runs_by_config(found: Listing) -> dict[RunConfig, list[Run]]:
    """The runs that train the same model, by their settings."""
    runs: dict[RunConfig, list[Run]] = {}
    for each in found.runs:
        if each.config is not None:
            runs.setdefault(_trained_model(each.config), []).append(each.run)
    return runs


def _trained_model(config: RunConfig) -> RunConfig:
    """Settings that are equal for runs that train the same model."""
    return without_rounding(config)


def _candidates(runs: Sequence[Run]) -> list[tuple[Run, RunStatus]]:
    """Those that were trained here, with their settings from the start, and may stand for it."""
    candidates = []
    for run in runs:
        with contextlib.suppress(ValueError):  # damaged in this moment
            status = run_status(run)
            is_ours = status.is_done or run.purpose == PURPOSE
            if is_ours and status.state != IMPORTED and not is_changed(run):
                candidates.append((run, status))
    return candidates


def _progress(candidate: tuple[Run, RunStatus]) -> tuple[bool, int]:
    status = candidate[1]
    return status.is_done, status.epochs_done


def _job(remedy: Remedy) -> Job | None:
    """Its last job, unless that is forgotten."""
    try:
        return job_queue.jobs().watch(_submitted[remedy.config])
    except (KeyError, JobError):
        return None


def train(remedy_runs: Sequence[RemedyRun], title: str, seconds: float | None = None) -> None:
    """Queues those that are neither trained nor live.

    Args:
        remedy_runs: From `find`.
        title: Of the model they are remedies for.
        seconds: What each takes, an estimate; None: unknown.

    Raises:
        JobError: If this session may not, too many jobs wait, or the disk is full.
    """
    with _submitting:  # another session may have asked for the same
        for remedy, run, _, entry, _ in remedy_runs:
            job = _job(remedy)
            if entry or (job and job.is_live):
                continue
            label = f"{title} · {remedy.name}"
            if run and permissions.may_change(run.owner):
                job_id = job_queue.go_on(run, label, seconds)
            else:
                job_id = job_queue.train(remedy.config, label, "", seconds, PURPOSE)
            _submitted[remedy.config] = job_id


def cancel(remedy_runs: Sequence[RemedyRun]) -> None:
    """Ends those that are live; what they have done is kept for the next time.

    Raises:
        JobError: If one belongs to another server, or to somebody else.
    """
    for one in reversed(remedy_runs):  # those that wait first, so that none is started
        if one.is_live:
            job_queue.cancel(one.job.id)


def total_steps(entry: Entry) -> int:
    """Counts the updates of the whole training of a model; of a shipped one, those it has."""
    if not entry.shipped:
        with contextlib.suppress(ValueError):
            status = run_status(Run(entry.path.parent))
            if status.total_steps:
                return status.total_steps
    return entry.card.steps


def kl_history(run: Run | None) -> KlHistory | None:
    """Reads the KL that a run has recorded so far; None if there is nothing to draw."""
    rows = [] if run is None else run.history.rows()
    rows = [row for row in rows if row.get("test_kl_per_dimension")]
    if not rows:
        return None
    kl = np.array([row["test_kl_per_dimension"] for row in rows], float)
    return KlHistory(np.array([row["step"] for row in rows]), kl)
