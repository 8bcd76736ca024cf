"""Has the posterior collapsed? The numbers, and one sentence that follows from them.

A latent has collapsed when its posterior is the prior for every image: it costs no rate and
tells nothing. A model has collapsed when all have, or when its decoder answers every code alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.metrics.information import mutual_information
from models.metrics.statistics import Estimate
from models.objectives.distributions import gaussian_kl

ACTIVE_VARIANCE = 0.01
"""A latent is active if its posterior mean varies over the images by more than this (Burda)."""

ACTIVE_KL = 0.01
"""… and if it costs more than this, in nats."""

IGNORED = 0.05
"""The decoder ignores z if decoded samples differ by less than this share of what images do."""


@dataclass(frozen=True)
class Diagnosis:
    """The evidence for posterior collapse, and the verdict.

    Attributes:
        kl_per_dimension: Mean KL(q(z_j|x) ‖ p(z_j)) over the images, nats, Z numbers.
        mean_variance: Var_x(μ_j), squared standard deviations of the prior, Z numbers.
        mutual_information: I(x; z) in nats, with standard error.
        ceiling: ln N, the most it could come out with these N images.
        decoded_distance: Mean distance per pixel of decoded prior samples from their mean image,
            in grey levels (1 = white).
        image_distance: The same of the data's images.

    Example:
        >>> Diagnosis([0.0, 1.2], [0.0, 0.9], Estimate(1.1, 0.1), 6.2, 0.1, 0.2).collapsed
        [True, False]
    """

    kl_per_dimension: list[float]
    mean_variance: list[float]
    mutual_information: Estimate
    ceiling: float
    decoded_distance: float
    image_distance: float

    @property
    def collapsed(self) -> list[bool]:
        """For every latent: its mean does not vary, or it costs nothing."""
        pairs = zip(self.kl_per_dimension, self.mean_variance, strict=True)
        return [kl <= ACTIVE_KL or variance <= ACTIVE_VARIANCE for kl, variance in pairs]

    @property
    def response(self) -> float:
        """How much decoded images differ, as a share of what the data's do; 0 for equal data."""
        return self.decoded_distance / self.image_distance if self.image_distance else 0.0

    @property
    def verdict(self) -> str:
        """`collapsed`, `k of Z latents collapsed` or `not collapsed`."""
        gone, count = sum(self.collapsed), len(self.collapsed)
        if gone == count or self.response < IGNORED:
            return "collapsed"
        return f"{gone} of {count} latents collapsed" if gone else "not collapsed"

    @property
    def sentence(self) -> str:
        """The verdict with the numbers it rests on."""
        count, active = len(self.collapsed), self.collapsed.count(False)
        noun = "latent is" if count == 1 else "latents are"
        return (
            f"{self.verdict[0].upper()}{self.verdict[1:]}: {active} of {count} {noun} active, "
            f"the rate is {sum(self.kl_per_dimension):.2f} nats, I(x; z) is "
            f"{self.mutual_information.mean:.2f} of at most {self.ceiling:.2f} nats, and decoded "
            f"prior samples differ by {self.response:.0%} of what the images do"
        )


@torch.no_grad()
def diagnose(
    mean: Tensor,
    log_variance: Tensor,
    decode: Callable[[Tensor], Tensor],
    images: Tensor,
    samples: int = 500,
    seed: int = 0,
) -> Diagnosis:
    r"""Looks for posterior collapse in the codes of a data set and in the decoder.

    .. math:: Δ = \frac1{\sqrt d} E\left[‖x - E[x]‖\right], \quad
        x = \hat x(z),\ z ∼ p(z) \quad\text{against the data's } x

    Args:
        mean: μ, shape (N, Z).
        log_variance: ln σ², shape (N, Z).
        decode: z (S, Z) → mean images E[x|z] (S, C, H, W).
        images: x in [0, 1], shape (N, C, H, W); the distance is taken over all of them.
        samples: S, samples of the prior to decode, at least 2.
        seed: Of those, and of the estimate of I(x; z).

    Returns:
        The numbers, from which the verdict follows.

    Raises:
        ValueError: If there are fewer than two samples or three images.

    Source:
        Active units: Burda et al., 2016, arXiv:1509.00519, section 5.2. Collapse as a
        posterior equal to the prior: Lucas et al., 2019, arXiv:1911.02469, section 2.

    Example:
        >>> mean, images = torch.zeros(4, 2), torch.rand(4, 1, 8, 8)
        >>> found = diagnose(mean, mean, lambda z: torch.zeros(len(z), 1, 8, 8), images)
        >>> found.verdict, found.response
        ('collapsed', 0.0)
    """
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")
    if len(mean) < 3:
        raise ValueError(f"images must be at least 3, got {len(mean)}")
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, mean.shape[1], generator=generator).to(images.device, mean.dtype)
    return Diagnosis(
        kl_per_dimension=gaussian_kl(mean.double(), log_variance.double()).mean(0).tolist(),
        mean_variance=mean.double().var(0).tolist(),
        mutual_information=mutual_information(mean, log_variance, seed=seed),
        ceiling=math.log(len(mean)),
        decoded_distance=distance_from_mean(decode(z)),
        image_distance=distance_from_mean(images),
    )


def distance_from_mean(images: Tensor) -> float:
    r"""Computes the mean distance of images from their own mean image, per pixel.

    .. math:: \frac1{N\sqrt d} \sum_n ‖x_n - \bar x‖

    Args:
        images: x, shape (N, C, H, W).

    Returns:
        Grey levels (1 = white); 0 if and only if all images are equal.

    Example:
        >>> distance_from_mean(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1))
        0.5
    """
    pixels = images.flatten(1).cpu().double()
    distance = (pixels - pixels.mean(0)).square().mean(1).sqrt()
    return distance.mean().item()
