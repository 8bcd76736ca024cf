"""What training minimises: distortion plus a weight times the rate, in nats per image.

The two terms are computed once per image and reduced once. The weight (β, warm-up) is for the
gradient only; a reported ELBO is always D + R with weight 1.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.config import ObjectiveConfig
from models.distributions import gaussian_kl, reparameterize


class LatentModel(Protocol):
    """What trainer and metrics ask of a model."""

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
    r"""One-sample estimate of the terms of -ELBO, for every image.

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
        >>> from models.vae import VAE
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


def kl_weight(step: int, objective: ObjectiveConfig) -> float:
    r"""The weight of the rate at a step: β · min(1, t / T).

    Args:
        step: t, counted from 1.
        objective: β and the warm-up length T in steps (0: none).

    Returns:
        The weight, between 0 and β.

    Source:
        Bowman et al., Generating Sentences from a Continuous Space, 2016, arXiv:1511.06349.

    Example:
        >>> kl_weight(5, ObjectiveConfig(beta=4.0, kl_warmup_steps=10))
        2.0
    """
    return objective.beta * min(1.0, step / max(1, objective.kl_warmup_steps))


def beta_loss(distortion: Tensor, rate: Tensor, weight: float) -> Tensor:
    r"""The training loss: mean over images of D + weight · Σ_j R_j.

    Args:
        distortion: D, shape (B,).
        rate: R_j, shape (B, Z).
        weight: The KL weight of this step.

    Returns:
        A scalar, in weighted nats per image. With weight 1 it is -ELBO.

    Source:
        Higgins et al., beta-VAE, ICLR 2017, equation 4.

    Example:
        >>> beta_loss(torch.tensor([3.0]), torch.tensor([[1.0, 2.0]]), weight=2.0)
        tensor(9.)
    """
    return distortion.mean() + weight * rate.sum(1).mean()
