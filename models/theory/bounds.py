"""How bounds on ln p(x) tighten with more samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from models.metrics.statistics import Estimate, estimate


class BoundEstimate(NamedTuple):
    """Two estimates from k samples of z each, over many repeats, in nats.

    `elbo`: the mean of k log-weights; `bound`: the log of the mean of k weights. Each with the
    standard error of its mean over the repeats, and the standard deviation of a single repeat.
    """

    samples: int
    elbo: Estimate
    elbo_deviation: float
    bound: Estimate
    bound_deviation: float


def bound_ladder(log_weights: Tensor, counts: Sequence[int]) -> list[BoundEstimate]:
    r"""Shows what more samples of z give: a steadier ELBO, and a higher importance-weighted bound.

    .. math:: \frac1k \sum_{i=1}^k \ln w_i, \qquad \ln \frac1k \sum_{i=1}^k w_i, \qquad
        w_i = \frac{p(x|z_i) p(z_i)}{q(z_i|x)}, \quad z_i ∼ q(z|x)

    The first has the same expectation for every k, the ELBO; the second rises with k to ln p(x).

    Args:
        log_weights: ln w of one image, shape (S,); they are shared out among the repeats.
        counts: The k; S must be at least twice each.

    Returns:
        One estimate for every k.

    Raises:
        ValueError: If there are too few weights for two repeats.

    Source:
        Burda, Grosse & Salakhutdinov, 2016, arXiv:1509.00519, equation 8 and theorem 1.

    Example:
        >>> import torch
        >>> (estimate,) = bound_ladder(torch.tensor([0.0, 0.0, 0.0, 0.0]), [2])
        >>> estimate.elbo.mean, estimate.bound.mean, estimate.bound_deviation
        (0.0, 0.0, 0.0)
    """
    if not 1 <= min(counts) <= max(counts) <= len(log_weights) // 2:
        raise ValueError(
            f"counts must be 1 to half of the {len(log_weights)} weights, got {list(counts)}"
        )
    return [_bound_estimate(log_weights.double(), k) for k in counts]


def _bound_estimate(log_weights: Tensor, k: int) -> BoundEstimate:
    groups = log_weights[: len(log_weights) // k * k].view(-1, k)
    elbo, bound = groups.mean(1), groups.logsumexp(1) - math.log(k)
    return BoundEstimate(k, estimate(elbo), elbo.std().item(), estimate(bound), bound.std().item())
