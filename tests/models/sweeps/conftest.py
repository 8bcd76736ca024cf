"""What the tests of sweeps share: a small data set, settings, and a finished sweep."""

import time
from dataclasses import replace

import numpy as np
import pytest

from models.data.builtin import load_digits
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from tests.helpers.configs import tiny
from tests.helpers.dask_cluster import Cluster
from tests.helpers.sweeps import explode


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> str:
    """The digits in a file: a process that need not import scikit-learn starts sooner."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=load_digits("train").images[:400])
    return str(path)


@pytest.fixture(scope="session")
def config(digits):
    return replace(tiny(training={"epochs": 4, "batch_size": 32}), data=digits)


@pytest.fixture(scope="session")
def finished(config, tmp_path_factory):
    """A sweep of six members, the fourth bound to fail; its events and when they came."""
    found = Sweep.open(tmp_path_factory.mktemp("runs"), grid(config, [0.3, 1.0, 4.0], seeds=2))
    explode(found.members[3].run)
    events, times = [], [time.monotonic()]
    for event in found.train(command="sweep them"):
        events.append(event)
        times.append(time.monotonic())
    return found, events, times


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler without workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.close()
