"""Settings of a run as the command that trains it."""

from __future__ import annotations

from typing import Any

from models.config import RUN_SETTINGS, RunConfig
from models.presets import PRESETS
from models.settings import Description, to_text


def to_arguments(config: RunConfig, title: str) -> list[str]:
    """Writes what must follow `python -m models` to train with these settings.

    It starts from the preset that needs the fewest options. The shape of the images comes from
    the data; the number of threads is always named, as it would otherwise be this machine's.

    Args:
        config: Of the run.
        title: Its label.

    Example:
        >>> from models.presets import preset
        >>> " ".join(to_arguments(preset("digits-2d"), "mine"))
        'train --preset digits-2d --threads 1 --title mine'
    """
    candidates = [["--preset", name, *_options(config, start)] for name, start in PRESETS.items()]
    return ["train", *min(candidates, key=len), "--title", title]


def _options(config: RunConfig, start: RunConfig) -> list[str]:
    """The options that lead from one config to another."""
    words = []
    for name, description in RUN_SETTINGS.items():
        value = config.get(name)
        if description.has_option and (name == "threads" or value != start.get(name)):
            words += _option(description, value)
    return words


def _option(description: Description, value: Any) -> list[str]:
    name = description.name.replace("_", "-")
    if description.kind is bool:
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(to_text(value))]
