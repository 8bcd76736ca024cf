"""What all tests share: where the data is, how Hypothesis draws, models with known answers."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import nn

from models.objectives.distributions import normal_log_prob

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

if SHARED_DATA.is_dir():
    os.environ.setdefault("LATENT_DATA_DIR", str(SHARED_DATA))

settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

torch.set_num_threads(1)  # small models: a second thread costs more than it gives


class LinearGaussian(nn.Module):
    """One pixel, p(z) = N(0, 1), p(x|z) = N(z, 1), q(z|x) = N(slope · x, variance).

    Then p(x) = N(0, 2), and with slope ½ and variance ½ the posterior is exact.
    """

    latent_dim = 1

    def __init__(self, slope: float, variance: float) -> None:
        super().__init__()
        self.slope = slope
        self.log_variance = torch.tensor(variance).log()

    def encode(self, images):
        mean = self.slope * images.flatten(1)
        return mean, self.log_variance.to(mean).expand_as(mean)

    def log_likelihood(self, images, z):
        return normal_log_prob(images.flatten(1), z, 0.0).sum(1)


@pytest.fixture
def exact_posterior() -> LinearGaussian:
    """At x = 1: ln p(x) = -1.515512, and the ELBO is the same."""
    return LinearGaussian(0.5, 0.5)


@pytest.fixture
def prior_posterior() -> LinearGaussian:
    """q = p(z). At x = 2: ln p(x) = -2.265512, the ELBO is -3.418939."""
    return LinearGaussian(0.0, 1.0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where REQUIRE_BROWSER is set, a browser test that was skipped has failed."""
    report = yield
    skipped = report.skipped and item.get_closest_marker("browser")
    if skipped and os.environ.get("REQUIRE_BROWSER"):
        report.outcome, report.longrepr = "failed", "skipped, but here the browser tests must run"
    return report
