"""What all tests share: a machine with nothing but this repository, and exact models."""

import os
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import nn

from models.data.builtin import is_available
from models.objectives.distributions import normal_log_prob
from tests.helpers.chromium import ARGUMENTS, CHROMIUM
from tests.helpers.paths import ROOT

MNIST_DIR = Path(os.environ.get("LATENT_TEST_DATA_DIR") or ROOT.parent / "shared" / "data")
"""Where the tests marked `mnist`, and no others, look for MNIST."""

settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

torch.set_num_threads(1)  # small models: a second thread costs more than it gives


def pytest_configure(config):
    """Hides this machine's data, runs and home: empty folders stand in for them."""
    folder = tempfile.TemporaryDirectory(prefix="latent-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    for name, place in {
        "HOME": "home",
        "LATENT_DATA_DIR": "data",
        "LATENT_RUNS_DIR": "runs",
    }.items():
        path = Path(folder.name, place)
        path.mkdir()
        os.environ[name] = str(path)


@pytest.fixture(autouse=True)
def data_of_the_machine(request, monkeypatch):
    """Lets a test marked `mnist` see MNIST, or skips it where MNIST is not there."""
    marker = request.node.get_closest_marker("mnist")
    if marker is None:
        return
    name = marker.args[0] if marker.args else "mnist"
    if not is_available(name, MNIST_DIR):
        pytest.skip(f"{name} is not on this machine: set LATENT_TEST_DATA_DIR to its folder")
    monkeypatch.setenv("LATENT_DATA_DIR", str(MNIST_DIR))


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


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests of a process."""
    if CHROMIUM is None:
        pytest.skip("the browser tests need Chromium or Chrome on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def pytest_collection_modifyitems(items):
    """Puts last what shares one Chromium or one server, so that a process starts them once."""
    items.sort(key=lambda item: bool({"chromium", "server"} & set(item.fixturenames)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where REQUIRE_BROWSER is set, a browser test that was skipped has failed, unless it needs
    MNIST or an optional package, too."""
    report = yield
    marks = {mark.name for mark in item.iter_markers()}
    if (
        report.skipped
        and "browser" in marks
        and not marks & {"mnist", "optional"}
        and os.environ.get("REQUIRE_BROWSER")
    ):
        report.outcome, report.longrepr = "failed", "skipped, but here the browser tests must run"
    return report
