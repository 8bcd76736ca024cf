"""Exact values of two-latent models by quadrature on a grid: ln p(x), I(x;z), KL(q(z)‖p), holes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.information import HOLE, Information
from models.metrics.statistics import Estimate
from models.objectives.distributions import LOG_2PI, normal_log_prob

MAX_POINTS = 4_000_000
"""Most points of a grid: 32 MB for every array over it."""
_REACH = 6.0
"""Standard deviations of a Gaussian that a grid covers."""
NUMBERS_AT_ONCE = 2**22
"""Numbers of an intermediate array, which bounds the memory."""
_TINY = torch.finfo(torch.float64).tiny


class Grid(NamedTuple):
    """Evenly spaced points of the plane: every pair of `x` (X,) and `y` (Y,), float64."""

    x: Tensor
    y: Tensor

    @property
    def points(self) -> Tensor:
        """The pairs, shape (X·Y, 2), y running fastest."""
        return torch.cartesian_prod(self.x, self.y)

    @property
    def cell(self) -> float:
        """The area that every point stands for."""
        return ((self.x[1] - self.x[0]) * (self.y[1] - self.y[0])).item()


def plane_grid(mean: Tensor, log_variance: Tensor, step: float = 0.5) -> Grid:
    r"""Makes the grid on which sums are integrals, for the prior and for nearly every posterior.

    Each axis reaches six standard deviations beyond the prior's mean and every posterior's;
    its step is `step` times the median posterior standard deviation, or the prior's if smaller.

    Args:
        mean: μ, shape (N, 2).
        log_variance: ln σ², shape (N, 2).
        step: In standard deviations, above 0 and best at most 0.75; halve it to see that nothing
            changes.

    Raises:
        ValueError: If the codes have not two dimensions, or the grid would have more than
            `MAX_POINTS` points.

    Numerics:
        The sum over a Gaussian of standard deviation s is off by at most 2 exp(-2π²s²/h²) of
        itself at step h: 10⁻¹⁵ at h = 0.75 s, 1 % at 2 s, 22 % at 3 s. What is much narrower
        than the median is therefore rough by itself, and right on average over its positions.

    Example:
        >>> grid = plane_grid(torch.zeros(5, 2), torch.zeros(5, 2))
        >>> grid.points.shape, grid.cell
        (torch.Size([625, 2]), 0.25)
    """
    if mean.shape[1] != 2:
        raise ValueError(f"codes must have 2 dimensions to be integrated, got {mean.shape[1]}")
    mean, deviation = mean.double().cpu(), torch.exp(0.5 * log_variance.double().cpu())
    steps = step * deviation.median(0).values.clamp_max(1.0)
    low = (mean - _REACH * deviation).amin(0).clamp_max(-_REACH)
    high = (mean + _REACH * deviation).amax(0).clamp_min(_REACH)
    counts = torch.ceil((high - low) / steps).long() + 1
    if counts.prod() > MAX_POINTS:
        raise ValueError(
            f"the grid must have at most {MAX_POINTS:,} points, got {counts[0]:,} × "
            f"{counts[1]:,}: the codes are too sharp to be integrated, estimate instead"
        )
    axes = [low[j] + steps[j] * torch.arange(counts[j], dtype=torch.float64) for j in (0, 1)]
    return Grid(*axes)


def exact_log_evidence(
    log_likelihood: Callable[[Tensor, Tensor], Tensor], images: Tensor, grid: Grid
) -> Tensor:
    r"""Integrates ln p(x) of every image under a model with two latent dimensions.

    .. math:: \ln p(x) = \ln \int p(x|z) p(z) dz ≈ \ln \sum_g p(x|z_g) p(z_g) Δ

    The encoder has no part in it: this is what the ELBO and the importance-weighted bound are
    bounds of. Under a Bernoulli likelihood x must be binary, as for those.

    Args:
        log_likelihood: ln p(x_b|z_g) of all pairs, shape (B, G), from images (B, C, H, W) and
            codes (G, 2); a model's `log_likelihood_pairs`.
        images: x, shape (B, C, H, W).
        grid: From `plane_grid`; the model's own codes say how fine it must be.

    Returns:
        Nats per image, shape (B,), float64.

    Numerics:
        A log-sum-exp carried across chunks of the grid; every point is decoded once.

    Example:
        >>> codes = torch.zeros(1, 2)
        >>> ignores_z = lambda images, z: torch.full((len(images), len(z)), -7.0)
        >>> exact_log_evidence(ignores_z, torch.zeros(1, 1, 8, 8), plane_grid(codes, codes))
        tensor([-7.0000], dtype=torch.float64)
    """
    total = torch.full((len(images),), -torch.inf, dtype=torch.float64)
    with torch.no_grad():
        for points in grid.points.split(max(1, min(4096, NUMBERS_AT_ONCE // len(images)))):
            weight = normal_log_prob(points, 0.0, 0.0).sum(1) + math.log(grid.cell)
            here = log_likelihood(images, points.to(images)).double().cpu() + weight
            total = torch.logaddexp(total, here.logsumexp(1))
    return total


def exact_information(mean: Tensor, log_variance: Tensor, grid: Grid | None = None) -> Information:
    r"""Integrates the parts of the rate of two-dimensional codes.

    .. math:: I = H(q(z)) - \frac1N \sum_n H(q(z|x_n)), \qquad
        KL(q ‖ r) = \int q \ln \frac qr - q + r

    Args:
        mean: μ, shape (N, 2).
        log_variance: ln σ², shape (N, 2).
        grid: Default: that of `plane_grid`.

    Returns:
        Every part with standard error 0.

    Raises:
        ValueError: As `plane_grid`.

    Numerics:
        On a grid the mixture is a matrix product, for each posterior is the product of two
        one-dimensional densities. The integrand of a divergence is written so that it is
        nowhere negative; then neither is the sum.

    Source:
        Hoffman & Johnson, ELBO surgery, 2016; Chen et al., Isolating Sources of
        Disentanglement in VAEs, 2018, arXiv:1802.04942, equation 2.

    Example:
        >>> mean = torch.tensor([[2.0, 0.0], [-2.0, 0.0]])
        >>> parts = exact_information(mean, torch.tensor([[-1.386294, 0.0]]).repeat(2, 1))
        >>> round(parts.mutual_information.mean, 4), round(parts.aggregate_kl.mean, 4)
        (0.6931, 1.6251)
    """
    mean, log_variance = mean.double().cpu(), log_variance.double().cpu()
    grid = grid or plane_grid(mean, log_variance)
    joint, marginals = _mixture(grid, mean, log_variance)
    priors = [torch.exp(normal_log_prob(axis, 0.0, 0.0)) for axis in grid]
    prior, factored = torch.outer(*priors), torch.outer(*marginals)
    entropy = -torch.xlogy(joint, joint).sum().item() * grid.cell
    conditional = 0.5 * (1 + LOG_2PI + log_variance).sum(1).mean().item()
    ceiling = math.log(len(mean))
    per_dimension = [
        _divergence(marginal, p, (axis[1] - axis[0]).item())
        for marginal, p, axis in zip(marginals, priors, grid, strict=True)
    ]
    return Information(
        mutual_information=_exact(min(max(entropy - conditional, 0.0), ceiling)),
        aggregate_kl=_exact(_divergence(joint, prior, grid.cell)),
        total_correlation=_exact(_divergence(joint, factored, grid.cell)),
        kl_per_dimension=[_exact(value) for value in per_dimension],
        holes=_exact((prior * (joint < HOLE * prior)).sum().item() * grid.cell),
        ceiling=ceiling,
    )


def _exact(value: float) -> Estimate:
    return Estimate(value, 0.0)


def _divergence(q: Tensor, r: Tensor, cell: float) -> float:
    """KL(q ‖ r) of densities on a grid."""
    ratio = torch.log(q.clamp_min(_TINY)) - torch.log(r.clamp_min(_TINY))
    return (q * ratio - q + r).sum().item() * cell


def _mixture(grid: Grid, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, list[Tensor]]:
    """q on the grid, shape (X, Y), and its two marginals, shapes (X,) and (Y,)."""
    joint = torch.zeros(len(grid.x), len(grid.y), dtype=torch.float64)
    marginals = [torch.zeros_like(axis) for axis in grid]
    at_once = max(1, NUMBERS_AT_ONCE // (len(grid.x) + len(grid.y)))
    for m, v in zip(mean.split(at_once), log_variance.split(at_once), strict=True):
        factors = [
            torch.exp(normal_log_prob(axis[:, None], m[:, j], v[:, j]))
            for j, axis in enumerate(grid)
        ]
        joint += factors[0] @ factors[1].T
        for marginal, factor in zip(marginals, factors, strict=True):
            marginal += factor.sum(1)
    return joint / len(mean), [marginal / len(mean) for marginal in marginals]
