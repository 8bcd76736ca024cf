"""What latents are worth, by thought experiment: read, unread, paid for and wasted."""

import math

import pytest
import torch

from models.metrics.latent_use import latent_use
from models.objectives.distributions import gaussian_log_prob

COUNT = 300


class Model:
    """Latent 1 is a pixel, latent 2 is not read, latent 3 is the prior and moves a pixel a bit."""

    latent_dim = 3

    def encode(self, images):
        x = images.flatten(1)
        mean = torch.stack([x[:, 0], x[:, 1], 0 * x[:, 0]], 1)
        return mean, torch.tensor([math.log(0.01), math.log(0.01), 0.0]).expand_as(mean)

    def decode(self, z):
        rest = 0.5 + 0.01 * z[:, 2:].expand(-1, 3)
        return torch.cat([z[:, :1], rest], 1).view(-1, 1, 2, 2)

    def log_likelihood(self, images, z):
        return gaussian_log_prob(self.decode(z), 0.0, images)


@pytest.fixture(scope="module")
def use():
    x = torch.randn(COUNT, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    return latent_use(Model(), x)


def test_a_read_latent_is_worth_what_its_pixel_varies_by(use):
    assert use[0].is_active and use[0].is_read
    # E[(x - ε)²] / 2 - E[(x - z)²] / 2 with Var x = 1, z = x ± .1
    assert use[0].worth.mean == pytest.approx(0.995, abs=4 * use[0].worth.standard_error)
    assert use[0].response == pytest.approx(6.0)
    assert use[0].variance.mean == pytest.approx(1.0, abs=4 * use[0].variance.standard_error)


def test_an_unread_latent_costs_the_same_and_is_worth_nothing(use):
    assert use[1].is_active and not use[1].is_read
    assert use[1].worth.mean == use[1].worth.standard_error == use[1].response == 0.0
    assert use[1].rate.mean == pytest.approx(use[0].rate.mean, rel=0.1)


def test_a_latent_that_is_switched_off_may_still_be_read(use):
    assert not use[2].is_active and use[2].is_read
    assert use[2].rate.mean == pytest.approx(0.0, abs=1e-6)
