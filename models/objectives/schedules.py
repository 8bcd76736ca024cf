"""What training minimises: distortion plus a weight times the rate, in nats per image.

What a step asks of the rate (β, warm-up, cycles, free bits, capacity) is a function of the step's
number and the settings. It shapes the gradient only and never enters a score.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from models.config import ObjectiveConfig


class StepObjective(NamedTuple):
    """What one step asks of the rate: its weight, λ of the free bits and the capacity, in nats.

    The weight has shape (K,) in a stack of K models that differ in β.
    """

    weight: float | Tensor
    free_bits: float
    capacity: float


def objective_at(step: int, total_steps: int, objective: ObjectiveConfig) -> StepObjective:
    """Returns the objective as it is at one step.

    Args:
        step: t, counted from 1.
        total_steps: T.
        objective: The settings of the whole training.

    Example:
        >>> objective_at(5, 100, ObjectiveConfig(beta=4.0, kl_warmup_steps=10))
        StepObjective(weight=2.0, free_bits=0.0, capacity=0.0)
    """
    weight = kl_weight(step, total_steps, objective)
    return StepObjective(weight, objective.free_bits, capacity(step, objective))


def kl_weight(step: int, total_steps: int, objective: ObjectiveConfig) -> float:
    r"""Computes the weight of the rate at a step: β, reached once, or again in every cycle.

    .. math:: w_t = β \min(1, t / W), \qquad
        w_t = β \min(1, τ / ρ), \quad τ = \frac{(t - 1) \bmod ⌈T / M⌉}{T / M}

    Args:
        step: t, counted from 1.
        total_steps: T; the cycles share it out.
        objective: β and the warm-up length W in steps (0: none), or M cycles (0: none) that
            rise over their share ρ, the `ramp`, and stay at β for the rest.

    Returns:
        The weight, between 0 and β.

    Source:
        Warm-up: Bowman et al., Generating Sentences from a Continuous Space, 2016,
        arXiv:1511.06349. Cycles: Fu et al., Cyclical Annealing Schedule, 2019,
        arXiv:1903.10145.

    Example:
        >>> kl_weight(5, 100, ObjectiveConfig(beta=4.0, kl_warmup_steps=10))
        2.0
        >>> [kl_weight(step, 100, ObjectiveConfig(cycles=4)) for step in (1, 13, 14, 26)]
        [0.0, 0.96, 1.0, 0.0]
    """
    if not objective.cycles:
        return objective.beta * min(1.0, step / max(1, objective.kl_warmup_steps))
    cycle = total_steps / objective.cycles
    position = (step - 1) % math.ceil(cycle) / cycle
    return objective.beta * min(1.0, position / objective.ramp)


def capacity(step: int, objective: ObjectiveConfig) -> float:
    r"""Computes the rate that training aims at in a step: C · min(1, t / S).

    Args:
        step: t, counted from 1.
        objective: The capacity C in nats (0: none) and its S steps (0: at once).

    Returns:
        Nats per image, between 0 and C.

    Source:
        Burgess et al., Understanding disentangling in beta-VAE, 2018, arXiv:1804.03599,
        section 5.

    Example:
        >>> capacity(5, ObjectiveConfig(capacity=25.0, capacity_steps=10))
        12.5
    """
    return objective.capacity * min(1.0, step / max(1, objective.capacity_steps))


def beta_loss(
    distortion: Tensor,
    rate: Tensor,
    weight: float | Tensor,
    free_bits: float = 0.0,
    capacity: float = 0.0,
) -> Tensor:
    r"""Computes the loss: mean over images of D + weight · Σ_j R_j, or a remedy's version of it.

    .. math:: \bar D + w \left| \sum_j \max(λ, \bar R_j) - C \right|

    A bar is the mean over the batch. Without free bits λ and capacity C this is the β-VAE. Free
    bits take the gradient from dimensions that cost less than λ; a capacity pulls the rate up
    to C as well as down to it, with the weight as the γ of its authors.

    Args:
        distortion: D, shape (B,).
        rate: R_j, shape (B, Z).
        weight: The KL weight w of this step.
        free_bits: λ in nats per dimension, at least 0.
        capacity: C of this step in nats, at least 0.

    Returns:
        A scalar, in weighted nats per image. With weight 1, λ = 0 and C = 0 it is -ELBO.

    Source:
        Higgins et al., beta-VAE, ICLR 2017, equation 4; λ: Kingma et al., Improving
        Variational Inference with Inverse Autoregressive Flow, 2016, arXiv:1606.04934,
        appendix C.8; C: Burgess et al., 2018, arXiv:1804.03599, equation 8.

    Example:
        >>> import torch
        >>> beta_loss(torch.tensor([3.0]), torch.tensor([[1.0, 2.0]]), weight=2.0)
        tensor(9.)
        >>> beta_loss(torch.tensor([3.0]), torch.tensor([[1.0, 2.0]]), weight=2.0, capacity=4.0)
        tensor(5.)
    """
    total = rate.mean(-2).clamp_min(free_bits).sum(-1) if free_bits else rate.sum(-1).mean(-1)
    return distortion.mean(-1) + weight * ((total - capacity).abs() if capacity else total)
