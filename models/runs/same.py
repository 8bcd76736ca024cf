"""Whether two runs are the same but for one thing."""

from __future__ import annotations

from models.config import RunConfig


def is_same(config: RunConfig, other: RunConfig) -> bool:
    """Whether two runs learn the same; threads do not count, for they change only the rounding.

    Example:
        >>> from models.presets import preset
        >>> from dataclasses import replace
        >>> config = preset("digits-2d")
        >>> two = replace(config, training=replace(config.training, threads=2))
        >>> is_same(config, two), is_same(config, preset("digits-ae"))
        (True, False)
    """
    mine, theirs = (vars(one) | {"training": None} for one in (config, other))
    trained = (vars(one.training) | {"threads": None} for one in (config, other))
    return mine == theirs and next(trained) == next(trained)


def has_plain_beta(config: RunConfig) -> bool:
    """Whether β, perhaps after a warm-up, is all that training asked of the rate.

    Example:
        >>> from models.presets import preset
        >>> has_plain_beta(preset("digits-2d"))
        True
    """
    objective = config.objective
    return not (objective.cycles or objective.free_bits or objective.capacity)
