"""Makes codes whose information is known, and checks the laws that its parts obey."""

import math

import pytest
import torch

from models.objectives.distributions import gaussian_kl


def codes(count, dimensions=2, seed=0, low=0.3, high=0.9):
    """Means spread like the prior and more, standard deviations between two limits."""
    generator = torch.Generator().manual_seed(10_000 + seed)
    mean = 1.2 * torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    share = torch.rand(count, dimensions, generator=generator, dtype=torch.float64)
    return mean, 2 * torch.log(low + (high - low) * share)


def correlated(correlation, count):
    """Codes whose q(z) is N(0, [[1, ρ], [ρ, 1]]): a narrow round posterior slid along one axis.

    Means are the quantiles of a Gaussian, so that q(z) is one but for the last tail.
    """
    narrow = 1 - correlation
    quantiles = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    along = torch.special.ndtri(quantiles) * math.sqrt(2 * correlation)
    mean = along[:, None] * math.sqrt(0.5) * torch.ones(2, dtype=torch.float64)
    return mean, torch.full((count, 2), math.log(narrow), dtype=torch.float64)


def mean_rate(mean, log_variance):
    return gaussian_kl(mean.double(), log_variance.double()).sum(1).mean().item()


def values(parts):
    """Every part but the holes, without its error, in nats."""
    kl = [part.mean for part in parts.kl_per_dimension]
    return [
        parts.mutual_information.mean,
        parts.aggregate_kl.mean,
        parts.total_correlation.mean,
        *kl,
    ]


def assert_identities(parts, rate, tolerance):
    """I + KL(q ‖ p) = mean KL, KL(q ‖ p) = TC + Σ KL_j, and nobody leaves its bounds."""
    told, total, together, *kl = values(parts)
    assert told + total == pytest.approx(rate, abs=tolerance)
    assert together + sum(kl) == pytest.approx(total, abs=tolerance)
    assert 0 <= told <= parts.ceiling and told <= rate + tolerance
    assert min(total, together, *kl) >= 0
    assert 0 <= parts.holes.mean <= 1
