r"""The weight β that a trained model's codes answer to, whatever its author wrote down.

Training on D + βR ends where no change of q(z|x) pays. Let every posterior be a little wider:
ln σ² + t instead of ln σ², for all latents and images. Then

.. math:: D'(0) + β R'(0) = 0 \quad ⇒ \quad β = -\frac{D'(0)}{R'(0)}

So the β behind a model shows in how D and R answer to wider posteriors: no training settings are
needed. Where the posterior is the prior, R'(0) is 0 and nothing can be told.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from models.metrics.statistics import Estimate
from models.objectives.distributions import gaussian_kl, reparameterize
from models.objectives.elbo import LatentModel

STEP = 0.1
"""By how much ln σ² is moved, up and down."""
LEAST_SLOPE = 0.05
"""Nats by which R must fall for each unit of ln σ²: with less, the codes tell nothing of β."""


@torch.no_grad()
def effective_beta(
    model: LatentModel, images: Tensor, draws: int = 4, seed: int = 0, batch_size: int = 256
) -> Estimate | None:
    r"""Measures the β at which a model's posteriors are as wide as they should be.

    .. math:: β = -\frac{\sum_n D_n(+t) - D_n(-t)}{\sum_n R_n(+t) - R_n(-t)}, \quad t = 0.1

    Of a Gaussian likelihood it is the β that belongs to the σ of `model`: training fixes only βσ².

    Args:
        model: Anything with `encode` and `log_likelihood`; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W), N ≥ 2.
        draws: Pairs ±ε for every image, at least 1.
        seed: Of ε.
        batch_size: Images per pass.

    Returns:
        β with its standard error over the images; None where the posteriors are so near to the
        prior that nothing can be told, or where the model has none.

    Numerics:
        The same ±ε on both sides, so that the noise of the draws cancels. The error is that of a
        ratio of means (delta method).

    Source:
        The stationary point of −ELBO with weight β: Higgins et al., β-VAE, ICLR 2017.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> found = effective_beta(build_model(ModelConfig()), torch.rand(8, 1, 28, 28))
        >>> found is None or found.standard_error > 0
        True
    """
    generator = torch.Generator().manual_seed(seed)
    gained, paid = [], []
    for batch in images.split(batch_size):
        mean, log_variance = model.encode(batch)
        if log_variance is None:
            return None
        wider, narrower = log_variance + STEP, log_variance - STEP
        noise = torch.randn(draws, *mean.shape, generator=generator).to(mean)
        noise = torch.cat([noise, -noise])
        change = [
            _log_likelihood(model, batch, mean, narrower, one)
            - _log_likelihood(model, batch, mean, wider, one)
            for one in noise
        ]
        gained.append(torch.stack(change).mean(0))
        rates = [
            gaussian_kl(mean.cpu().double(), v.cpu().double()).sum(1) for v in (narrower, wider)
        ]
        paid.append(rates[0] - rates[1])
    return _ratio(torch.cat(gained), torch.cat(paid))


def _log_likelihood(
    model: LatentModel, images: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor
) -> Tensor:
    """ln p(x|z) at one draw of z, float64, on the CPU."""
    return model.log_likelihood(images, reparameterize(mean, log_variance, noise)).cpu().double()


def _ratio(gained: Tensor, paid: Tensor) -> Estimate | None:
    """The ratio of two means over the images, with its standard error."""
    if not paid.mean().item() >= 2 * STEP * LEAST_SLOPE:
        return None
    beta = (gained.mean() / paid.mean()).item()
    spread = (gained - beta * paid).std().item()
    return Estimate(beta, spread / (math.sqrt(len(paid)) * paid.mean().item()))
