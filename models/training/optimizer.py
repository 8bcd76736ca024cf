"""Adam, through torch's fused kernel, and its learning rate.

`torch.optim.Adam` imports torch's compiler at its first use, which takes longer than the first
epochs of a small model; nothing is compiled here. The arithmetic is torch's own, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from models.config import TrainingConfig
from models.objectives.trainable import Player

EPSILON = 1e-8


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    r"""Computes the learning rate: a linear rise to its peak, a plateau, then half a cosine down.

    .. math:: η_t = η \frac tW \; (t ≤ W), \qquad
        η_t = η_T + \frac{η - η_T}2 (1 + \cos π p), \quad
        p = \frac{1}{1 - s} \max\left(0, \frac{t - W}{T - W} - s\right)

    Args:
        step: t, counted from 1.
        total_steps: T.
        config: Peak η, final rate η_T, length of the warm-up W and the plateau s, the share of the
            steps after the warm-up at the peak; with s = 1 the rate does not fall.

    Returns:
        Adam's learning rate at this step.

    Source:
        Loshchilov & Hutter, SGDR, ICLR 2017, arXiv:1608.03983, equation 5; with a plateau: Zhai et
        al., Scaling Vision Transformers, 2022, arXiv:2106.04560, section 3.5.

    Example:
        >>> learning_rate(100, 1000, TrainingConfig(learning_rate=1e-3, warmup_steps=200))
        0.0005
    """
    warmup = min(config.warmup_steps, total_steps)
    if step <= warmup:
        return config.learning_rate * step / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    if progress <= config.plateau:
        return config.learning_rate
    fall = (progress - config.plateau) / (1 - config.plateau)
    drop = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + drop * 0.5 * (1 + math.cos(math.pi * fall))


class Adam:
    r"""Adam with torch's ε, fused.

    .. math:: m ← b_1 m + (1 - b_1) g, \quad v ← b_2 v + (1 - b_2) g^2, \quad
        θ ← θ - η \frac{m / (1 - b_1^t)}{\sqrt{v / (1 - b_2^t)} + ε}

    Args:
        parameters: θ.
        rate: η, may be changed between steps.
        betas: b_1 and b_2.

    Attributes:
        state: Of every parameter that was updated: `exp_avg` m, `exp_avg_sq` v and `step` t.

    Source:
        Kingma & Ba, Adam, ICLR 2015, arXiv:1412.6980, algorithm 1.

    Example:
        >>> weight = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adam([weight], 0.1)
        >>> weight.square().backward()
        >>> optimizer.step()
        >>> round(weight.item(), 6)
        0.9
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.parameters = list(parameters)
        self.rate, self.betas = rate, betas
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Updates every parameter that has a gradient."""
        moved = [parameter for parameter in self.parameters if parameter.grad is not None]
        kept = [self.state_of(parameter) for parameter in moved]
        first, second, steps = (
            [each[name] for each in kept] for name in ("exp_avg", "exp_avg_sq", "step")
        )
        torch._foreach_add_([*set(steps)], 1)  # one step may count for several
        torch._fused_adam_(
            moved, [parameter.grad for parameter in moved], first, second, [], steps,
            lr=self.rate, beta1=self.betas[0], beta2=self.betas[1], weight_decay=0.0,
            eps=EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip

    def state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Returns a parameter's state, which updates change; zeros before the first."""
        if parameter not in self.state:
            self.state[parameter] = {
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
                "step": torch.zeros((), device=parameter.device),
            }
        return self.state[parameter]

    def moments(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Returns a parameter's state, zeros before its first update; `step` has shape (1,)."""
        zero = torch.zeros_like(parameter)
        start = {"exp_avg": zero, "exp_avg_sq": zero, "step": torch.zeros(1)}
        state = self.state.get(parameter, start)
        return {key: state[key].reshape(start[key].shape) for key in start}

    def restore(self, parameter: nn.Parameter, moments: dict[str, Tensor]) -> None:
        """Continues from `moments`, which are copied to the parameter's device."""
        state = {
            key: torch.empty_like(parameter).copy_(value)  # in the order in memory of θ
            for key, value in moments.items()
            if key != "step"
        }
        step = moments["step"].clone().to(parameter.device).reshape(())
        self.state[parameter] = state | {"step": step}


def optimizers_for(players: Mapping[str, Player], rate: float) -> dict[str, Adam]:
    """Makes an optimiser for every player, in the order of their turns.

    Raises:
        ValueError: If a parameter belongs to two players.

    Example:
        >>> weights = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
        >>> players = {"critic": Player(weights[:1], (0.5, 0.9)), "generator": Player(weights[1:])}
        >>> {name: adam.betas for name, adam in optimizers_for(players, 1e-3).items()}
        {'critic': (0.5, 0.9), 'generator': (0.9, 0.999)}
    """
    parameters = [parameter for player in players.values() for parameter in player.parameters]
    if len(set(parameters)) < len(parameters):
        raise ValueError("every parameter must belong to one player, but one belongs to two")
    return {name: Adam(player.parameters, rate, player.betas) for name, player in players.items()}
