"""Comparison of runs: what their settings have in common, and which runs were changed meanwhile.

Runs are "the same but for X" if their settings are equal once X is at its default in both: see
`without`. A run is more than its settings, for β and the learning rate can be changed while it is
trained: such a run is not the same as one that was trained so from the start, see `is_trained_as`.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from models.config import RunConfig
from models.runs.folder import Run
from models.runs.status import run_status
from models.storage.card import Card
from models.training.control import next_change, read_changes, read_request

ROUNDING = ("threads", "layout")
"""Settings that only change how fast a run is computed, and the last bits of what it computes."""


def without(config: RunConfig, *names: str) -> RunConfig:
    """Returns the settings with some of them at their defaults.

    Args:
        config: Of a run.
        names: Of settings of the model, the objective or the training.

    Returns:
        Settings that are equal for runs that differ in nothing but these.

    Example:
        >>> from models.presets import preset
        >>> config = preset("digits-2d")
        >>> other = replace(config, objective=replace(config.objective, beta=4.0))
        >>> config == other, without(config, "beta") == without(other, "beta")
        (False, True)
    """

    def neutral(part: Any) -> Any:
        defaults = {item.name: item.default for item in fields(part) if item.name in names}
        return replace(part, **defaults)

    parts = {name: neutral(getattr(config, name)) for name in ("model", "objective", "training")}
    return replace(config, **parts)


def without_rounding(config: RunConfig) -> RunConfig:
    """Returns the settings without those that only change the speed and the rounding.

    Runs that differ in nothing else count as the same run.

    Example:
        >>> from models.presets import preset
        >>> config = preset("digits-2d")
        >>> two = replace(config, training=replace(config.training, threads=2))
        >>> without_rounding(two) == config
        True
    """
    return without(config, *ROUNDING)


def is_same(config: RunConfig, other: RunConfig) -> bool:
    """Whether two settings train the same model, but for the rounding.

    Example:
        >>> from models.presets import preset
        >>> config = preset("digits-2d")
        >>> two = replace(config, training=replace(config.training, threads=2))
        >>> is_same(config, two), is_same(config, preset("digits-ae"))
        (True, False)
    """
    return without_rounding(config) == without_rounding(other)


def is_changed(run: Run) -> bool:
    """Whether β or the learning rate of a run was changed while it was trained, or will be.

    Raises:
        ValueError: If the folder holds no valid settings.
    """
    if read_changes(run.folder):
        return True
    is_requested = next_change(run.config(), [], read_request(run.folder)) is not None
    return is_requested and not run_status(run).is_done


def is_trained_as(run: Run, config: RunConfig) -> bool:
    """Whether a run is, or will be, what training with these settings from the start gives.

    Raises:
        ValueError: If the folder holds no valid settings.

    Example:
        >>> import tempfile
        >>> from models.presets import preset
        >>> from models.training.control import send_request
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Run.create(folder, preset("digits-2d"))
        ...     before = is_trained_as(run, preset("digits-2d"))
        ...     _ = send_request(run.folder, beta=4.0)
        ...     before, is_trained_as(run, preset("digits-2d"))
        (True, False)
    """
    return is_same(run.config(), config) and not is_changed(run)


def has_plain_beta(card: Card) -> bool:
    """Whether one β, perhaps after a warm-up, is all that training asked of the rate.

    Example:
        >>> from models.presets import preset
        >>> has_plain_beta(Card(preset("digits-2d")))
        True
        >>> has_plain_beta(Card(preset("digits-2d"), changes=("after step 400: β = 4",)))
        False
    """
    objective = card.config.objective
    return not (card.changes or objective.cycles or objective.free_bits or objective.capacity)
