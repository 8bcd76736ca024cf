"""Settings of a run as the options that train it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from models.config import RunConfig
from models.presets import PRESETS


def to_arguments(config: RunConfig, title: str) -> list[str]:
    """What to write after `python -m models` to train with these settings.

    From the preset that needs the fewest options. The shape of the images is the data's; the
    number of threads is always named, for it would otherwise be this machine's.

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
    given = [] if config.data == start.data else ["--data", config.data]
    for part in ("model", "objective", "training"):
        mine, theirs = getattr(config, part), getattr(start, part)
        for name in (item.name for item in fields(mine)):
            value = getattr(mine, name)
            if name != "image_shape" and (value != getattr(theirs, name) or name == "threads"):
                given += _option(name.replace("_", "-"), value)
    return given


def _option(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, tuple):
        return [f"--{name}", ",".join(map(str, value)) or "none"]
    return [f"--{name}", str(value)]
