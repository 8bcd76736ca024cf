"""Every benchmark runs and prints its table; --quick makes the figures meaningless and short."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.helpers.paths import ROOT

BENCHMARKS = (
    "chaos",
    "click",
    "concurrency",
    "diffusion",
    "families",
    "disentanglement",
    "live",
    "many_runs",
    "onset",
    "scaling",
    "soak",
    "startup",
    "sweep",
    "vq_vae",
    "watch",
)
WITH_DASK = ("sweep_dask",)
WITH_MNIST = ("evaluation", "levers", "multirate", "quality", "training", "tsne")

pytestmark = pytest.mark.slow


def run(name):
    """The output of a benchmark's trial."""
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_prints_its_table(name):
    assert "(--quick: a trial only)" in run(name)


@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is optional")
@pytest.mark.parametrize("name", WITH_DASK)
def test_it_prints_its_table_where_dask_is(name):
    assert "(--quick: a trial only)" in run(name)


@pytest.mark.mnist
@pytest.mark.parametrize("name", WITH_MNIST)
def test_it_prints_its_table_where_mnist_is(name):
    assert "(--quick: a trial only)" in run(name)


def test_no_benchmark_is_forgotten():
    files = {path.stem for path in (ROOT / "tests/benchmarks").glob("*.py")}
    parts = {
        "app", "common", "forgery", "growth", "plain_app", "pythae_loop", "session", "tutorial",
    }  # fmt: skip
    assert files == {*BENCHMARKS, *WITH_DASK, *WITH_MNIST} | parts
