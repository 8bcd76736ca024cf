"""Integrals over the plane of densities whose mass lies in small parts of it.

The plane is cut into tiles. Each is summed once, coarsely; only those that hold mass are halved,
until halving changes nothing. The last change is the quadrature's own error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NODES = 4
"""Gauss–Legendre nodes along each side of a tile."""
WIDTH = 3.0
"""Standard deviations that a tile is wide where a posterior lies, before it is halved."""
COARSE = 4.0
"""How many times wider the tiles are where no posterior lies."""
MOST_COARSE = 48
"""Tiles along each axis at most, before they are halved: what is elsewhere is seen from there."""
REACH = 6.0
"""Standard deviations of a Gaussian that the tiles cover."""
NEAR = 4.0
"""Standard deviations around a posterior in which tiles are narrow from the start."""
TOLERANCE = 1e-3
"""Nats by which halving may change an integral."""
MAX_POINTS = 4_000_000
"""Points at most: tiles that are still open then are left as they are, and counted as error."""
NUMBERS_AT_ONCE = 2**22
"""Numbers of an intermediate array, which bounds the memory."""
_PART = 0.1
"""Share of the tolerance that a tile may take: few tiles hold most of a density."""
_EMPTY = 0.1
"""Share of that which a tile may hold and not be halved."""
_OUTSIDE = 1e-8
"""Mass of a tile that is left out of a density's rectangle."""

LogDensity = Callable[[Tensor], Tensor]
"""ln f_b at points (G, 2): shape (B, G)."""


class Tiles(NamedTuple):
    """Rectangles of the plane: lower left corners and widths, each (T, 2), float64."""

    corner: Tensor
    width: Tensor

    def halved(self) -> Tiles:
        """Cuts each into four, which follow one another: shape (4T, 2)."""
        half = 0.5 * self.width
        shift = torch.cartesian_prod(*[torch.arange(2.0, dtype=torch.float64)] * 2)
        corner = self.corner[:, None] + shift * half[:, None]
        return Tiles(corner.flatten(0, 1), half.repeat_interleave(4, 0))

    def where(self, mask: Tensor) -> Tiles:
        """Those that are chosen."""
        return Tiles(self.corner[mask], self.width[mask])


class PlaneIntegral(NamedTuple):
    """ln ∫ f_b of B densities: `log_value` (B,) with the quadrature's own `error` (B,), in nats.

    Outside the rectangle from `low` to `high`, each (B, 2), f_b has less than 10⁻³ of its mass.
    """

    log_value: Tensor
    error: Tensor
    low: Tensor
    high: Tensor


def graded_tiles(mean: Tensor, log_variance: Tensor) -> Tiles:
    r"""Cuts the plane into tiles that are narrow where posteriors lie.

    Together they reach six standard deviations beyond the prior's mean and every posterior's.
    Within four of a posterior a tile is at most `WIDTH` of its standard deviations wide, elsewhere
    `COARSE` times as much of the median's (or of the prior's, if smaller), and at least a
    `MOST_COARSE`-th of the whole.

    Args:
        mean: μ of the images to integrate, shape (B, 2).
        log_variance: ln σ², shape (B, 2).

    Raises:
        ValueError: If the codes have not two dimensions, or need more tiles than
            `MAX_POINTS` allows.

    Example:
        >>> tiles = graded_tiles(torch.zeros(5, 2), torch.zeros(5, 2))
        >>> tiles.width.unique().tolist(), len(tiles.corner)
        ([3.0], 16)
    """
    if mean.shape[1] != 2:
        raise ValueError(f"codes must have 2 dimensions to be integrated, got {mean.shape[1]}")
    mean, deviation = mean.double().cpu(), torch.exp(0.5 * log_variance.double().cpu())
    low = (mean - REACH * deviation).amin(0).clamp_max(-REACH)
    high = (mean + REACH * deviation).amax(0).clamp_min(REACH)
    width = COARSE * WIDTH * deviation.median(0).values.clamp_max(1.0)
    width = torch.maximum(width, (high - low) / MOST_COARSE)
    counts = torch.ceil((high - low) / width).long()
    _check(int(counts.prod()))
    axes = [torch.arange(counts[j], dtype=torch.float64) * width[j] + low[j] for j in (0, 1)]
    corner = torch.cartesian_prod(*axes)
    tiles, done = Tiles(corner, width.expand_as(corner)), []
    while len(tiles.corner):
        is_wide = _is_wide(tiles, mean, deviation)
        done.append(tiles.where(~is_wide))
        tiles = tiles.where(is_wide).halved()
        _check(len(tiles.corner) + sum(len(one.corner) for one in done))
    return Tiles(*(torch.cat(part) for part in zip(*done, strict=True)))


def _check(count: int) -> None:
    most = MAX_POINTS // NODES**2
    if count > most:
        raise ValueError(
            f"the plane must need at most {most:,} tiles, got more: the codes are too sharp to be "
            "integrated, estimate instead"
        )


def _is_wide(tiles: Tiles, mean: Tensor, deviation: Tensor) -> Tensor:
    """Which tiles lie near a posterior that they are too wide for, shape (T,)."""
    found = torch.zeros(len(tiles.corner), dtype=torch.bool)
    for m, s in zip(mean, deviation, strict=True):
        gap = torch.maximum(tiles.corner - m, m - tiles.corner - tiles.width)
        found |= (gap < NEAR * s).all(1) & (tiles.width > WIDTH * s.clamp_max(1.0)).any(1)
    return found


