"""What the tests of adapters share."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers.adapters import EXAMPLES, MY_VAE, roughen, run_source


@pytest.fixture(autouse=True)
def forget_modules(monkeypatch):
    """What an adapter imports is gone after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.split(".")[0] in ("my_vae", "pythae", "latent_adapter"):
            del sys.modules[name]


@pytest.fixture
def plain(tmp_path):
    """The plain example, beside a network that was saved with torch.save; and the network."""
    (tmp_path / "my_vae.py").write_text(MY_VAE)
    network = roughen(run_source(MY_VAE)["VAE"]())
    torch.save(network.state_dict(), tmp_path / "vae.pt")
    return Path(shutil.copy(EXAMPLES / "plain.py", tmp_path)), network.eval()
