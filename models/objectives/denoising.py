r"""Diffusion: an image turns into noise in T steps; a guess of the noise makes a step back.

.. math:: x_t = \sqrt{ᾱ_t}\, x_0 + \sqrt{1 - ᾱ_t}\, ε, \quad ε \sim N(0, I), \quad t = 1 … T

x_0 is an image with pixels from -1 to 1, ᾱ_t the share of its variance that is left after t steps,
and SNR_t = ᾱ_t / (1 - ᾱ_t) its signal-to-noise ratio. A model guesses ε from x_t and t. Nothing
here knows a network: these are functions of tensors, of images as of points of a plane.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from models.devices import finest

MARGIN = 0.008
"""Keeps both ends of the schedule off 0 and 1: after one step a little noise is there, after the
last a little of the image, too little to be seen."""


def alpha_bars(noise_steps: int) -> Tensor:
    r"""Computes ᾱ_t, the share of an image's variance that is left after t steps.

    .. math:: ᾱ_0 = 1, \qquad ᾱ_t = \cos^2 \left(\frac π2 \cdot \frac{t/T + s}{1 + 2s}\right)

    The cosine schedule, with the margin s = 0.008 at its end as at its start, so that ln SNR is
    finite everywhere: from 7.8 after the first of 200 steps to -8.8 after the last.

    Args:
        noise_steps: T, at least 1.

    Returns:
        float64, shape (T + 1,), falling strictly from 1.

    Raises:
        ValueError: If there is no step.

    Source:
        Nichol & Dhariwal, Improved DDPM, 2021, arXiv:2102.09672, equation 17.

    Example:
        >>> [round(share, 5) for share in alpha_bars(2).tolist()]
        [1.0, 0.5, 0.00015]
    """
    if noise_steps < 1:
        raise ValueError(f"noise_steps must be at least 1, got {noise_steps}")
    progress = torch.arange(noise_steps + 1, dtype=torch.float64) / noise_steps
    shares = torch.cos(math.pi / 2 * (progress + MARGIN) / (1 + 2 * MARGIN)).square()
    shares[0] = 1.0
    return shares


def signal_to_noise(shares: Tensor) -> Tensor:
    r"""Computes SNR = ᾱ / (1 - ᾱ), infinite where no noise is.

    Example:
        >>> signal_to_noise(torch.tensor([1.0, 0.5, 0.2]))
        tensor([   inf, 1.0000, 0.2500])
    """
    return shares / (1 - shares)


def add_noise(clean: Tensor, noise: Tensor, share: Tensor | float) -> Tensor:
    r"""Mixes images and noise: x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε.

    Args:
        clean: x_0, any shape.
        noise: ε ~ N(0, I), of the same shape.
        share: ᾱ_t, a number or a tensor that broadcasts with the images.

    Returns:
        Of the same shape; given x_0, its mean is √ᾱ_t x_0 and its variance 1 - ᾱ_t.

    Source:
        Ho, Jain & Abbeel, 2020, arXiv:2006.11239, equation 4.

    Example:
        >>> add_noise(torch.tensor([1.0]), torch.tensor([-1.0]), 0.64)
        tensor([0.2000])
    """
    share = torch.as_tensor(share, dtype=clean.dtype, device=clean.device)
    return share.sqrt() * clean + (1 - share).sqrt() * noise


def guess_clean(noisy: Tensor, noise: Tensor, share: Tensor | float) -> Tensor:
    r"""Removes the guessed noise: x̂_0 = (x_t - √(1 - ᾱ_t) ε̂) / √ᾱ_t.

    Args:
        noisy: x_t, any shape.
        noise: ε̂, of the same shape.
        share: ᾱ_t, above 0, a number or a tensor that broadcasts.

    Source:
        Ho, Jain & Abbeel, 2020, arXiv:2006.11239, equation 15.

    Example:
        >>> guess_clean(torch.tensor([0.2]), torch.tensor([-1.0]), 0.64)
        tensor([1.])
    """
    share = torch.as_tensor(share, dtype=noisy.dtype, device=noisy.device)
    return (noisy - (1 - share).sqrt() * noise) / share.sqrt()


def noise_between(clean: Tensor, noisy: Tensor, share: Tensor | float) -> Tensor:
    r"""Finds the noise that leads from an image to a noisy one: (x_t - √ᾱ_t x_0) / √(1 - ᾱ_t).

    Args:
        clean: x_0, any shape.
        noisy: x_t, of the same shape.
        share: ᾱ_t, below 1, a number or a tensor that broadcasts.

    Example:
        >>> noise_between(torch.tensor([1.0]), torch.tensor([0.2]), 0.64)
        tensor([-1.])
    """
    share = torch.as_tensor(share, dtype=noisy.dtype, device=noisy.device)
    return (noisy - share.sqrt() * clean) / (1 - share).sqrt()


def step_times(noise_steps: int, steps: int) -> list[int]:
    """Chooses the times that a sampler with fewer steps than T visits, evenly spread.

    Args:
        noise_steps: T.
        steps: How often the network is asked, 1 to T.

    Returns:
        Falling from T to 0, `steps` + 1 entries.

    Raises:
        ValueError: If there are no steps, or more than T.

    Example:
        >>> step_times(200, 5)
        [200, 160, 120, 80, 40, 0]
    """
    if not 1 <= steps <= noise_steps:
        raise ValueError(f"steps must be 1 to {noise_steps}, got {steps}")
    return [round(noise_steps * left / steps) for left in range(steps, -1, -1)]


def spread_times(count: int, noise_steps: int, generator: torch.Generator) -> Tensor:
    """Draws a time for each image of a batch: each uniform over 1 … T, together evenly spread.

    Args:
        count: How many.
        noise_steps: T.
        generator: Of the draw.

    Returns:
        Whole numbers, shape (count,), in no order.

    Source:
        Kingma et al., Variational Diffusion Models, 2021, arXiv:2107.00630, appendix I.1.

    Example:
        >>> times = spread_times(4, 200, torch.Generator().manual_seed(0))
        >>> (times - 1).div(50, rounding_mode="floor").sort().values
        tensor([0, 1, 2, 3])
    """
    device = generator.device
    start = torch.rand(1, generator=generator, device=device, dtype=finest(device))
    place = (torch.arange(count, device=device) + start) / count
    times = (place * noise_steps).long().clamp_max(noise_steps - 1) + 1
    return times[torch.randperm(count, generator=generator, device=device)]


def ddim_variance(share: float, next_share: float, eta: float) -> float:
    r"""Computes the variance of the fresh noise of a step from ᾱ_t to ᾱ_s.

    .. math:: σ^2 = η^2 \frac{1 - ᾱ_s}{1 - ᾱ_t} \left(1 - \frac{ᾱ_t}{ᾱ_s}\right)

    With η = 1 and s = t - 1 it is that of DDPM's ancestral sampler, β̃_t; with η = 0 no step has
    fresh noise. Towards more noise (ᾱ_s < ᾱ_t) it is 0.

    Source:
        Song, Meng & Ermon, DDIM, 2021, arXiv:2010.02502, equation 16.

    Example:
        >>> round(ddim_variance(0.5, 0.8, 1.0), 4), ddim_variance(0.5, 0.8, 0.0)
        (0.15, 0.0)
    """
    if next_share < share:
        return 0.0
    return eta**2 * (1 - next_share) / (1 - share) * (1 - share / next_share)


def ddim_step(
    noisy: Tensor,
    noise: Tensor,
    share: float,
    next_share: float,
    eta: float = 0.0,
    fresh: Tensor | None = None,
) -> Tensor:
    r"""Makes a step of DDIM from ᾱ_t to ᾱ_s, towards less noise or more.

    .. math:: x_s = \sqrt{ᾱ_s}\, x̂_0 + \sqrt{1 - ᾱ_s - σ^2}\, ε̂ + σ ε

    Args:
        noisy: x_t, any shape.
        noise: ε̂ of the model at x_t, of the same shape.
        share: ᾱ_t.
        next_share: ᾱ_s.
        eta: η, 0 (deterministic) to 1 (as much fresh noise as DDPM's sampler has).
        fresh: ε ~ N(0, I); needed if η > 0.

    Returns:
        x_s, of the same shape.

    Source:
        Song, Meng & Ermon, DDIM, 2021, arXiv:2010.02502, equation 12.

    Example:
        >>> noisy = add_noise(torch.tensor([1.0]), torch.tensor([-1.0]), 0.64)
        >>> ddim_step(noisy, torch.tensor([-1.0]), 0.64, 1.0)
        tensor([1.])
    """
    variance = ddim_variance(share, next_share, eta)
    clean = guess_clean(noisy, noise, share)
    kept = math.sqrt(max(0.0, 1 - next_share - variance))
    step = math.sqrt(next_share) * clean + kept * noise
    return step if fresh is None else step + math.sqrt(variance) * fresh


def step_weights(shares: Tensor) -> Tensor:
    r"""Computes what the squared error of x̂_0 costs at every t, in nats.

    .. math:: KL(q(x_{t-1}|x_t, x_0) ‖ p(x_{t-1}|x_t)) = w_t ‖x_0 - x̂_0(x_t)‖^2, \quad
        w_t = \tfrac12 (SNR_{t-1} - SNR_t)

    where p has the variance of q. The weight of ‖ε - ε̂‖² is w_t / SNR_t.

    Args:
        shares: ᾱ_t, shape (T + 1,), T ≥ 2, falling.

    Returns:
        w_t of t = 2 … T, shape (T - 1,); the first step has a density of its own.

    Source:
        Kingma, Salimans, Poole & Ho, Variational Diffusion Models, 2021, arXiv:2107.00630,
        equation 13.

    Example:
        >>> step_weights(torch.tensor([1.0, 0.8, 0.5]))
        tensor([1.5000])
    """
    ratio = signal_to_noise(shares[1:])
    return 0.5 * (ratio[:-1] - ratio[1:])


def grey_levels(images: Tensor, most: int = 256) -> int:
    """Counts the levels of the coarsest even scale from 0 to 1 that holds every pixel.

    Args:
        images: x in [0, 1], any shape.
        most: The answer if no coarser scale holds them: pixels are then rounded to that one.

    Returns:
        2 to `most`.

    Example:
        >>> grey_levels(torch.tensor([0.0, 1.0])), grey_levels(torch.tensor([0.0, 0.25, 1.0]))
        (2, 5)
    """
    values = images.unique().cpu().double()
    for levels in range(2, most):
        scaled = values * (levels - 1)
        if (scaled - scaled.round()).abs().max() < 1e-4:
            return levels
    return most


def level_log_prob(images: Tensor, mean: Tensor, sigma: float, levels: int) -> Tensor:
    r"""Computes the log-probability of grey levels under a Gaussian of pixels from -1 to 1.

    .. math:: \ln P(x) = \sum_i \ln \int_{x_i - δ}^{x_i + δ} N(y; μ_i, σ^2)\, dy, \quad
        δ = \frac1{L - 1}

    A pixel at the end of the scale takes all that lies beyond it, so that the probabilities of
    the L levels add up to 1.

    Args:
        images: x from -1 to 1, shape (B, …); rounded to the nearest level.
        mean: μ, of the same shape.
        sigma: σ of every pixel.
        levels: L, at least 2.

    Returns:
        Nats per image, at most 0, shape (B,).

    Numerics:
        The smaller tail of both is taken, and their difference in logarithms.

    Source:
        Ho, Jain & Abbeel, 2020, arXiv:2006.11239, equation 13.

    Example:
        >>> level_log_prob(torch.tensor([[1.0]]), torch.tensor([[0.0]]), 1.0, 2).exp()
        tensor([0.5000], dtype=torch.float64)
    """
    half = 1 / (levels - 1)
    images, mean = images.double(), mean.double()
    pixels = ((images + 1) / 2 * (levels - 1)).round() * 2 * half - 1
    low, high = (pixels - half - mean) / sigma, (pixels + half - mean) / sigma
    low = low.masked_fill(pixels <= -1 + half, -math.inf)
    high = high.masked_fill(pixels >= 1 - half, math.inf)
    is_right = low > -high  # more of it lies right of the mean: mirrored
    low, high = torch.where(is_right, -high, low), torch.where(is_right, -low, high)
    upper, lower = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    return (upper + torch.log1p(-torch.exp(lower - upper))).flatten(1).sum(1)


Guess = Callable[[Tensor, int], Tensor]
"""A model as a sampler sees it: ε̂ of x_t, shape (B, …), at one t for all of them."""


class Sampler(NamedTuple):
    """How a walk goes from x_T to an image.

    Attributes:
        eta: η, 0 (x_T alone decides) to 1 (as much fresh noise as DDPM's own sampler has).
        clip: Whether x̂_0 is kept from -1 to 1, where the pixels of images are.
        order: 1 is DDIM. 2 also follows how x̂_0 changed since the step before: fewer steps give
            the same quality. Without fresh noise only.
    """

    eta: float = 0.0
    clip: bool = True
    order: int = 2


BEST = Sampler()
"""What images are made with, unless another one is asked for."""
INVERTIBLE = Sampler(clip=False, order=1)
"""DDIM as it was published: `ddim_inverse` walks its way back."""
ANCESTRAL = Sampler(eta=1.0, order=1)
"""DDPM's own sampler, if it visits every t."""


class Moment(NamedTuple):
    """A sampler at one t: x_t, and the model's ε̂ and x̂_0 there, each of shape (B, …)."""

    time: int
    noisy: Tensor
    noise: Tensor
    clean: Tensor


def ddim_path(
    guess: Guess,
    start: Tensor,
    times: Sequence[int],
    shares: Tensor,
    sampler: Sampler = INVERTIBLE,
    generator: torch.Generator | None = None,
) -> Iterator[Moment]:
    r"""Walks a sampler through times, falling from noise to images.

    A sampler of order 2 takes for x̂_0 of the step from t to s, with λ = ½ ln SNR and the step
    before from r to t,

    .. math:: x̂_0(t) + \frac{λ_s - λ_t}{2 (λ_t - λ_r)} (x̂_0(t) - x̂_0(r))

    Args:
        guess: The model; asked once for each step.
        start: x at the first time, shape (B, …).
        times: Where it goes, falling, the first where it is, all 0 to T.
        shares: ᾱ_t, shape (T + 1,).
        sampler: How each step is made.
        generator: Of the fresh noise; needed if η > 0.

    Yields:
        One `Moment` for each time but the last, with what the model says there, then one with the
        end of the walk as `noisy` and `clean`, and no noise.

    Source:
        Song, Meng & Ermon, 2021, arXiv:2010.02502; order 2: Lu et al., DPM-Solver++, 2022,
        arXiv:2211.01095, algorithm 2.

    Example:
        >>> exact = lambda noisy, time: torch.zeros_like(noisy)
        >>> *_, end = ddim_path(exact, torch.ones(1), [2, 1, 0], alpha_bars(2))
        >>> end.time, bool((end.clean * alpha_bars(2)[2].sqrt() - 1).abs() < 1e-4)
        (0, True)
    """
    noisy, values = start, shares.tolist()
    before: tuple[Tensor, float] | None = None
    for time, after in pairwise(times):
        share, next_share = values[time], values[after]
        noise = guess(noisy, time)
        clean = guess_clean(noisy, noise, share)
        clean = clean.clamp(-1, 1) if sampler.clip else clean
        yield Moment(time, noisy, noise, clean)
        is_curved = sampler.order == 2 and after > 0
        goal = _follow(clean, before, share, next_share) if is_curved and before else clean
        if sampler.clip or goal is not clean:
            noise = noise_between(goal, noisy, share)
        fresh = None
        if sampler.eta:
            fresh = torch.randn(noisy.shape, generator=generator, device=noisy.device)
        noisy = ddim_step(noisy, noise, share, next_share, sampler.eta, fresh)
        before = clean, share
    yield Moment(times[-1], noisy, torch.zeros_like(noisy), noisy)


def _follow(clean: Tensor, before: tuple[Tensor, float], share: float, next_share: float) -> Tensor:
    """x̂_0 as it will be half a step later, if it goes on changing as it did."""
    earlier, now, then = (0.5 * math.log(a / (1 - a)) for a in (before[1], share, next_share))
    return clean + (then - now) / (2 * (now - earlier)) * (clean - before[0])


def ddim_inverse(
    guess: Guess, end: Tensor, times: Sequence[int], shares: Tensor, rounds: int = 5
) -> Tensor:
    r"""Finds the x_t from which an `INVERTIBLE` walk leads to an image that is given.

    Every step solves x_s = DDIM(x_t) for x_t by repeated substitution: ε̂ is asked where the last
    answer was, first at x_s itself.

    Args:
        guess: The model; asked `rounds` times for each step.
        end: x at the last time, shape (B, …).
        times: Of the walk to be inverted: falling, all 1 to T.
        shares: ᾱ_t, shape (T + 1,).
        rounds: Substitutions, at least 1: with one it is the inversion of the source.

    Returns:
        x at the first time, of the same shape.

    Source:
        Song, Meng & Ermon, DDIM, 2021, arXiv:2010.02502, section 4.3; the substitutions: Pan et
        al., Effective Real Image Editing with Accelerated Iterative Diffusion Inversion, 2023,
        arXiv:2309.04907.

    Example:
        >>> exact = lambda noisy, time: torch.zeros_like(noisy)
        >>> start = ddim_inverse(exact, torch.ones(1), [2, 1], alpha_bars(2))
        >>> *_, back = ddim_path(exact, start, [2, 1], alpha_bars(2))
        >>> round(back.noisy.item(), 6)
        1.0
    """
    values = shares.tolist()
    noisy = end
    for after, time in pairwise(reversed(times)):
        noise = guess(noisy, time)
        for _ in range(rounds - 1):
            noise = guess(ddim_step(noisy, noise, values[after], values[time]), time)
        noisy = ddim_step(noisy, noise, values[after], values[time])
    return noisy
