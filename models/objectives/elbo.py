"""The terms of the negative ELBO: distortion D and rate R of every image, in nats.

They are not weighted: what a training step makes of them is in `models.objectives.schedules`, and
a reported ELBO is always D + R with weight 1.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.objectives.distributions import gaussian_kl, reparameterize


class LatentModel(Protocol):
    """What the ELBO and the metrics ask of a model with codes."""

    latent_dim: int

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor | None]: ...

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor: ...


class Terms(NamedTuple):
    """The terms of -ELBO per image, and the posterior they come from.

    `distortion` (B,) and `rate` (B, Z) in nats; `mean` and `log_variance` (B, Z) of q(z|x), the
    latter None for an autoencoder.
    """

    distortion: Tensor
    rate: Tensor
    mean: Tensor
    log_variance: Tensor | None


def elbo_terms(model: LatentModel, images: Tensor, noise: Tensor) -> Terms:
    r"""Estimates the terms of -ELBO by one sample, for every image.

    .. math:: D = -\ln p(x | μ + σε), \qquad R_j = KL(q(z_j|x) ‖ N(0, 1))

    Not reduced, not weighted. An autoencoder has z = f(x) and R = 0.

    Args:
        model: Anything with `encode` and `log_likelihood`.
        images: x in [0, 1], shape (B, C, H, W).
        noise: ε ~ N(0, I), shape (B, Z).

    Returns:
        Distortion (B,), rate per dimension (B, Z) in nats, and the posterior.

    Source:
        Kingma & Welling, 2014, arXiv:1312.6114, equation 10; D and R as in Alemi et al.,
        Fixing a Broken ELBO, 2018, arXiv:1711.00464.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.vae import VAE
        >>> terms = elbo_terms(VAE(ModelConfig()), torch.zeros(3, 1, 28, 28), torch.zeros(3, 2))
        >>> tuple(terms.distortion.shape), tuple(terms.rate.shape)
        ((3,), (3, 2))
    """
    mean, log_variance = model.encode(images)
    if log_variance is None:
        return Terms(-model.log_likelihood(images, mean), torch.zeros_like(mean), mean, None)
    z = reparameterize(mean, log_variance, noise)
    rate = gaussian_kl(mean, log_variance)
    return Terms(-model.log_likelihood(images, z), rate, mean, log_variance)
