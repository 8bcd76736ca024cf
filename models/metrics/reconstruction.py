"""How far the reconstruction is from the image, in pixels' own unit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


@torch.no_grad()
def squared_error(model: Any, images: Tensor, batch_size: int = 1024) -> Tensor:
    r"""Computes the squared error per pixel of the reconstruction from z = μ.

    .. math:: \frac1d \sum_i (x_i - E[x_i | z = μ(x)])²

    Not reduced over images; its mean is the optimal σ² of a shared Gaussian likelihood.

    Args:
        model: Anything with `encode` and `decode`; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W).
        batch_size: Images per pass.

    Returns:
        Squared grey levels (1 = white), shape (N,).

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> squared_error(build_model(ModelConfig()), torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3])
    """
    model.eval()
    rows = []
    for batch in images.split(batch_size):
        mean, _ = model.encode(batch)
        rows.append((batch - model.decode(mean)).square().flatten(1).mean(1).cpu())
    return torch.cat(rows)
