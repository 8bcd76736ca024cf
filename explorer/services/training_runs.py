"""Training runs of the screen: what they cost, how they go, and what is changed meanwhile."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.jobs.job import JobError
from explorer.services import permissions, run_folders, training_form
from models.config import RunConfig, TrainingConfig
from models.places import disk_reason
from models.runs.folder import Run
from models.runs.history import Row
from models.training.control import read_changes, send_request

if TYPE_CHECKING:  # it imports torch
    from models.training.rehearsal import Pace

REHEARSAL_SECONDS = 0.1
"""For the timing of steps that a page waits for."""
MAX_EPOCHS = 200
"""Epochs of a run that are drawn, evenly over all."""


# --- cost and course -----------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a training run takes: parameters, steps, and seconds on this machine."""

    parameters: int
    steps: int
    seconds: float


def cost(config: RunConfig) -> Cost:
    """Estimates what a training run takes; its steps are rehearsed once for every kind of work.

    Raises:
        ValueError: If the model would have too many parameters.
    """
    from models.training.rehearsal import estimate_seconds

    images = training_form.data_size(config.data)
    steps = config.total_steps(images.train)
    parameters = run_folders.parameters(config.model)
    seconds = estimate_seconds(config, _pace(_work(config)), images.train, images.test)
    return Cost(parameters, steps, seconds)


@functools.lru_cache(500)
def _pace(work: RunConfig) -> Pace:
    """How fast this machine does some work."""
    from models.training.rehearsal import measure_pace

    return measure_pace(work, budget=REHEARSAL_SECONDS)


def _work(config: RunConfig) -> RunConfig:
    """What decides how long a step takes; all else is as in any run."""
    names = ("batch_size", "binarize", "precision", "threads", "layout")
    training = TrainingConfig(**{name: config.get(name) for name in names})
    return RunConfig(model=config.model, training=training)


class Course(NamedTuple):
    """How a training run goes: `epochs` (E,) from 1; terms of the loss on the training set and
    scores on the test set by name, each of shape (E,), in the units of `models.metrics.names`; KL
    per latent on the test set, shape (E, Z), in nats; updates of an epoch."""

    epochs: np.ndarray
    train: dict[str, np.ndarray]
    test: dict[str, np.ndarray]
    kl: np.ndarray
    steps_per_epoch: float


def course(run: Run) -> Course | None:
    """Reads what a run has recorded, at most `MAX_EPOCHS` of its epochs; None if nothing.

    Rows that hold other scores than the first are passed over, and so are those of another number
    of latents.
    """
    rows = [row for row in run.history.rows(MAX_EPOCHS) if _shape(row)[0]]
    rows = [row for row in rows if _shape(row) == _shape(rows[0])]
    if not rows:
        return None
    names, latents = _shape(rows[0])
    table = {name: np.array([row[name] for row in rows], float) for name in names}
    epochs = np.array([row["epoch"] for row in rows]) + 1
    kl = np.array([row.get(_KL, []) for row in rows], float).reshape(len(rows), latents)
    train, test = (
        {name.removeprefix(part): table[name] for name in names if name.startswith(part)}
        for part in _PARTS
    )
    return Course(epochs, train, test, kl, float(rows[-1]["step"] / epochs[-1]))


_PARTS = ("train_", "test_")
_KL = "test_kl_per_dimension"


def _shape(row: Row) -> tuple[tuple[str, ...], int]:
    """What a row holds: the names of its scores, sorted, and how many latents it has the KL of."""
    kl = row.get(_KL, [])
    names = (n for n, v in row.items() if n.startswith(_PARTS) and not isinstance(v, list))
    return tuple(sorted(names)), len(kl) if isinstance(kl, list) else -1


# --- while it runs -------------------------------------------------------------------------------


def steer(run: Run, **fields: Any) -> None:
    """Pauses a training run, lets it go on, or changes β or its learning rate.

    Args:
        run: Being trained.
        fields: Of `models.training.control.ControlRequest`.

    Raises:
        ValueError: If one is outside its limits.
        JobError: If this session may not change the run, or the disk refuses.
    """
    permissions.check(run.owner)
    try:
        send_request(run.folder, **fields)
    except OSError as error:
        raise JobError(f"The request could not be written: {disk_reason(error)}.") from error


def marks(run: Run, course: Course) -> list[tuple[float, str]]:
    """Lists what was changed while a run was trained: after how many epochs, and to what."""
    config = run.config()
    marks = []
    last = (config.objective.beta, config.training.learning_rate)
    for change in read_changes(run.folder):
        names = [f"β = {change.beta:g}"] * (change.beta != last[0])
        names += [f"rate {change.learning_rate:g}"] * (change.learning_rate != last[1])
        last = (change.beta, change.learning_rate)
        marks.append((change.step / course.steps_per_epoch, ", ".join(names)))
    return marks
