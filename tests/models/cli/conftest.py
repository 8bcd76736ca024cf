"""What the tests of the commands share."""

import signal

import pytest
import torch

from models.runs.folder import Run, list_runs
from tests.helpers.command_line import train


@pytest.fixture(autouse=True)
def surroundings():
    """Commands set signal handlers and threads, and no test may leave them behind."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    """A run of two epochs made by the command line."""
    runs = tmp_path_factory.mktemp("runs")
    output = runs / "copy.safetensors"
    out = train(runs, "--epochs", 2, "--title", "two epochs", "--output", output)
    (run,) = list_runs(runs)
    assert run.id in out and "epoch   2/2  test D" in out and "nats/image" in out
    assert output.read_bytes() == run.model_path.read_bytes()
    return run
