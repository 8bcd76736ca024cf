"""A user's file in a process of its own: in a repository of theirs, and when it misbehaves."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
import torch

from models.adapter.errors import AdapterError
from models.adapter.measure import measure_model
from models.adapter.process import AdapterProcess
from models.adapter.source import read_images
from tests.helpers.adapters import DIGITS, MY_VAE, roughen, run_source
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

MAIN = """
import argparse
from models.vae import VAE

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()
print("a line on standard output that is no answer")
"""
ADAPTER = """
import os, sys
import torch
from main import VAE, args

assert sys.argv == [__file__] and args.epochs == 20
model = torch.load("weights/whole.pt", weights_only=False).eval()
os.chdir("/")
data = "digits"
likelihood = "bernoulli"
decoder = model.decoder
print("another one")


def encode(images):
    return model.encode(images)


def decode(z):
    from models.shapes import SHAPE  # while it answers, too, `models` is theirs

    images = model.decoder(z).view(-1, *SHAPE)
    if (z > 50).any():
        os.kill(os.getpid(), 9)
    return images
"""


def write(folder, **files):
    """Files by their path, `__` for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository as many have it, with a whole model that its `main.py` pickled."""
    write(
        tmp_path, models__vae=MY_VAE, models__shapes="SHAPE = (1, 8, 8)", main=MAIN, adapter=ADAPTER
    )
    (tmp_path / "weights").mkdir()
    network = run_source(MY_VAE)["VAE"]
    monkeypatch.setattr(network, "__module__", "__main__")  # as in a script that trains
    monkeypatch.setattr(sys.modules["__main__"], "VAE", network, raising=False)
    model = roughen(network()).eval()
    torch.save(model, tmp_path / "weights" / "whole.pt")
    return tmp_path, model


def test_a_repository_with_a_package_called_models_is_measured(repository, monkeypatch, capfd):
    """With a main.py that reads arguments, and paths that are relative to the file."""
    folder, network = repository
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    with AdapterProcess(folder / "adapter.py") as own:
        found = measure_model(own, "own")
        mean, _ = network.encode(torch.tensor(DIGITS.images))
        np.testing.assert_allclose(found.codes.mean, mean.detach().numpy(), atol=1e-5)
        assert found.decoding == "", "the browser has its very layers"
        assert os.getcwd() == str(ROOT)

        z = torch.randn(40, 2, generator=torch.Generator().manual_seed(3))
        with ThreadPoolExecutor(8) as pool:  # as many sessions ask at once
            images = torch.cat([*pool.map(found.model.decode, z.split(1))])
        torch.testing.assert_close(images, network.decode(z).detach(), atol=1e-5, rtol=0)

        with pytest.raises(AdapterError, match=r"^decode must return, but .* \(killed by SIGKILL"):
            found.model.decode(torch.full((1, 2), 99.0))
        again = found.model.decode(z[:1])
        torch.testing.assert_close(again, images[:1], atol=1e-5, rtol=0)
    out, err = capfd.readouterr()
    assert out == "" and err.count("another one") == 2, "once for every time that the file has run"


def test_the_recipe_of_the_readme_opens_from_anywhere(tmp_path, monkeypatch):
    recipe = (ROOT / "README.md").read_text().partition("in ten lines\n\n```python\n")[2]
    write(tmp_path, my_vae=MY_VAE, adapter=recipe.partition("```")[0])
    torch.save(run_source(MY_VAE)["VAE"]().state_dict(), tmp_path / "vae.pt")
    np.savez(tmp_path / "faces.npz", images=DIGITS.images[:60])
    monkeypatch.chdir(ROOT)
    with AdapterProcess(tmp_path / "adapter.py") as own:
        assert len(read_images(own, "faces")) == 12


def test_a_file_may_lie_below_the_folder_where_one_works(tmp_path, monkeypatch):
    functions = "def encode(x): ...\ndef decode(z): ...\n"
    write(tmp_path, models__own="TITLE = 'theirs'", tools__adapter=(
        f"from models.own import TITLE as title\nsigma, beta = 0.5, 2\n{functions}"
    ))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with AdapterProcess("tools/adapter.py") as own:
        assert own.settings() == {"title": "theirs", "sigma": 0.5, "beta": 2}


def test_a_file_that_ends_its_process_is_one_sentence(tmp_path):
    write(tmp_path, own="import os\nos._exit(3)")
    sentence = r"^the adapter must run to its end, but it ended its process \(exit status 3\)$"
    with AdapterProcess(tmp_path / "own.py") as own, pytest.raises(AdapterError, match=sentence):
        own.settings()


def test_only_a_python_file_is_run(tmp_path):
    (tmp_path / "own.txt").write_text("raise SystemExit")
    for name in ("own.txt", "nowhere.py", "."):
        with pytest.raises(AdapterError, match="the adapter must be a Python file"):
            AdapterProcess(tmp_path / name)


def test_the_process_ends_with_the_explorer_even_amid_an_answer(tmp_path):
    write(tmp_path, own="open('begun', 'w').close()\nwhile True:\n    pass\n")
    code = f"from models.adapter.process import AdapterProcess as P; P({str(tmp_path / 'own.py')!r}"
    explorer = subprocess.Popen([sys.executable, "-c", f"{code}).settings()"], cwd=ROOT)
    wait((tmp_path / "begun").exists)
    (host,) = psutil.Process(explorer.pid).children()
    explorer.send_signal(signal.SIGTERM)
    explorer.wait()
    wait(lambda: not host.is_running() or host.status() == psutil.STATUS_ZOMBIE)
    assert explorer.returncode == -signal.SIGTERM, "nothing tidied up on the way"
