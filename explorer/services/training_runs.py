"""Training runs of the screen: what they cost, how they go, and what is changed meanwhile."""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

import numpy as np

from explorer.jobs.job import JobError
from explorer.services import catalogue, permissions, run_folders, training_form
from models.config import RunConfig
from models.places import disk_reason
from models.runs.folder import Run
from models.runs.history import Row
from models.runs.index import Listing
from models.training.control import read_changes, send_request

MAX_EPOCHS = 200
"""Epochs of a run that are drawn, evenly over all."""


# --- cost and course -----------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a training run takes: parameters, steps, seconds if measured, and where that was."""

    parameters: int
    steps: int
    seconds: float | None
    source: str


def cost(config: RunConfig) -> Cost:
    """Estimates what a training run takes, from finished ones of the same network, data and batch.

    Raises:
        ValueError: If the model would have too many parameters.
    """
    steps = config.total_steps(training_form.training_set(config.data)[0])
    parameters = run_folders.parameters(config.model)
    for shipped, source in ((False, "your runs"), (True, "the shipped model")):
        if seconds := _seconds_by_work()[shipped].get(_work(config)):
            return Cost(parameters, steps, median(seconds) * steps, source)
    return Cost(parameters, steps, None, "")


@run_folders.once_a_listing
def _seconds_by_work(_found: Listing) -> dict[bool, dict[tuple, list[float]]]:
    """Seconds that a step took, by whether the model ships, and by the work."""
    seconds: dict[bool, dict[tuple, list[float]]] = {False: {}, True: {}}
    for entry in catalogue.list_models()[0].values():
        card = entry.card
        if card.steps and card.seconds:
            known = seconds[entry.shipped].setdefault(_work(card.config), [])
            known.append(card.seconds / card.steps)
    return seconds


def _work(config: RunConfig) -> tuple:
    """What decides how long a step takes."""
    model, training = config.model, config.training
    network = (model.family, model.network, model.hidden, model.image_shape, model.latent_dim)
    return (config.data, *network, training.batch_size, training.precision)


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
