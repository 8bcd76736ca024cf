r"""The variational bound of a diffusion model, in nats per image, term by term.

.. math:: -\ln P(x_0) ≤ \underbrace{KL(q(x_T|x_0) ‖ N(0, I))}_{\text{prior}}
    + \sum_{t=2}^T \underbrace{KL(q(x_{t-1}|x_t, x_0) ‖ p(x_{t-1}|x_t))}_{\text{diffusion}}
    \underbrace{- \ln P(x_0|x_1)}_{\text{reconstruction}}

P is a probability of images whose pixels have L grey levels, so the bound is comparable with other
probabilities of the same levels, not with densities of grey values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from models.objectives.denoising import (
    add_noise,
    alpha_bars,
    guess_clean,
    level_log_prob,
    spread_times,
    step_weights,
)

BATCH = 500
"""Images that the network sees at once."""


class DiffusionTerms(NamedTuple):
    """The terms of the bound, in nats.

    Attributes:
        prior: Of every image, shape (N,).
        reconstruction: Of every image, shape (N,).
        times: t at which each image's diffusion was looked at, 2 … T, shape (K, N).
        diffusion: The term of that t alone, shape (K, N).
        noise_steps: T.
    """

    prior: Tensor
    reconstruction: Tensor
    times: Tensor
    diffusion: Tensor
    noise_steps: int

    def total(self) -> Tensor:
        """Estimates the bound of every image, unbiased, shape (N,)."""
        steps = (self.noise_steps - 1) * self.diffusion.mean(0)
        return self.prior + steps + self.reconstruction

    def by_time(self, bins: int = 20) -> tuple[Tensor, Tensor]:
        """Computes the mean term of a step in even ranges of t.

        Returns:
            The middle of every range that was looked at, and the nats of one step there.
        """
        width = (self.noise_steps - 1) / bins
        place = ((self.times - 2) / width).long().clamp_max(bins - 1).flatten()
        count = torch.bincount(place, minlength=bins)
        total = torch.bincount(place, self.diffusion.flatten(), minlength=bins)
        middle = 2 + width * (torch.arange(bins) + 0.5)
        return middle[count > 0], (total / count)[count > 0]


@torch.no_grad()
def diffusion_terms(
    guess: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    noise_steps: int,
    levels: int,
    generator: torch.Generator,
    draws: int = 1,
) -> DiffusionTerms:
    """Estimates the bound's terms of images: exact prior, one x_1, and a few t for the others.

    Args:
        guess: ε̂ of x_t (B, C, H, W) at t (B,).
        images: x in [0, 1], shape (N, C, H, W).
        noise_steps: T, at least 2.
        levels: Grey levels L of a pixel.
        generator: Of times and noise.
        draws: K, how many t each image is looked at; over all images they are evenly spread.

    Returns:
        Terms in nats, float64, on the CPU.

    Source:
        Ho, Jain & Abbeel, 2020, arXiv:2006.11239, equation 5; the weights: Kingma et al., 2021,
        arXiv:2107.00630, equation 13.

    Example:
        >>> blank = lambda noisy, times: torch.zeros_like(noisy)
        >>> terms = diffusion_terms(blank, torch.zeros(3, 1, 8, 8), 10, 2, torch.Generator())
        >>> terms.total().shape, terms.diffusion.shape
        (torch.Size([3]), torch.Size([1, 3]))
    """
    shares = alpha_bars(noise_steps)
    weights = step_weights(shares)
    pixels = 2 * images - 1

    def look(times: Tensor) -> Tensor:
        """x̂_0 at a t of each image's own, clipped as samplers clip it."""
        parts = []
        for x, t in zip(pixels.split(BATCH), times.split(BATCH), strict=True):
            share = shares.float().to(x.device)[t][:, None, None, None]
            noise = torch.randn(x.shape, generator=generator, device=x.device)
            noisy = add_noise(x, noise, share)
            parts.append(guess_clean(noisy, guess(noisy, t.float()), share).clamp(-1, 1))
        return torch.cat(parts)

    first = look(torch.ones(len(pixels), dtype=torch.long, device=pixels.device))
    sigma = float((1 - shares[1]).sqrt())
    reconstruction = -level_log_prob(pixels.cpu(), first.cpu(), sigma, levels)
    times = [spread_times(len(pixels), noise_steps - 1, generator) + 1 for _ in range(draws)]
    errors = [(look(t) - pixels).cpu().double().square().flatten(1).sum(1) for t in times]
    diffusion = [weights[t.cpu() - 2] * error for t, error in zip(times, errors, strict=True)]
    return DiffusionTerms(
        _prior(pixels.cpu().double(), float(shares[-1])),
        reconstruction,
        torch.stack(times).cpu(),
        torch.stack(diffusion),
        noise_steps,
    )


def _prior(pixels: Tensor, share: float) -> Tensor:
    """KL(q(x_T|x_0) ‖ N(0, I)) of every image, with ᾱ_T."""
    rest = 1 - share
    spread = rest - 1 - torch.log(torch.tensor(rest, dtype=torch.float64)).item()
    return 0.5 * (share * pixels.square() + spread).flatten(1).sum(1)
