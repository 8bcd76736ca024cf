"""A moving average of a network's weights, kept as buffers: it travels with the model's state."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

DECAY = 0.998
"""Of the average: it looks back over about 500 updates."""


def as_buffers(network: nn.Module) -> nn.Module:
    """Copies a network; the copy's weights are buffers, which no optimiser moves.

    Example:
        >>> copy = as_buffers(nn.Linear(2, 3))
        >>> list(copy.parameters()), [name for name, _ in copy.named_buffers()]
        ([], ['weight', 'bias'])
    """
    average = copy.deepcopy(network)
    for module in average.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach().clone())
    return average


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, updates: Tensor) -> None:
    r"""Moves an average towards the weights as they are, and counts it.

    .. math:: \barθ ← d\, \barθ + (1 - d)\, θ, \quad d = \min\left(0.998, \frac{n}{n + 10}\right)

    so that the first updates are soon forgotten.

    Args:
        average: What `as_buffers` made of the network; changed.
        network: θ.
        updates: n, shape (1,); changed.

    Example:
        >>> network, updates = nn.Linear(1, 1), torch.zeros(1)
        >>> average = as_buffers(network)
        >>> _ = nn.init.ones_(network.weight)
        >>> move_average(average, network, updates)
        >>> average.weight.item(), updates.item()
        (1.0, 1.0)
    """
    decay = min(DECAY, float(updates / (updates + 10)))
    kept, new = zip(*zip(average.buffers(), network.parameters(), strict=True), strict=True)
    torch._foreach_lerp_(list(kept), [each.detach() for each in new], 1 - decay)
    updates += 1
