"""Remedies for posterior collapse: the settings of a run with one thing changed.

Seed, data, network, batches and length stay, so that a difference is the remedy's. Whether one
helps is for `models.metrics.collapse` to say, once it is trained: nothing here knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from models.config import RunConfig
from models.settings import Settings, setting

NO_REMEDY = "no remedy"


@dataclass(frozen=True)
class Strengths(Settings):
    """How much of each remedy.

    Raises:
        ValueError: If one is outside its limits.

    Example:
        >>> Strengths(free_bits=0.25).cycles
        4
    """

    warmup_percent: int = setting(50, "Share of the training in which β rises, in %.", 1, 100)
    cycles: int = setting(4, "How often β rises from 0.", 2, 100)
    free_bits: float = setting(1.0, "Nats that every latent may cost for nothing.", 0.01, 100.0)
    capacity: float = setting(3.0, "Nats at which the rate is held.", 0.01, 1000.0)
    beta_divisor: int = setting(4, "What β is divided by.", 2, 1000)


class Remedy(NamedTuple):
    """A name, what it changes in one phrase, and the settings to train with."""

    name: str
    change: str
    config: RunConfig


def remedies(config: RunConfig, total_steps: int, strengths: Strengths) -> list[Remedy]:
    r"""A run as it was, and with every remedy that changes it.

    A warm-up and cycles replace each other; with a learned σ the likelihood is a Gaussian whose
    variance is the mean squared error, so its D is a density and in other units than before.

    Args:
        config: Of the collapsed run, a VAE.
        total_steps: T, its updates.
        strengths: How much of each.

    Returns:
        First the run unchanged, called `NO_REMEDY`, then those that differ from it.

    Source:
        Warm-up: Bowman et al., 2016, arXiv:1511.06349. Cycles: Fu et al., 2019,
        arXiv:1903.10145. Free bits: Kingma et al., 2016, arXiv:1606.04934. Capacity: Burgess
        et al., 2018, arXiv:1804.03599. Learned σ: Rybkin et al., 2021, arXiv:2006.13202.

    Example:
        >>> from models.presets import preset
        >>> [remedy.name for remedy in remedies(preset("digits-2d"), 4000, Strengths())]
        ['no remedy', 'KL warm-up', 'cycles', 'free bits', 'capacity', 'learned σ', 'smaller β']
    """
    beta, half = config.objective.beta, max(1, total_steps // 2)
    warmup = max(1, total_steps * strengths.warmup_percent // 100)
    cycles, nats, capacity = strengths.cycles, strengths.free_bits, strengths.capacity
    smaller = beta / strengths.beta_divisor
    found = [
        Remedy(
            "KL warm-up",
            f"the KL weight rises from 0 to β = {beta:g} over {warmup:,} of {total_steps:,} steps",
            _change(config, kl_warmup_steps=warmup, cycles=0),
        ),
        Remedy(
            "free bits",
            f"a latent’s KL costs nothing up to {nats:g} {_nats(nats)}",
            _change(config, free_bits=nats),
        ),
        Remedy(
            "capacity",
            f"the rate is drawn to a value that rises to {capacity:g} {_nats(capacity)} by step "
            f"{half:,}",
            _change(config, capacity=capacity, capacity_steps=half),
        ),
        Remedy("smaller β", f"β = {smaller:g}", _change(config, beta=smaller)),
    ]
    if cycles < total_steps:
        change = f"the KL weight rises from 0 to β = {beta:g} anew, {cycles} times"
        found.insert(1, Remedy("cycles", change, _change(config, kl_warmup_steps=0, cycles=cycles)))
    if not config.model.likelihood_properties.learns_sigma:
        found.insert(
            -1, Remedy("learned σ", "a Gaussian likelihood whose σ is learned", _learn(config))
        )
    unchanged = Remedy(NO_REMEDY, "nothing: the same training again", config)
    return [unchanged, *(remedy for remedy in found if remedy.config != config)]


def _nats(count: float) -> str:
    return "nat" if count == 1 else "nats"


def _change(config: RunConfig, **objective: Any) -> RunConfig:
    return replace(config, objective=replace(config.objective, **objective))


def _learn(config: RunConfig) -> RunConfig:
    """With a Gaussian likelihood of learned σ, which grey levels are meant for."""
    return replace(
        config,
        model=replace(config.model, likelihood="gaussian-optimal"),
        training=replace(config.training, binarize=False),
    )
