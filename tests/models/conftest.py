"""What the tests of models share: one thread, and runs that nobody interrupted."""

import pytest
import torch

from models.runs.folder import Run
from models.runs.train import execute
from tests.helpers.sweeps import created


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """One thread, no matter what the runs of a module set."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def separate(tmp_path_factory) -> dict[float, Run]:
    """A run of every β, trained on its own without interruption."""
    runs = created(tmp_path_factory.mktemp("separate"))
    for run in runs:
        for _ in execute(run):
            pass
    return {run.config().objective.beta: run for run in runs}
