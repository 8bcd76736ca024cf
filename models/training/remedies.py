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
    r"""Lists a run as it was, and with every remedy that changes it.

    A warm-up and cycles replace each other; with a learned σ the likelihood is a Gaussian whose
    variance is the mean squared error, so its D is a density and in other units than before.

    Args:
        config: Of the collapsed run. A family without a posterior has nothing that could collapse,
            so no remedy; one of every β has none that sets β, free bits or a capacity.
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
    capabilities = config.model.capabilities
    found: list[Remedy] = []
    if capabilities.has_posterior:
        found += _slower_weight(config, total_steps, strengths)
        if capabilities.betas == "one":
            found += _held_rate(config, total_steps, strengths)
        if not config.model.likelihood_properties.learns_sigma:
            change = "a Gaussian likelihood whose σ is learned"
            found.append(Remedy("learned σ", change, _learn(config)))
        if capabilities.betas == "one":
            beta = config.objective.beta / strengths.beta_divisor
            found.append(Remedy("smaller β", f"β = {beta:g}", _change(config, beta=beta)))
    unchanged = Remedy(NO_REMEDY, "nothing: the same training again", config)
    return [unchanged, *(remedy for remedy in found if remedy.config != config)]


def _slower_weight(config: RunConfig, total_steps: int, strengths: Strengths) -> list[Remedy]:
    """Remedies that let the rate cost less for a while."""
    beta, cycles = config.objective.beta, strengths.cycles
    warmup = max(1, total_steps * strengths.warmup_percent // 100)
    change = f"the KL weight rises from 0 to β = {beta:g} over {warmup:,} of {total_steps:,} steps"
    found = [Remedy("KL warm-up", change, _change(config, kl_warmup_steps=warmup, cycles=0))]
    if cycles < total_steps:
        change = f"the KL weight rises from 0 to β = {beta:g} again and again, {cycles} times"
        found.append(Remedy("cycles", change, _change(config, kl_warmup_steps=0, cycles=cycles)))
    return found


def _held_rate(config: RunConfig, total_steps: int, strengths: Strengths) -> list[Remedy]:
    """Remedies that keep the rate from falling to nothing."""
    half = max(1, total_steps // 2)
    free, capacity = strengths.free_bits, strengths.capacity
    return [
        Remedy(
            "free bits",
            f"a latent’s KL costs nothing up to {free:g} {_nats(free)}",
            _change(config, free_bits=free),
        ),
        Remedy(
            "capacity",
            f"the rate is drawn to a value that rises to {capacity:g} {_nats(capacity)} by step "
            f"{half:,}",
            _change(config, capacity=capacity, capacity_steps=half),
        ),
    ]


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


SLOWER = 4
"""What the learning rate of two players is divided by."""


def mode_remedies(config: RunConfig) -> list[Remedy]:
    """Lists a run of two players as it was, and with every remedy against mode collapse.

    Seed, data, network and length stay. Whether one helps is for `models.metrics.samples.modes` to
    say.

    Args:
        config: Of the run. A family that no other network judges has no such remedy.

    Returns:
        First the run unchanged, called `NO_REMEDY`, then those that differ from it.

    Source:
        Mescheder, Geiger & Nowozin, Which training methods for GANs do actually converge?, 2018,
        arXiv:1801.04406.

    Example:
        >>> from models.presets import preset
        >>> [remedy.name for remedy in mode_remedies(preset("digits-gan-collapsing"))]
        ['no remedy', 'R1 penalty', 'smaller learning rate', 'both']
        >>> mode_remedies(preset("digits-2d"))
        []
    """
    model, training = config.model, config.training
    capabilities = model.capabilities
    if capabilities.has_likelihood or capabilities.players < 2:
        return []
    penalised = replace(config, model=replace(model, stabiliser="r1"))
    rate = training.learning_rate / SLOWER
    final = min(training.final_learning_rate, rate)

    def slower(run: RunConfig) -> RunConfig:
        return replace(
            run, training=replace(training, learning_rate=rate, final_learning_rate=final)
        )

    tried = [
        Remedy(NO_REMEDY, "as it was", config),
        Remedy("R1 penalty", "the discriminator pays for its slope at real images", penalised),
        Remedy("smaller learning rate", f"learning rate / {SLOWER}", slower(config)),
        Remedy("both", f"the penalty, and learning rate / {SLOWER}", slower(penalised)),
    ]
    return [each for i, each in enumerate(tried)
            if each.config not in [before.config for before in tried[:i]]]  # fmt: skip
