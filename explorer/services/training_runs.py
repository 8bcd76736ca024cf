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
    """How a training run goes: `epochs` (E,) from 1; D and R, shape (E, 2), and KL per latent on
    the test set, shape (E, Z), in nats per image; updates of an epoch."""

    epochs: np.ndarray
    train: np.ndarray
    test: np.ndarray
    kl: np.ndarray
    steps_per_epoch: float


def course(run: Run) -> Course | None:
    """Reads what a run has recorded, at most `MAX_EPOCHS` of its epochs; None if nothing.

    Rows without these scores are passed over, and so are those of another number of latents.
    """
    rows = [row for row in map(_scores, run.history.rows(MAX_EPOCHS)) if row is not None]
    rows = [row for row in rows if len(row) == len(rows[0])]
    if not rows:
        return None
    table = np.array(rows)
    epochs = table[:, 0].astype(int) + 1
    length = table[-1, 1] / epochs[-1]
    return Course(epochs, table[:, 2:4], table[:, 4:6], table[:, 6:], float(length))


_SCORES = ("epoch", "step", "train_distortion", "train_rate", "test_distortion", "test_rate")


def _scores(row: Row) -> list[float] | None:
    """Epoch, step, scores and KL per latent of a row; None if one of them is not there."""
    values = [row.get(name) for name in _SCORES]
    kl = row.get("test_kl_per_dimension", [])
    if not isinstance(kl, list) or any(
        value is None or isinstance(value, list) for value in values
    ):
        return None
    return values + kl


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
