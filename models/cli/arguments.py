"""Settings of a run as the command that trains it: what the card of a resumed run says."""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.config import RUN_SETTINGS, RunConfig
from models.presets import PRESETS
from models.settings import AUTO, Description, to_text

_PACKAGE = Path(__file__).resolve().parents[1]


def to_arguments(config: RunConfig, title: str) -> list[str]:
    """Writes what must follow `python -m models` to train with these settings.

    It starts from the preset that needs the fewest options. The shape of the images comes from
    the data; what would otherwise be chosen for this machine is always named.

    Args:
        config: Of the run.
        title: Its label.

    Example:
        >>> from models.presets import preset
        >>> " ".join(to_arguments(preset("digits-2d"), "mine"))
        'train --preset digits-2d --precision float32 --threads 1 --layout contiguous --title mine'
    """
    candidates = [["--preset", name, *_options(config, start)] for name, start in PRESETS.items()]
    return ["train", *min(candidates, key=len), "--title", title]


def program(words: Sequence[str] = tuple(sys.orig_argv)) -> str:
    """Writes how this command line was started, for commands that are to be typed next.

    Args:
        words: Of the process.

    Example:
        >>> program(["python3", "-m", "models", "train"])
        'python -m models'
    """
    if len(words) > 1 and Path(words[1]).resolve() == _PACKAGE:
        return shlex.join(words[:2])
    return "python -m models"


def given_command(config: RunConfig) -> str:
    """Writes the command of this process, as it was given, with what was chosen for this machine.

    Args:
        config: Of a run that it makes.
    """
    chosen = [
        word
        for description in RUN_SETTINGS.values()
        if description.is_automatic and not _is_given(description, sys.argv)
        for word in _option(description, config.get(description.name))
    ]
    return "python -m models " + shlex.join([*sys.argv[1:], *chosen])


def _is_given(description: Description, words: Sequence[str]) -> bool:
    """Whether a command names a setting, and not as auto."""
    name = f"--{description.name}"
    values = [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]
    values += [after for word, after in itertools.pairwise(words) if word == name]
    return bool(values) and values[-1] != AUTO


def train_command(config: RunConfig, title: str) -> str:
    """Writes the command that trains a run with these settings.

    Example:
        >>> from models.presets import preset
        >>> train_command(preset("digits-2d"), "my run")
        "python -m models train --preset digits-2d --precision float32 --threads 1 \
--layout contiguous --title 'my run'"
    """
    return "python -m models " + shlex.join(to_arguments(config, title))


def sweep_command(configs: Sequence[RunConfig]) -> str:
    """Writes the command that trains a run for each of these settings, which form a grid.

    Example:
        >>> from models.presets import preset
        >>> from models.sweeps.grid import grid
        >>> sweep_command(grid(preset("digits-2d"), [0.5, 2.0], seeds=3))
        'python -m models sweep --betas 0.5,2.0 --seeds 3 --preset digits-2d \
--precision float32 --threads 1 --layout contiguous'
    """
    betas = sorted({config.objective.beta for config in configs})
    seeds = sorted({config.training.seed for config in configs})
    latents = sorted({config.model.latent_dim for config in configs})
    words = ["sweep", "--betas", ",".join(map(str, betas)), "--seeds", str(len(seeds))]
    if len(latents) > 1:
        words += ["--latent-dims", ",".join(map(str, latents))]
    training = replace(configs[0].training, seed=seeds[0])
    alike = to_arguments(replace(configs[0], training=training), "")[1:-2]
    if "--beta" in alike:  # given by --betas
        place = alike.index("--beta")
        del alike[place : place + 2]
    return "python -m models " + shlex.join([*words, *alike])


def _options(config: RunConfig, start: RunConfig) -> list[str]:
    """The options that lead from one config to another."""
    words = []
    for name, description in RUN_SETTINGS.items():
        value = config.get(name)
        if description.has_option and (description.is_automatic or value != start.get(name)):
            words += _option(description, value)
    return words


def _option(description: Description, value: Any) -> list[str]:
    name = description.name.replace("_", "-")
    if description.kind is bool:
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(to_text(value))]
