"""Trainings that are asked for on the screen: settings, cost and course, and deleted runs.

What a form asks for starts from a preset; the model of a run is never touched here. A deleted run
is moved aside, and can be had back as long as it is among the last `MAX_TRASH`:

    runs/.trash/<id>/          the folder of a run
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from explorer import cache
from explorer.jobs import JobError
from models.config import PRESETS, ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.imageset import clean_name
from models.runs import Run, default_runs_dir, find_run
from models.steering import ask, changes_of

PARTS = {"model": ModelConfig, "objective": ObjectiveConfig, "training": TrainingConfig}
FIELDS = {
    "data": ("", "data"),
    "network": ("model", "network"),
    "hidden": ("model", "hidden"),
    "latents": ("model", "latent_dim"),
    "likelihood": ("model", "likelihood"),
    "sigma": ("model", "sigma"),
    "weight": ("objective", "beta"),
    "warmup": ("objective", "kl_warmup_steps"),
    "epochs": ("training", "epochs"),
    "batch": ("training", "batch_size"),
    "learning-rate": ("training", "learning_rate"),
    "seed": ("training", "seed"),
}
"""Settings of the page that are settings of a run: which part of it, and which of its fields."""
TRAINING_SETS = {
    "digits": (1297, (1, 8, 8)),
    "mnist": (60_000, (1, 28, 28)),
    "fashion-mnist": (60_000, (1, 28, 28)),
    "kmnist": (60_000, (1, 28, 28)),
}
"""Training images and their shape, known without loading them."""
MAX_TRASH = 20
"""Deleted runs that are kept."""
MAX_EPOCHS = 200
"""Epochs of a run that are drawn, evenly over all."""


# --- settings ------------------------------------------------------------------------------------


def help_of(name: str) -> str:
    """The sentence of help of a field.

    Example:
        >>> help_of("epochs")
        'Passes over the training set.'
    """
    part, item = FIELDS[name]
    found = fields(PARTS.get(part, RunConfig))
    return next(each.metadata["help"] for each in found if each.name == item)


def preset_value(preset: str, name: str) -> Any:
    """What a preset says of a field; widths as text.

    Example:
        >>> preset_value("digits-2d", "hidden"), preset_value("digits-linear", "hidden")
        ('128,64', 'none')
    """
    part, item = FIELDS[name]
    start = PRESETS[preset]
    value = getattr(getattr(start, part) if part else start, item)
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else value


def matters(name: str, family: str, likelihood: str) -> bool:
    """Whether a field changes anything in a model of this family and likelihood.

    Example:
        >>> matters("weight", "multirate", "bernoulli"), matters("sigma", "vae", "gaussian")
        (False, True)
    """
    if name == "weight":
        return family == "vae"
    if name == "warmup":
        return family != "autoencoder"
    return name != "sigma" or likelihood in ("gaussian", "gaussian-shared", "gaussian-pixel")


def plan(preset: str, chosen: Mapping[str, Any]) -> RunConfig:
    """The settings of a run that is like a preset but for what was chosen.

    Pixels are drawn 0 or 1 only as long as the likelihood is Bernoulli.

    Args:
        preset: Its name.
        chosen: Values by the names of `FIELDS`; what is None or does not matter is passed over.

    Raises:
        ValueError: If one is outside its limits, the network does not fit the images, or a batch
            is larger than the data set.

    Example:
        >>> plan("digits-2d", {"weight": 4.0, "hidden": "32"}).model.hidden
        (32,)
        >>> plan("digits-2d", {"hidden": "wide"})
        Traceback (most recent call last):
        ValueError: hidden must be whole numbers like 512,256 or none, got 'wide'
    """
    start = PRESETS[preset]
    likelihood = chosen.get("likelihood") or start.model.likelihood
    changes: dict[str, dict[str, Any]] = {part: {} for part in ("", *PARTS)}
    for name, (part, item) in FIELDS.items():
        value = chosen.get(name)
        if value is not None and matters(name, start.model.family, likelihood):
            changes[part][item] = _widths(value) if name == "hidden" else value
    data = changes[""].get("data", start.data)
    count, changes["model"]["image_shape"] = TRAINING_SETS[data]
    changes["training"]["binarize"] = start.training.binarize and likelihood == "bernoulli"
    parts = {part: replace(getattr(start, part), **changes[part]) for part in PARTS}
    config = RunConfig(data, **parts)
    config.total_steps(count)
    return config


def _widths(text: str) -> tuple[int, ...]:
    if text.strip() == "none":
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        given = clean_name(text, "nothing")[:40]
        raise ValueError(
            f"hidden must be whole numbers like 512,256 or none, got {given!r}"
        ) from None


# --- cost and course -----------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a training takes: parameters, steps, seconds if measured, and where that was."""

    parameters: int
    steps: int
    seconds: float | None
    source: str


