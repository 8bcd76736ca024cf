r"""What the codes of N images say of the model they come from: bounds on the parts of the rate.

q_N(z) = (1/N) Σ q(z|x_n) is known exactly, but not the model's q(z) = E_x q(z|x). I(x; z) of N
codes is at most ln N, so that where codes hardly overlap the parts of the rate of q_N tell more of
N than of the model. Bounds from both sides say how much. With z ~ q(z|x_n),

.. math:: E\left[\ln \frac{q(z|x_n)}{q_N(z)}\right] ≤ I(x; z) ≤
    E\left[\ln \frac{q(z|x_n)}{g_{-n}(z)}\right]

for any density g that does not know x_n. The rest follows from KL(q ‖ p) = R − I and
TC = Σ_j I_j − I, where I_j is that of one latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.information import HOLE, log_mixture, log_mixture_per_latent
from models.metrics.statistics import Estimate, estimate
from models.objectives.distributions import gaussian_kl, normal_log_prob

DRAWS = 2048
"""Draws of z, and of the prior."""
WIDENED = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75)
"""How much the posteriors are widened to make a density g, in standard deviations of the means."""
ERRORS = 2.0
"""Standard errors by which every bound is moved outwards."""
_FOLDS = 10
_TAIL = 0.01
"""Share of a Gaussian in every g, so that no code is infinitely far from the others."""

_SHARES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.07)
"""Of the codes that A may hold: a set of a tenth or more bounds nothing."""
_UNSEEN = 3.0
"""Codes that may lie in a set where none of N was seen, at 95 %."""

Density = Callable[..., Tensor]
"""ln g at z (M, Z), for each without the code n it came from, if given: shape (M,)."""


class Bounds(NamedTuple):
    """Between which two values something lies."""

    low: float
    high: float


class Population(NamedTuple):
    """Bounds on the parts of the model's rate, in nats; `holes` is a share of the prior.

    `marginal_kl` is Σ_j KL(q(z_j) ‖ p(z_j)).
    """

    mutual_information: Bounds
    aggregate_kl: Bounds
    total_correlation: Bounds
    marginal_kl: Bounds
    holes: Bounds


def population_information(mean: Tensor, log_variance: Tensor, seed: int = 0) -> Population:
    r"""Bounds I(x;z), KL(q(z) ‖ p), TC and holes of the model whose codes of N images are given.

    Every bound holds in expectation over the images and is moved outwards by two standard errors.
    The lower one of I, and with it the upper ones of KL(q ‖ p) and TC, go no further than ln N
    allows.

    .. math:: \text{holes} ≥ p(A) - q(A) / 0.1 \quad \text{for any set } A

    Args:
        mean: μ, shape (N, Z), of images that are independent draws.
        log_variance: ln σ², shape (N, Z).
        seed: Of the draws.

    Returns:
        Bounds. The upper one of `holes` is the share of q_N: more codes close holes, though no
        theorem says so.

    Raises:
        ValueError: If there are fewer than 20 codes.

    Numerics:
        g is the best of these: a Gaussian fitted without the tenth of the codes in which x_n is;
        the other codes' posteriors, as they are or widened. A is where g is smallest beside p.

    Source:
        Poole et al., On Variational Bounds of Mutual Information, 2019, arXiv:1905.06922,
        section 2; McAllester & Stratos, Formal Limitations on the Measurement of Mutual
        Information, 2020, arXiv:1811.04251 (why ln N binds).

    Example:
        >>> mean, log_variance = torch.randn(500, 1), torch.full((500, 1), -6.0)
        >>> low, high = population_information(mean, log_variance).mutual_information
        >>> low < 0.5 * math.log1p(math.exp(6.0)) < high < low + 0.5
        True
    """
    if len(mean) < 2 * _FOLDS:
        raise ValueError(f"codes must be at least {2 * _FOLDS}, got {len(mean)}")
    draws = _Draws(mean.double().cpu(), log_variance.double().cpu(), seed)
    rate = estimate(gaussian_kl(draws.mean, draws.log_variance).sum(1))
    least, most, density = draws.information()
    least_each, most_each = draws.information_per_latent()
    told = _between(least, most)
    return Population(
        mutual_information=told._replace(high=min(told.high, _upper(rate))),
        aggregate_kl=_between(_minus(rate, most), _minus(rate, least)),
        total_correlation=_between(_minus(least_each, most), _minus(most_each, least)),
        marginal_kl=_between(_minus(rate, most_each), _minus(rate, least_each)),
        holes=draws.holes(density),
    )


class _Draws:
    """Draws z ~ q(z|x_n), shape (M, Z), and the n of each, shape (M,); as many of the prior."""

    def __init__(self, mean: Tensor, log_variance: Tensor, seed: int) -> None:
        self.mean, self.log_variance = mean, log_variance
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(mean), generator=generator)
        self.repeats = max(1, DRAWS // len(mean))
        self.source = order[:DRAWS].repeat(self.repeats)
        m, v = mean[self.source], log_variance[self.source]
        noise = torch.randn(2, *m.shape, generator=generator, dtype=torch.float64)
        self.z, self.of_prior = m + torch.exp(0.5 * v) * noise[0], noise[1]
        self.own = normal_log_prob(self.z, m, v)
        self.gaussian = _Gaussians(mean, log_variance, order)

    def estimate(self, values: Tensor) -> Estimate:
        """Mean over the draws, error over the images they come from."""
        return estimate(values.unflatten(0, (self.repeats, -1)).mean(0))

    def information(self) -> tuple[Estimate, Estimate, Density]:
        """Both bounds of I, and the density g of the upper one."""
        own, others = self.own.sum(1), self.kernels(0.0)
        least = self.estimate(own - self.with_own(others(self.z, self.source), own))
        densities = [self.gaussian.log_prob, *(self.blend(self.kernels(h)) for h in WIDENED)]
        bounds = [self.estimate(own - density(self.z, self.source)) for density in densities]
        best = min(range(len(bounds)), key=lambda i: bounds[i].mean)
        return least, bounds[best], densities[best]

    def information_per_latent(self) -> tuple[Estimate, Estimate]:
        """Both bounds of Σ_j I_j."""
        others = log_mixture_per_latent(self.z, self.mean, self.log_variance, self.source)
        gaussian = self.gaussian.log_prob_per_latent(self.z, self.source)
        least = (self.own - self.with_own(others, self.own)).sum(1)
        return self.estimate(least), self.estimate((self.own - _blended(others, gaussian)).sum(1))

    def with_own(self, others: Tensor, own: Tensor) -> Tensor:
        """ln q_N of a draw, from that without its own posterior."""
        count = len(self.mean)
        return torch.logaddexp(others + math.log(count - 1), own) - math.log(count)

    def kernels(self, widened: float) -> Density:
        """ln of the mixture of the other codes' posteriors, widened."""
        variance = (widened * self.mean.std(0)) ** 2
        log_variance = torch.log(torch.exp(self.log_variance) + variance)
        return lambda z, source=None: log_mixture(z, self.mean, log_variance, source)

    def blend(self, density: Density) -> Density:
        """Adds a little of the Gaussian."""
        return lambda z, source=None: _blended(
            density(z, source), self.gaussian.log_prob(z, source)
        )

    def holes(self, density: Density) -> Bounds:
        """The share of the prior where q is below `HOLE` · p."""
        prior = normal_log_prob(self.of_prior, 0.0, 0.0).sum(1)
        seen = (self.kernels(0.0)(self.of_prior) - prior < math.log(HOLE)).double()
        at_prior = density(self.of_prior) - prior
        at_codes = density(self.z, self.source) - normal_log_prob(self.z, 0.0, 0.0).sum(1)
        unseen = _UNSEEN / (HOLE * len(self.source.unique()))
        low = 0.0
        for threshold in at_codes.quantile(torch.tensor(_SHARES, dtype=torch.float64)):
            inside = (at_prior < threshold).double()
            missed = (at_codes < threshold).double() / HOLE
            low = max(low, _lower(_minus(estimate(inside), self.estimate(missed))) - unseen)
        return Bounds(low, min(1.0, _upper(estimate(seen))))