def log_integral(
    log_density: LogDensity, tiles: Tiles, count: int = 1, tolerance: float = TOLERANCE
) -> PlaneIntegral:
    r"""Integrates B positive functions over tiles of the plane, halving them where the mass is.

    .. math:: \ln \int f_b(z) dz ≈ \ln \sum_t \sum_i w_{ti} f_b(z_{ti})

    Args:
        log_density: ln f_b at points (G, 2), shape (B, G); called with every point once.
        tiles: Where to start; they must be fine enough to see where the mass lies.
        count: B.
        tolerance: Nats by which halving may change a result before it is good enough.

    Returns:
        Nats, float64. `error` is the sum of what halving last changed in every tile, and of the
        mass of the tiles that were too empty to be halved: the result itself is far nearer.

    Numerics:
        Gauss–Legendre nodes make each tile exact for polynomials of degree 7, whatever the width
        of its neighbours: tiles of any width may lie side by side.

    Example:
        >>> normal = lambda z: -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)[None]
        >>> found = log_integral(normal, graded_tiles(torch.zeros(1, 2), torch.zeros(1, 2)))
        >>> abs(found.log_value.item()) < found.error.item() < 1e-3
        True
    """
    return _Halving(log_density, tiles, count, tolerance).run()


class _Halving:
    """The tiles still open with their masses (B, T), and the sum of those that are settled."""

    def __init__(self, log_density: LogDensity, tiles: Tiles, count: int, tolerance: float) -> None:
        self.log_density, self.tiles = log_density, tiles
        self.limit = math.log(_PART * tolerance)
        self.points, self.count = 0, count
        self.mass = self.masses(tiles)
        self.value = torch.full((count,), -math.inf, dtype=torch.float64)
        self.error = self.value.clone()
        self.low = torch.full((count, 2), math.inf, dtype=torch.float64)
        self.high = -self.low

    def run(self) -> PlaneIntegral:
        while len(self.tiles.corner):
            self.leave_empty()
            if self.points + 4 * NODES**2 * len(self.tiles.corner) > MAX_POINTS:
                self.settle(torch.ones(len(self.tiles.corner), dtype=torch.bool), self.mass)
                break
            self.halve()
        error = torch.exp(self.error - self.value)
        return PlaneIntegral(self.value, error, self.low, self.high)

    def total(self, mass: Tensor) -> Tensor:
        """ln of all mass, that of the open tiles given, shape (B, 1)."""
        return torch.logaddexp(self.value, mass.logsumexp(1))[:, None]

    def leave_empty(self) -> None:
        """Settles tiles that hold next to nothing of any density."""
        is_empty = (self.mass - self.total(self.mass) < self.limit + math.log(_EMPTY)).all(0)
        self.settle(is_empty, self.mass)

    def halve(self) -> None:
        """Halves the open tiles; those that this hardly changed are settled."""
        children = self.tiles.halved()
        fine = self.masses(children).unflatten(1, (-1, 4))
        mass = fine.logsumexp(2)
        change = _log_difference(mass, self.mass)
        total = self.total(mass)
        is_done = (change - total < self.limit).all(0)
        self.bound(fine.flatten(1) - total, children)
        self.settle(is_done, mass, change)
        self.tiles = children.where((~is_done).repeat_interleave(4))
        self.mass = fine[:, ~is_done].flatten(1)

    def settle(self, mask: Tensor, mass: Tensor, change: Tensor | None = None) -> None:
        """Moves tiles to the sum; without a known change, their whole mass is its error."""
        change = mass if change is None else change
        self.value = torch.logaddexp(self.value, mass[:, mask].logsumexp(1))
        self.error = torch.logaddexp(self.error, change[:, mask].logsumexp(1))
        self.tiles, self.mass = self.tiles.where(~mask), mass[:, ~mask]

    def bound(self, share: Tensor, tiles: Tiles) -> None:
        """Widens the rectangles by the tiles that hold mass."""
        holds = (share > math.log(_OUTSIDE))[..., None]
        corner, end = tiles.corner, tiles.corner + tiles.width
        self.low = torch.minimum(self.low, torch.where(holds, corner, math.inf).amin(1))
        self.high = torch.maximum(self.high, torch.where(holds, end, -math.inf).amax(1))

    def masses(self, tiles: Tiles) -> Tensor:
        """ln of the mass in every tile, shape (B, T)."""
        self.points += len(tiles.corner) * NODES**2
        found = [self._masses(*part) for part in zip(*map(self._split, tiles), strict=True)]
        return torch.cat(found, 1)

    def _split(self, values: Tensor) -> tuple[Tensor, ...]:
        points = max(1, min(4096, NUMBERS_AT_ONCE // self.count))
        return values.split(max(1, points // NODES**2))

    def _masses(self, corner: Tensor, width: Tensor) -> Tensor:
        places, weights = _nodes()
        points = (corner[:, None] + places * width[:, None]).flatten(0, 1)
        values = self.log_density(points).double().cpu().unflatten(1, (-1, len(places)))
        return (values + weights).logsumexp(2) + width.log().sum(1)


def _nodes() -> tuple[Tensor, Tensor]:
    """Gauss–Legendre nodes of the unit square, shape (n², 2), and the logarithms of weights."""
    node, weight = map(torch.from_numpy, np.polynomial.legendre.leggauss(NODES))
    places = torch.cartesian_prod(*[0.5 + 0.5 * node] * 2)
    return places, torch.outer(0.5 * weight, 0.5 * weight).log().flatten()


def _log_difference(first: Tensor, second: Tensor) -> Tensor:
    """ln |e^first - e^second|."""
    larger = torch.maximum(first, second)
    gap = (first - second).abs().nan_to_num(0.0)  # of two that are -inf
    return larger + torch.log(-torch.expm1(-gap))
