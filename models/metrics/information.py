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
    """The parts of the rate, each with its standard error (0 where it is exact), in nats.

    `mutual_information` I(x; z), between 0 and `ceiling` = ln N. `aggregate_kl` KL(q(z) ‖ p),
    `total_correlation` and `kl_per_dimension` (Z of them) are never negative. `holes` is no
    nats but a probability: a sample of the prior falls where q(z) < `HOLE` · p(z).

    All are facts about these N codes. Where I comes near ln N, the codes hardly overlap: more
    images would raise it, lower `aggregate_kl` as much, and close holes.
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
        self.aggregate = self.log_aggregate(self.z)
        prior = normal_log_prob(self.z, 0.0, 0.0).sum(1)
        rate = self.rate.sum(1).repeat(samples)
        self.controls = torch.stack([self.own - prior - rate, rate - rate.mean()], 1)

    def _noise(self, count: int) -> Tensor:
        shape = (count, self.mean.shape[1])
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def log_aggregate(self, z: Tensor) -> Tensor:
        """ln q(z) of any codes, shape (M,): the square multiplied out, one matrix product."""
        precision = torch.exp(-self.log_variance)
        scaled = self.mean * precision
        constant = -0.5 * (self.mean * scaled + self.log_variance + LOG_2PI).sum(1)
        factors = torch.cat([-0.5 * precision, scaled], 1).T  # (2Z, N)
        rows = [
            torch.addmm(constant, torch.cat([part.square(), part], 1), factors).logsumexp(1)
            for part in z.split(max(1, PAIRS // len(self.mean)))
        ]
        return torch.cat(rows) - math.log(len(self.mean))

    def log_marginals(self) -> Tensor:
        """ln q(z_j) of the draws, shape (M, Z).

        No maximum is taken out of the sum: a draw's own posterior alone keeps it off zero.
        """
        scale = torch.exp(-0.5 * self.log_variance) * math.sqrt(0.5)  # (N, Z)
        weight = scale / (math.sqrt(math.pi) * len(self.mean))
        found = torch.empty_like(self.z)
        rows = max(1, PAIRS // len(self.mean))
        for j in range(self.z.shape[1]):
            shift, slope = -self.mean[:, j] * scale[:, j], scale[:, j]
            for start in range(0, len(self.z), rows):
                part = self.z[start : start + rows, j, None]
                terms = torch.addcmul(shift, part, slope).square_().neg_().exp_()
                found[start : start + rows, j] = terms @ weight[:, j]
        return found.log_()

    def mutual_information(self) -> Estimate:
        value, error = self.average(self.own - self.aggregate)
        most = min(math.log(len(self.mean)), self.rate.sum(1).mean().item())
        return Estimate(min(max(value.item(), 0.0), most), error.item())

    def holes(self) -> Estimate:
        """The share of as many samples of the prior that fall where q(z) < HOLE · p(z)."""
        z = self._noise(len(self.z))
        threshold = normal_log_prob(z, 0.0, 0.0).sum(1) + math.log(HOLE)
        share = (self.log_aggregate(z) < threshold).double().mean().item()
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
