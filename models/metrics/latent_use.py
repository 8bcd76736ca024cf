"""What each latent costs, what it is worth, and whether the decoder reads it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.metrics.collapse import ACTIVE_KL, ACTIVE_VARIANCE
from models.metrics.statistics import Estimate, estimate
from models.objectives.distributions import gaussian_kl, reparameterize

REACH = 3.0
"""Prior standard deviations to both sides between which a latent is moved."""
PROBES = 100
"""Images whose codes are moved."""
GREY_LEVEL = 1 / 255
"""A response below it cannot be seen on any screen."""


class LatentUse(NamedTuple):
    """One latent of a model.

    Attributes:
        rate: KL(q(z_j|x) ‖ N(0, 1)), nats per image.
        variance: Var_x(μ_j), in squared standard deviations of the prior.
        worth: Nats by which D of an image rises if z_j is drawn from the prior instead.
        response: The largest change of any pixel as z_j goes from −3 to 3, the other latents as
            they are for an image; 1 is from black to white.
    """

    rate: Estimate
    variance: Estimate
    worth: Estimate
    response: float

    @property
    def is_active(self) -> bool:
        """Whether it costs nats and its mean varies, as `models.metrics.collapse` counts."""
        return self.rate.mean > ACTIVE_KL and self.variance.mean > ACTIVE_VARIANCE

    @property
    def is_read(self) -> bool:
        """Whether the decoder's images depend on it, by a grey level at least."""
        return self.response >= GREY_LEVEL


@torch.no_grad()
def latent_use(model, images: Tensor, seed: int = 0, batch_size: int = 256) -> list[LatentUse]:
    r"""Measures every latent of a model with a posterior.

    .. math:: worth_j = E\left[\ln p(x|z) - \ln p(x|z_1, …, ε_j, …, z_Z)\right], \quad
        z ∼ q(z|x),\ ε_j ∼ N(0, 1)

    Where D + βR is minimised, a latent's worth is at least β times its rate: with less it would be
    cheaper to give it up.

    Args:
        model: Anything with `encode`, `decode` and `log_likelihood`; set to evaluation mode.
        images: x in [0, 1], shape (N, C, H, W), N ≥ 2.
        seed: Of z and ε.
        batch_size: Images per pass.

    Returns:
        Z of them, errors over the images.

    Source:
        Active units: Burda et al., 2016, arXiv:1509.00519, section 5.2.

    Example:
        >>> from models.config import ModelConfig
        >>> from models.families.registry import build_model
        >>> found = latent_use(build_model(ModelConfig()), torch.rand(8, 1, 28, 28))
        >>> len(found), found[0].rate.mean >= 0
        (2, True)
    """
    generator = torch.Generator().manual_seed(seed)
    means, rates, worths = [], [], []
    for batch in images.split(batch_size):
        mean, log_variance = model.encode(batch)
        noise = torch.randn(2, *mean.shape, generator=generator).to(mean)
        z = reparameterize(mean, log_variance, noise[0])
        known = model.log_likelihood(batch, z).cpu().double()
        without = [
            model.log_likelihood(batch, _replaced(z, j, noise[1][:, j])).cpu().double()
            for j in range(mean.shape[1])
        ]
        mean, log_variance = mean.cpu().double(), log_variance.cpu().double()
        means.append(mean)
        rates.append(gaussian_kl(mean, log_variance))
        worths.append(known[:, None] - torch.stack(without, 1))
    mean, rate, worth = map(torch.cat, (means, rates, worths))
    moved = (mean - mean.mean(0)).square()
    spread = len(mean) / (len(mean) - 1)  # of an unbiased variance
    probes = mean[:PROBES].float().to(images.device)
    return [
        LatentUse(
            estimate(rate[:, j]),
            estimate(moved[:, j] * spread),
            estimate(worth[:, j]),
            _response(model, probes, j),
        )
        for j in range(mean.shape[1])
    ]


def _response(model, z: Tensor, latent: int) -> float:
    """The largest change of a pixel as one latent is moved."""
    places = (-REACH, 0.0, REACH)
    decoded = [model.decode(_replaced(z, latent, torch.full_like(z[:, 0], at))) for at in places]
    shown = torch.stack(decoded)
    return (shown.amax(0) - shown.amin(0)).max().item()


def _replaced(z: Tensor, latent: int, values: Tensor) -> Tensor:
    """The codes with another value of one latent."""
    changed = z.clone()
    changed[:, latent] = values
    return changed
