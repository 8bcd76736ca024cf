"""Remedies on this machine: which are trained, which are being trained, and how each went.

A remedy's run is known by its settings, whoever trained it and when; so what is on disk is never
trained twice, and what was cut short goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from explorer.jobs.queue import Job, JobError
from explorer.services import catalogue, job_queue, run_folders
from explorer.services.catalogue import Entry
from models.cli.arguments import to_arguments
from models.config import RunConfig
from models.runs.folder import Run
from models.runs.same import is_same
from models.training.remedies import Remedy

_submitted: dict[RunConfig, str] = {}
"""The last job of this server for these settings, for all sessions."""
_submitting = threading.Lock()


class Trial(NamedTuple):
    """A remedy and what has become of it: its run folder, its finished model, its last job."""

    remedy: Remedy
    run: Run | None
    entry: Entry | None
    job: Job | None

    @property
    def is_live(self) -> bool:
        """Whether it waits or is being trained."""
        return self.job is not None and self.job.is_live


class Film(NamedTuple):
    """KL of every latent on the test set, nats, shape (E, Z), at these steps, shape (E,)."""

    steps: np.ndarray
    kl: np.ndarray


def look(remedies: Sequence[Remedy]) -> list[Trial]:
    """How far each remedy is."""
    usable, _ = catalogue.list_models()
    known = run_folders.configured_runs()
    trials = []
    for remedy in remedies:
        mine = [run for run, config in known if is_same(remedy.config, config)]
        run = max(mine, key=_epochs, default=None)
        entry = usable.get(run.id) if run and _epochs(run) == _wanted(remedy) else None
        if entry and catalogue.checkpoint(entry).card.steps != run.history.rows()[-1]["step"]:
            entry = None  # trained, but its model not written yet
        trials.append(Trial(remedy, run, entry, _job(remedy)))
    return trials


def _wanted(remedy: Remedy) -> int:
    return remedy.config.training.epochs


def _epochs(run: Run) -> int:
    """How many are over."""
    rows = run.history.rows()
    return rows[-1]["epoch"] + 1 if rows else 0


def _job(remedy: Remedy) -> Job | None:
    """Its last job, unless that is forgotten."""
    try:
        return job_queue.jobs().watch(_submitted[remedy.config])
    except (KeyError, JobError):
        return None


def train(trials: Sequence[Trial], title: str) -> None:
    """Puts those into the queue that are neither trained nor live.

    Args:
        trials: From `look`.
        title: Of the model they are remedies for.

    Raises:
        JobError: If too many jobs wait, or the disk is full.
    """
    with _submitting:  # another session may have asked for the same
        for remedy, run, entry, _ in trials:
            job = _job(remedy)
            if entry or (job and job.is_live):
                continue
            label = f"{title} · {remedy.name}"
            anew = to_arguments(remedy.config, label)
            arguments = ["train", "--resume", run.id] if run else anew
            _submitted[remedy.config] = job_queue.jobs().submit(arguments, label)


def cancel(trials: Sequence[Trial]) -> None:
    """Ends those that are live; what they have done is kept for the next time.

    Raises:
        JobError: If one is in the hands of another server.
    """
    for trial in reversed(trials):  # those that wait first, so that none is started
        if trial.is_live:
            job_queue.jobs().cancel(trial.job.id)


def total_steps(entry: Entry) -> int:
    """The updates of a whole training of a model, from those it has."""
    card = catalogue.checkpoint(entry).card
    own = [] if entry.shipped else Run(entry.path.parent).history.rows()
    if own:
        return own[-1]["step"] // (own[-1]["epoch"] + 1) * card.config.training.epochs
    return card.steps


def steps_of(trial: Trial) -> int:
    """The updates of a whole training of a remedy that has begun."""
    last = trial.run.history.rows()[-1]
    return last["step"] // (last["epoch"] + 1) * _wanted(trial.remedy)


def film(run: Run | None) -> Film | None:
    """What a run has recorded so far; None if there is nothing to draw."""
    rows = [] if run is None else run.history.rows()
    kept = [row for row in rows if row.get("test_kl_per_dimension")]
    if not kept:
        return None
    kl = np.array([row["test_kl_per_dimension"] for row in kept], float)
    return Film(np.array([row["step"] for row in kept]), kl)