def cost(config: RunConfig) -> Cost:
    """What a training takes; seconds from finished ones of the same network, data and batch.

    Raises:
        ValueError: If the model would have too many parameters.
    """
    steps = config.total_steps(TRAINING_SETS[config.data][0])
    usable, _ = cache.catalogue()
    found: dict[bool, list[float]] = {False: [], True: []}
    for entry in usable.values():
        card = cache.card(entry)
        if card.steps and card.seconds and _work(card.config) == _work(config):
            found[entry.shipped].append(card.seconds / card.steps)
    parameters = cache.parameters(config.model)
    for shipped, source in ((False, "your runs"), (True, "the shipped model")):
        if found[shipped]:
            return Cost(parameters, steps, median(found[shipped]) * steps, source)
    return Cost(parameters, steps, None, "")


def _work(config: RunConfig) -> tuple:
    """What decides how long a step takes."""
    model, training = config.model, config.training
    network = (model.family, model.network, model.hidden, model.image_shape, model.latent_dim)
    return (config.data, *network, training.batch_size, training.precision)


class Course(NamedTuple):
    """How a training goes: `epochs` (E,) from 1; D and R, shape (E, 2), and KL per latent on the
    test set, shape (E, Z), in nats per image; updates of an epoch."""

    epochs: np.ndarray
    train: np.ndarray
    test: np.ndarray
    kl: np.ndarray
    steps_per_epoch: float


def course(run: Run) -> Course | None:
    """What a run has recorded, at most `MAX_EPOCHS` of its epochs; None if there is nothing.

    Lines that are cut short, damaged or not finite are passed over.
    """
    try:
        lines = (run.folder / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return None
    kept = np.unique(np.linspace(0, len(lines) - 1, MAX_EPOCHS).astype(int)) if lines else []
    rows = [row for row in (_row(lines[i]) for i in kept) if row is not None]
    rows = [row for row in rows if len(row) == len(rows[0])]
    if not rows:
        return None
    table = np.array(rows)
    epochs = table[:, 0].astype(int) + 1
    length = table[-1, 1] / epochs[-1]
    return Course(epochs, table[:, 2:4], table[:, 4:6], table[:, 6:], float(length))


_SCORES = ("epoch", "step", "train_distortion", "train_rate", "test_distortion", "test_rate")


def _row(line: bytes) -> list[float] | None:
    """Epoch, scores and KL per latent of one line; None if it holds no such numbers."""
    try:
        document = json.loads(line)
        values = [document[name] for name in _SCORES] + document.get("test_kl_per_dimension", [])
        return values if all(map(math.isfinite, values)) else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


# --- while it runs -------------------------------------------------------------------------------


def steer(run: Run, **wanted: Any) -> None:
    """Holds a running training, has it go on, or changes β or its learning rate.

    Args:
        run: Being trained.
        wanted: Fields of `models.steering.Wish`.

    Raises:
        ValueError: If one is outside its limits.
        JobError: If the disk refuses.
    """
    try:
        ask(run.folder, **wanted)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise JobError(f"The training cannot be told: {reason}.") from error


def marks(run: Run, course: Course) -> list[tuple[float, str]]:
    """What was changed while a run was trained: the epochs that were over, and what it became."""
    config = run.config()
    found = []
    last = (config.objective.beta, config.training.learning_rate)
    for change in changes_of(run.folder):
        names = [f"β = {change.beta:g}"] * (change.beta != last[0])
        names += [f"rate {change.learning_rate:g}"] * (change.learning_rate != last[1])
        last = (change.beta, change.learning_rate)
        found.append((change.step / course.steps_per_epoch, ", ".join(names)))
    return found


# --- deleted runs --------------------------------------------------------------------------------


def _trash() -> Path:
    return default_runs_dir() / ".trash"


def discarded() -> list[str]:
    """Ids of deleted runs that can be had back, the last one first."""
    found = []
    with contextlib.suppress(OSError):
        found = [(each.stat().st_mtime_ns, each.name) for each in os.scandir(_trash())]
    return [name for _, name in sorted(found, reverse=True)]


def discard(run_id: str) -> None:
    """Moves a run aside; of those moved aside before, the last `MAX_TRASH` stay.

    Raises:
        JobError: If a job of this run waits or works, or the disk refuses.
        ValueError: If there is no such run, or a process is training it.
    """
    if any(run_id in job.runs for job in cache.jobs().all() if job.is_live):
        raise JobError("A run can be deleted once its job has ended: cancel that first.")
    run = find_run(default_runs_dir(), run_id)
    try:
        _trash().mkdir(exist_ok=True)
        with run.lock():
            os.utime(run.folder)
            run.folder.rename(_trash() / run.id)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise JobError(f"The run cannot be deleted: {reason}.") from error
    for old in discarded()[MAX_TRASH:]:
        shutil.rmtree(_trash() / old, ignore_errors=True)


def recover(run_id: str) -> None:
    """Moves a deleted run back.

    Raises:
        JobError: If it is gone, or the disk refuses.
    """
    if run_id not in discarded():  # compared, never joined
        raise JobError(f"Only the last {MAX_TRASH} deleted runs are kept, and this is none.")
    try:
        (_trash() / run_id).rename(default_runs_dir() / run_id)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise JobError(f"The run cannot be had back: {reason}.") from error
