"""Adam, through torch's functional form.

`torch.optim.Adam` imports torch's compiler at its first use, which takes longer than the first
epochs of a small model; nothing is compiled here. The arithmetic is torch's own, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    r"""Adam with torch's defaults, fused.

    .. math:: m ← b_1 m + (1 - b_1) g, \quad v ← b_2 v + (1 - b_2) g^2, \quad
        θ ← θ - η \frac{m / (1 - b_1^t)}{\sqrt{v / (1 - b_2^t)} + ε}

    Args:
        parameters: θ.
        rate: η, may be changed between steps.

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

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self.parameters = list(parameters)
        self.rate = rate
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Updates every parameter that has a gradient."""
        moved = [parameter for parameter in self.parameters if parameter.grad is not None]
        for parameter in moved:
            if parameter not in self.state:
                self.state[parameter] = {
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                    "step": torch.zeros((), device=parameter.device),
                }
        kept = [self.state[parameter] for parameter in moved]
        moments = [[each[name] for each in kept] for name in ("exp_avg", "exp_avg_sq")]
        adam(
            moved, [parameter.grad for parameter in moved], *moments, [],
            [each["step"] for each in kept], fused=True, amsgrad=False, beta1=BETAS[0],
            beta2=BETAS[1], lr=self.rate, weight_decay=0.0, eps=EPSILON, maximize=False,
        )  # fmt: skip
