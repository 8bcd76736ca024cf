"""What the tests of data share: an empty folder of runs for each."""

import pytest


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    """The folder of runs, in which the library of data sets lies."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"
