"""Information in the codes, estimated: I(x;z), KL(q(z)‖p), total correlation, holes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.statistics import Estimate
from models.objectives.distributions import LOG_2PI, gaussian_kl, normal_log_prob

HOLE = 0.1
"""A hole is where q(z) < HOLE · p(z): codes are ten times rarer there than samples of the prior."""
PAIRS = 2**18
"""Pairs of codes whose densities are computed at once, which bounds the memory."""
_TINY = torch.finfo(torch.float64).tiny


class Information(NamedTuple):
    """The parts of the rate of N codes, each with its error, in nats.

    The error is the standard error of draws, or that of the quadrature.

    `mutual_information` I(x; z), between 0 and `ceiling` = ln N. `aggregate_kl` KL(q(z) ‖ p),
    `total_correlation` and `kl_per_dimension` (Z of them) are never negative. `holes` is no
    nats but a probability: a sample of the prior falls where q(z) < `HOLE` · p(z).

    All are facts about these N codes. Where I comes near ln N, the codes hardly overlap: more
    images would raise it, lower `aggregate_kl` as much, and close holes. What they say of the
    model is bounded in `models.metrics.population`.
    """

    mutual_information: Estimate
    aggregate_kl: Estimate
    total_correlation: Estimate
    kl_per_dimension: list[Estimate]
    holes: Estimate
    ceiling: float


def mutual_information(
    mean: Tensor, log_variance: Tensor, samples: int = 1, seed: int = 0
) -> Estimate:
    r"""Estimates I(x; z), all codes against all: how well a code identifies its image.

    .. math:: I = E_{n, z ~ q(z|x_n)}\left[\ln \frac{q(z|x_n)}{q(z)}\right]

    Args:
        mean: μ, shape (N, Z).
        log_variance: ln σ², shape (N, Z).
        samples: Draws of z for every image; `samples` · N must be at least 3.
        seed: Of the draws.

    Returns:
        Nats, within 0 ≤ I ≤ min(ln N, mean KL), with the standard error of the draws.

    Raises:
        ValueError: If there are fewer than three draws.

    Example:
        >>> mean = torch.tensor([[-50.0], [50.0], [0.0]])
        >>> mutual_information(mean, torch.zeros(3, 1)).mean == math.log(3)
        True
    """
    return _Draws(mean, log_variance, samples, seed).mutual_information()


def information(mean: Tensor, log_variance: Tensor, samples: int = 1, seed: int = 0) -> Information:
    r"""Estimates the parts of the rate of codes of any dimension, all against all.

    .. math:: TC = E_{q(z)}\left[\ln \frac{q(z)}{\prod_j q(z_j)}\right], \qquad
        q(z) = \frac1N \sum_n q(z|x_n)

    The densities are exact; the expectations are means over z ~ q(z|x_n). Estimates outside
    their bounds are moved onto them, so that I + KL(q ‖ p) = mean KL, KL(q ‖ p) = TC + Σ KL_j,
    0 ≤ I ≤ ln N and no part below 0 hold exactly. The standard errors are those of the draws,
    with the images given, and rather too large than too small.

    Args:
        mean: μ, shape (N, Z).
        log_variance: ln σ², shape (N, Z).
        samples: Draws of z for every image; `samples` · N must be at least 3.
        seed: Of the draws.

    Returns:
        Every part with its standard error.

    Raises:
        ValueError: If there are fewer than three draws.

    Numerics:
        ln q(z|x) - ln p(z) - KL(q(z|x) ‖ p) has mean zero under q(z|x) and knows how a draw's
        luck enters the parts: it is regressed out of each, as a control variate. So is
        KL(q(z|x) ‖ p) itself, whose mean over the images is known.

    Source:
        Hoffman & Johnson, ELBO surgery, 2016; Chen et al., 2018, arXiv:1802.04942, equation 2.

    Example:
        >>> parts = information(torch.zeros(100, 3), torch.zeros(100, 3))
        >>> parts.mutual_information.mean, parts.total_correlation.mean
        (0.0, 0.0)
    """
    draws = _Draws(mean, log_variance, samples, seed)
    told, rate = draws.mutual_information(), draws.rate.mean(0)
    marginals, prior = draws.log_marginals(), normal_log_prob(draws.z, 0.0, 0.0)
    _, error = draws.average(draws.aggregate - prior.sum(1))
    _, error_together = draws.average(draws.aggregate - marginals.sum(1))
    parts, errors = draws.average(marginals - prior)
    total = max(rate.sum().item() - told.mean, 0.0)
    parts = torch.minimum(parts.clamp_min(0.0), rate)
    parts *= min(1.0, total / max(parts.sum().item(), _TINY))
    together = max(total - parts.sum().item(), 0.0)
    return Information(
        mutual_information=told,
        aggregate_kl=Estimate(total, error.item()),
        total_correlation=Estimate(together, error_together.item()),
        kl_per_dimension=list(map(Estimate, parts.tolist(), errors.tolist())),
        holes=draws.holes(),
        ceiling=math.log(len(mean)),
    )


def log_mixture(
    z: Tensor, mean: Tensor, log_variance: Tensor, source: Tensor | None = None
) -> Tensor:
    r"""Computes the density of a mixture of diagonal Gaussians, such as q(z).

    .. math:: \ln \frac1N \sum_n N(z; μ_n, σ_n^2), \qquad
        \text{or} \quad \ln \frac1{N-1} \sum_{m ≠ n} N(z; μ_m, σ_m^2)

    Args:
        z: Where, shape (M, Z), float64.
        mean: μ, shape (N, Z), float64.
        log_variance: ln σ², shape (N, Z).
        source: For every z the n that is left out, shape (M,).

    Returns:
        Nats, shape (M,).

    Numerics:
        The square is multiplied out, so that all pairs are one matrix product.

    Example:
        >>> z, mean = torch.zeros(1, 1).double(), torch.tensor([[0.0], [50.0]]).double()
        >>> log_mixture(z, mean, torch.zeros(2, 1).double(), torch.tensor([0])).round().item()
        -1251.0
    """
    precision = torch.exp(-log_variance)
    scaled = mean * precision
    constant = -0.5 * (mean * scaled + log_variance + LOG_2PI).sum(1)
    factors = torch.cat([-0.5 * precision, scaled], 1).T  # (2Z, N)
    rows, at_once = [], max(1, PAIRS // len(mean))
    for start in range(0, len(z), at_once):
        part = z[start : start + at_once]
        terms = torch.addmm(constant, torch.cat([part.square(), part], 1), factors)
        if source is not None:
            terms.scatter_(1, source[start : start + at_once, None], -torch.inf)
        rows.append(terms.logsumexp(1))
    return torch.cat(rows) - math.log(len(mean) - (source is not None))


def log_mixture_per_latent(
    z: Tensor, mean: Tensor, log_variance: Tensor, source: Tensor | None = None
) -> Tensor:
    r"""Computes the marginal densities of a mixture of diagonal Gaussians, such as q(z_j).

    Args:
        z: Where, shape (M, Z), float64.
        mean: μ, shape (N, Z), float64.
        log_variance: ln σ², shape (N, Z).
        source: For every z the n that is left out, shape (M,).

    Returns:
        Nats, shape (M, Z).

    Numerics:
        No maximum is taken out of the sum: with nothing left out, a draw's own posterior keeps it
        off zero; without it, a draw that is far from all others has -inf.

    Example:
        >>> z, mean = torch.zeros(1, 2).double(), torch.zeros(3, 2).double()
        >>> (log_mixture_per_latent(z, mean, mean) + 0.5 * LOG_2PI).abs().max().item() < 1e-12
        True
    """
    scale = torch.exp(-0.5 * log_variance) * math.sqrt(0.5)  # (N, Z)
    weight = torch.exp(-0.5 * (log_variance + LOG_2PI)) / (len(mean) - (source is not None))
    found, at_once = torch.empty_like(z), max(1, PAIRS // len(mean))
    for j in range(z.shape[1]):
        shift, slope = -mean[:, j] * scale[:, j], scale[:, j]
        for start in range(0, len(z), at_once):
            part = z[start : start + at_once, j, None]
            terms = torch.addcmul(shift, part, slope).square_().neg_().exp_()
            if source is not None:
                terms.scatter_(1, source[start : start + at_once, None], 0.0)
            found[start : start + at_once, j] = terms @ weight[:, j]
    return found.log_()


class _Draws:
    """Samples z of every posterior, shape (M, Z), with ln q(z) of each, and the controls."""

    def __init__(self, mean: Tensor, log_variance: Tensor, samples: int, seed: int) -> None:
        count = samples * len(mean)
        if count < 3:
            raise ValueError(f"codes times samples must be at least 3, got {count}")
        self.mean, self.log_variance = mean.double().cpu(), log_variance.double().cpu()
        self.generator = torch.Generator().manual_seed(seed)
        self.rate = gaussian_kl(self.mean, self.log_variance)
        m, v = self.mean.repeat(samples, 1), self.log_variance.repeat(samples, 1)
        self.z = m + torch.exp(0.5 * v) * self._noise(count)
        self.own = normal_log_prob(self.z, m, v).sum(1)
        self.aggregate = log_mixture(self.z, self.mean, self.log_variance)
        prior = normal_log_prob(self.z, 0.0, 0.0).sum(1)
        rate = self.rate.sum(1).repeat(samples)
        self.controls = torch.stack([self.own - prior - rate, rate - rate.mean()], 1)

    def _noise(self, count: int) -> Tensor:
        shape = (count, self.mean.shape[1])
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def log_marginals(self) -> Tensor:
        """ln q(z_j) of the draws, shape (M, Z)."""
        return log_mixture_per_latent(self.z, self.mean, self.log_variance)

    def mutual_information(self) -> Estimate:
        value, error = self.average(self.own - self.aggregate)
        most = min(math.log(len(self.mean)), self.rate.sum(1).mean().item())
        return Estimate(min(max(value.item(), 0.0), most), error.item())

    def holes(self) -> Estimate:
        """The share of as many samples of the prior that fall where q(z) < HOLE · p(z)."""
        z = self._noise(len(self.z))
        threshold = normal_log_prob(z, 0.0, 0.0).sum(1) + math.log(HOLE)
        share = (log_mixture(z, self.mean, self.log_variance) < threshold).double().mean().item()
        return Estimate(share, math.sqrt(share * (1 - share) / len(z)))

    def average(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard error over the draws, what the controls explain left out.

        The controls' own means are known to be zero, so leaving them out moves no expectation;
        and the mean is linear in `values`, so that identities between values pass on to means.
        """
        spread = self.controls - self.controls.mean(0)
        slopes = torch.linalg.pinv(spread) @ values
        rest = values - self.controls @ slopes
        return rest.mean(0), rest.std(0) / math.sqrt(len(values))