class _Gaussians:
    """A Gaussian for each tenth of the codes, with the moments of q(z) of all others."""

    def __init__(self, mean: Tensor, log_variance: Tensor, order: Tensor) -> None:
        self.fold = torch.empty(len(mean), dtype=torch.long)
        self.fold[order] = torch.arange(len(mean)) % _FOLDS
        fits = [_moments(mean, log_variance, self.fold != k) for k in range(_FOLDS)]
        self.mean, self.covariance = (torch.stack(part) for part in zip(*fits, strict=True))

    def log_prob(self, z: Tensor, source: Tensor | None = None) -> Tensor:
        """ln g_{-n}(z), shape (M,); without n, that of the first."""
        normal = torch.distributions.MultivariateNormal(self.mean, self.covariance)
        return normal.log_prob(z[:, None])[torch.arange(len(z)), self._folds(z, source)]

    def log_prob_per_latent(self, z: Tensor, source: Tensor) -> Tensor:
        """Those of its marginals, shape (M, Z)."""
        variance = self.covariance.diagonal(dim1=1, dim2=2)
        folds = self._folds(z, source)
        return normal_log_prob(z, self.mean[folds], variance[folds].log())

    def _folds(self, z: Tensor, source: Tensor | None) -> Tensor:
        return torch.zeros(len(z), dtype=torch.long) if source is None else self.fold[source]


def _moments(mean: Tensor, log_variance: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the mixture of some posteriors."""
    spread = torch.cov(mean[kept].T).reshape(mean.shape[1], -1)
    return mean[kept].mean(0), spread + torch.diag(torch.exp(log_variance[kept]).mean(0))


def _blended(density: Tensor, gaussian: Tensor) -> Tensor:
    return torch.logaddexp(density + math.log1p(-_TAIL), gaussian + math.log(_TAIL))


def _minus(first: Estimate, second: Estimate) -> Estimate:
    error = math.hypot(first.standard_error, second.standard_error)
    return Estimate(first.mean - second.mean, error)


def _lower(value: Estimate) -> float:
    return max(0.0, value.mean - ERRORS * value.standard_error)


def _upper(value: Estimate) -> float:
    return max(0.0, value.mean + ERRORS * value.standard_error)


def _between(low: Estimate, high: Estimate) -> Bounds:
    return Bounds(_lower(low), _upper(high))
