"""Trainings that are asked for on the screen: settings, cost and course.

What a form asks for starts from a preset; the model of a run is never touched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from explorer.jobs.queue import JobError
from explorer.services import catalogue, data_sets, run_folders
from models.capabilities import FAMILIES, LIKELIHOODS
from models.config import RUN_SETTINGS, ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.custom_images import fitting_batch
from models.data.library import is_id
from models.presets import PRESETS
from models.runs.folder import Run
from models.runs.history import Row
from models.text import clean_name
from models.training.control import read_changes, send_request

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
MAX_EPOCHS = 200
"""Epochs of a run that are drawn, evenly over all."""


# --- settings ------------------------------------------------------------------------------------


def help_of(name: str) -> str:
    """The sentence of help of a field.

    Example:
        >>> help_of("epochs")
        'Passes over the training set.'
    """
    return RUN_SETTINGS[FIELDS[name][1]].help


def training_set(name: str) -> tuple[int, tuple[int, int, int]]:
    """Training images and their shape, of a built-in set or of the user's own.

    Raises:
        ValueError: If an own set is not there.
    """
    if name in TRAINING_SETS:
        return TRAINING_SETS[name]
    facts = data_sets.custom_sets().get(name)
    if facts is None:
        raise ValueError("the data set must be one of the list, got one that was removed")
    return facts.train, facts.image_shape


def batch_size(preset: str, data: str) -> int:
    """What a preset says, or less where an own data set is small."""
    wanted = PRESETS[preset].training.batch_size
    return fitting_batch(wanted, training_set(data)[0]) if is_id(data) else wanted


def preset_value(preset: str, name: str, data: str | None = None) -> Any:
    """What a preset says of a field, for a data set that may be another; widths as text.

    Example:
        >>> preset_value("digits-2d", "hidden"), preset_value("digits-linear", "hidden")
        ('128,64', 'none')
    """
    part, item = FIELDS[name]
    start = PRESETS[preset]
    if name == "batch":
        return batch_size(preset, data or start.data)
    value = getattr(getattr(start, part) if part else start, item)
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else value


def matters(name: str, family: str, likelihood: str) -> bool:
    """Whether a field changes anything in a model of this family and likelihood.

    Example:
        >>> matters("weight", "multirate", "bernoulli"), matters("sigma", "vae", "gaussian")
        (False, True)
    """
    if name == "weight":
        return FAMILIES[family].betas == "one"
    if name == "warmup":
        return FAMILIES[family].has_rate
    return name != "sigma" or LIKELIHOODS[likelihood].reads_sigma


def plan(preset: str, chosen: Mapping[str, Any]) -> RunConfig:
    """The settings of a run that is like a preset but for what was chosen.

    Pixels are drawn 0 or 1 only as long as the likelihood is Bernoulli. On a small own data set a
    batch is smaller, unless its size was chosen.

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
    count, changes["model"]["image_shape"] = training_set(data)
    changes["training"].setdefault("batch_size", batch_size(preset, data))
    changes["training"]["binarize"] = start.training.binarize and LIKELIHOODS[likelihood].is_binary
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
    steps = config.total_steps(training_set(config.data)[0])
    usable, _ = catalogue.list_models()
    found: dict[bool, list[float]] = {False: [], True: []}
    for entry in usable.values():
        card = catalogue.card(entry)
        if card.steps and card.seconds and _work(card.config) == _work(config):
            found[entry.shipped].append(card.seconds / card.steps)
    parameters = run_folders.parameters(config.model)
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


def steer(run: Run, **wanted: Any) -> None:
    """Holds a running training, has it go on, or changes β or its learning rate.

    Args:
        run: Being trained.
        wanted: Fields of `models.training.control.Wish`.

    Raises:
        ValueError: If one is outside its limits.
        JobError: If the disk refuses.
    """
    try:
        send_request(run.folder, **wanted)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise JobError(f"The training cannot be told: {reason}.") from error


def marks(run: Run, course: Course) -> list[tuple[float, str]]:
    """What was changed while a run was trained: the epochs that were over, and what it became."""
    config = run.config()
    found = []
    last = (config.objective.beta, config.training.learning_rate)
    for change in read_changes(run.folder):
        names = [f"β = {change.beta:g}"] * (change.beta != last[0])
        names += [f"rate {change.learning_rate:g}"] * (change.learning_rate != last[1])
        last = (change.beta, change.learning_rate)
        found.append((change.step / course.steps_per_epoch, ", ".join(names)))
    return found
