"""Exact values of two-latent models by quadrature: ln p(x), I(x;z), KL(q(z)‖p), holes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.adaptive import PlaneIntegral, graded_tiles, log_integral
from models.metrics.information import HOLE, Information
from models.metrics.statistics import Estimate
from models.objectives.distributions import LOG_2PI, normal_log_prob

MAX_POINTS = 4_000_000
"""Most points of a grid: 32 MB for every array over it."""
_REACH = 6.0
"""Standard deviations of a Gaussian that a grid covers."""
NUMBERS_AT_ONCE = 2**22
"""Numbers of an intermediate array, which bounds the memory."""
HALVED = 5e-4
"""What halving the step may change: nats, and shares of the prior."""
_FIRST_STEP = 1.0
_TINY = torch.finfo(torch.float64).tiny


class Grid(NamedTuple):
    """Evenly spaced points of the plane: every pair of `x` (X,) and `y` (Y,), float64."""

    x: Tensor
    y: Tensor

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
        step: In standard deviations, above 0; halve it to see that nothing changes.

    Raises:
        ValueError: If the codes have not two dimensions, or the grid would have more than
            `MAX_POINTS` points.

    Numerics:
        The sum over a Gaussian of standard deviation s is off by at most 2 exp(-2π²s²/h²) of
        itself at step h: 10⁻¹⁵ at h = 0.75 s, 1 % at 2 s, 22 % at 3 s. What is much narrower
        than the median is therefore rough by itself, and right on average over its positions.

    Example:
        >>> grid = plane_grid(torch.zeros(5, 2), torch.zeros(5, 2))
        >>> len(grid.x), len(grid.y), grid.cell
        (25, 25, 0.25)
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
    log_likelihood: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    mean: Tensor,
    log_variance: Tensor,
) -> PlaneIntegral:
    r"""Integrates ln p(x) of every image under a model with two latent dimensions.

    .. math:: \ln p(x) = \ln \int p(x|z) p(z) dz

    This is what the ELBO and the importance-weighted bound are bounds of. The encoder has no part
    in it: it says where to look closely from the start. Under a Bernoulli likelihood x must be
    binary, as for those.

    Args:
        log_likelihood: ln p(x_b|z_g) of all pairs, shape (B, G), from images (B, C, H, W) and
            codes (G, 2); a model's `log_likelihood_pairs`.
        images: x, shape (B, C, H, W).
        mean: μ of these images, shape (B, 2).
        log_variance: Their ln σ², shape (B, 2).

    Returns:
        Nats per image with the quadrature's own error. The true posterior is
        ln p(x|z) + ln p(z) − `log_value`; the rectangle says where it lies.

    Raises:
        ValueError: As `models.metrics.adaptive.graded_tiles`.

    Numerics:
        Tiles that hold mass are halved until that changes less than 10⁻³ nats, see
        `models.metrics.adaptive`. Every point is decoded once for all images.

    Example:
        >>> codes = torch.zeros(1, 2)
        >>> ignores_z = lambda images, z: torch.full((len(images), len(z)), -7.0)
        >>> found = exact_log_evidence(ignores_z, torch.zeros(1, 1, 8, 8), codes, codes)
        >>> round(found.log_value.item(), 3)
        -7.0
    """

    def log_joint(points: Tensor) -> Tensor:
        prior = normal_log_prob(points, 0.0, 0.0).sum(1)
        return log_likelihood(images, points.to(images)).double().cpu() + prior

    with torch.no_grad():
        return log_integral(log_joint, graded_tiles(mean, log_variance), len(images))


def exact_information(mean: Tensor, log_variance: Tensor, grid: Grid | None = None) -> Information:
    r"""Integrates the parts of the rate of these two-dimensional codes.

    .. math:: I = H(q(z)) - \frac1N \sum_n H(q(z|x_n)), \qquad
        KL(q ‖ r) = \int q \ln \frac qr - q + r

    Exact for q(z) of these N codes; what that says of the model's is in
    `models.metrics.population`.

    Args:
        mean: μ, shape (N, 2).
        log_variance: ln σ², shape (N, 2).
        grid: Default: those of `plane_grid` with half the step each time, until halving changes
            less than `HALVED`, or the next would have too many points.

    Returns:
        Every part; its error is what halving the step last changed. With a grid given it is 0.

    Raises:
        ValueError: As `plane_grid`.

    Numerics:
        On a grid the mixture is a matrix product, for each posterior is the product of two
        one-dimensional densities. The integrand of a divergence is written so that it is
        nowhere negative; then neither is the sum. A cell that the edge of a hole crosses counts
        by the share of it that the linearised ln q − ln p puts inside.

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
    if grid is not None:
        return _information(_values(mean, log_variance, grid), mean.new_zeros(6), len(mean))
    step = _FIRST_STEP
    values = _values(mean, log_variance, plane_grid(mean, log_variance, step))
    change = torch.full_like(values, math.inf)
    while change.max() > HALVED:
        step /= 2
        try:
            finer = plane_grid(mean, log_variance, step)
        except ValueError:
            if change.isinf().any():
                raise
            break
        before, values = values, _values(mean, log_variance, finer)
        change = (values - before).abs()
    return _information(values, change, len(mean))


def _information(values: Tensor, errors: Tensor, count: int) -> Information:
    """The parts by name, from the order of `_values`."""
    told, aggregate, together, first, second, holes = map(
        Estimate, values.tolist(), errors.tolist()
    )
    return Information(told, aggregate, together, [first, second], holes, math.log(count))


def _values(mean: Tensor, log_variance: Tensor, grid: Grid) -> Tensor:
    """I, KL(q ‖ p), TC, KL of each latent, and holes, shape (6,)."""
    joint, marginals = _mixture(grid, mean, log_variance)
    priors = [torch.exp(normal_log_prob(axis, 0.0, 0.0)) for axis in grid]
    prior, factored = torch.outer(*priors), torch.outer(*marginals)
    entropy = -torch.xlogy(joint, joint).sum().item() * grid.cell
    conditional = 0.5 * (1 + LOG_2PI + log_variance).sum(1).mean().item()
    told = min(max(entropy - conditional, 0.0), math.log(len(mean)))
    parts = [
        _divergence(marginal, p, (axis[1] - axis[0]).item())
        for marginal, p, axis in zip(marginals, priors, grid, strict=True)
    ]
    aggregate = _divergence(joint, prior, grid.cell)
    together = _divergence(joint, factored, grid.cell)
    values = [told, aggregate, together, *parts, _holes(joint, prior, grid.cell)]
    return torch.tensor(values, dtype=torch.float64)


def _divergence(q: Tensor, r: Tensor, cell: float) -> float:
    """KL(q ‖ r) of densities on a grid."""
    return (q * _log_ratio(q, r) - q + r).sum().item() * cell


def _log_ratio(q: Tensor, r: Tensor) -> Tensor:
    return torch.log(q.clamp_min(_TINY)) - torch.log(r.clamp_min(_TINY))


def _holes(joint: Tensor, prior: Tensor, cell: float) -> float:
    """The prior's mass where q < `HOLE` · p: a cell on the edge counts by its share inside."""
    height = _log_ratio(joint, HOLE * prior)
    slope = sum(part.abs() for part in torch.gradient(height))
    inside = (0.5 - height / slope.clamp_min(_TINY)).clamp(0.0, 1.0)
    return (prior * inside).sum().item() * cell


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
