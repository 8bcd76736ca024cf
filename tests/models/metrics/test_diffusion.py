"""The variational bound of a diffusion model against cases whose value is known."""

import math

import pytest
import torch

from models.metrics.diffusion import diffusion_terms
from models.objectives.denoising import alpha_bars, noise_between

T = 50
SHARES = alpha_bars(T)


def knows(image):
    """A model that knows the only image of the data."""

    def guess(noisy, times):
        share = SHARES[times.long()].float()[:, None, None, None]
        return noise_between((2 * image - 1).expand_as(noisy), noisy, share)

    return guess


def terms_of(guess, images, levels=2, draws=1):
    return diffusion_terms(guess, images, T, levels, torch.Generator().manual_seed(0), draws)


def test_an_image_that_is_known_costs_next_to_nothing():
    image = (torch.arange(64).view(1, 1, 8, 8) % 2).float()
    terms = terms_of(knows(image), image.expand(20, 1, 8, 8))
    assert terms.diffusion.abs().max() < 1e-6
    assert terms.reconstruction.abs().max() < 1e-6
    assert terms.total().max() < 0.1  # the prior: a trace of the image is left in x_T


def test_the_prior_is_the_divergence_of_gaussians():
    image = torch.ones(1, 1, 8, 8)
    p = torch.distributions.Normal(0.0, 1.0)
    q = torch.distributions.Normal(SHARES[-1].sqrt(), (1 - SHARES[-1]).sqrt())
    expected = 64 * torch.distributions.kl_divergence(q, p).item()
    assert terms_of(knows(image), image).prior.item() == pytest.approx(expected, rel=1e-6)


def test_the_bound_of_coin_tosses_is_at_least_their_entropy():
    """The best model of independent black and white pixels; the entropy is ln 2 a pixel."""
    coins = torch.bernoulli(
        torch.full((500, 1, 8, 8), 0.5), generator=torch.Generator().manual_seed(1)
    )

    def best(noisy, times):
        share = SHARES[times.long()].float()[:, None, None, None]
        clean = torch.tanh(share.sqrt() * noisy / (1 - share))
        return noise_between(clean, noisy, share)

    bound = terms_of(best, coins, draws=20).total().mean().item()
    assert 64 * math.log(2) < bound < 1.1 * 64 * math.log(2)


def test_the_terms_of_the_steps_add_up_to_the_bound():
    images = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    terms = terms_of(lambda noisy, times: torch.zeros_like(noisy), images, 256, draws=10)
    middle, nats = terms.by_time(7)
    assert len(middle) == 7 and (middle.diff() > 0).all()
    assert (T - 1) * nats.mean() == pytest.approx(
        (terms.total() - terms.prior - terms.reconstruction).mean().item(), rel=0.05
    )
    assert terms.times.min() == 2 and terms.times.max() == T
