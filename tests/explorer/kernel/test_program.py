"""The program behind a notebook: the same files as the app's, one sentence, and no orphan."""

import gzip
import os
import subprocess
import sys

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load as load_tensors

from explorer.kernel.model import NotebookModel
from explorer.kernel.program import ask_program
from models.data.load import load
from models.export.map_file import map_file
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

CHECKPOINT = ROOT / "checkpoints" / "digits-2d-beta-1.safetensors"
DIGITS = read(CHECKPOINT)
RAW = {"map": {"view": "raw"}, "data_dir": "", "model": None, "settings": {}, "arrays": []}
BUSY = """
import sys, time
import numpy as np
from explorer.kernel.program import ask_program
def answer(name, given):
    print("asked", flush=True)
    time.sleep(600)
ask_program({request!r}, [np.random.default_rng(0).random((20, 8, 8))], answer)
"""


def unpacked(answer):
    """The page of an answer, and its files."""
    page, files = answer
    return page, {
        name: gzip.decompress(data.tobytes())
        for name, data in zip(page["files"], files, strict=True)
    }


def test_a_checkpoint_comes_with_the_files_of_the_app():
    page, files = unpacked(ask_program({**RAW, "model": str(CHECKPOINT)}))
    found, expected = load_tensors(files["model"]), load_tensors(map_file(DIGITS))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    images = load("digits", "test").images
    levels = np.frombuffer(files["originals"], np.uint8).reshape(images.shape)
    assert np.abs(levels / 255 - images).max() <= 0.5 / 255 + 1e-6
    assert (page["count"], page["latent_dim"], page["image_shape"]) == (500, 2, [1, 8, 8])


class Restored:
    """The shipped model, as somebody has it in a notebook."""

    def __init__(self):
        self.network = restore(DIGITS)

    def encode(self, images):
        with torch.no_grad():
            return self.network.encode(torch.from_numpy(images))

    def decode(self, z):
        with torch.no_grad():
            return self.network.decode(torch.from_numpy(z))


@pytest.mark.slow
def test_a_model_of_the_notebook_is_measured_as_the_checkpoint_was():
    """Its D, R and codes are those of the card, for it is the same network."""
    test_set = load("digits", "test")
    names = ["images", "labels"]
    request = {**RAW, "settings": {"likelihood": "bernoulli", "beta": 1.0}, "arrays": names}
    own = NotebookModel(Restored())
    page, files = unpacked(ask_program(request, [test_set.images, test_set.labels], own.call))
    tensors = load_tensors(files["model"])
    np.testing.assert_allclose(tensors["mean"], DIGITS.codes.mean, atol=0.01)  # stored as float16
    np.testing.assert_array_equal(tensors["labels"], DIGITS.codes.labels)
    mean, error = DIGITS.card.metrics["negative_elbo"]
    assert f"−ELBO {mean:.2f} ± {error:.2f} nats/image" in page["scores"]
    assert "the model runs in the notebook" in page["notes"]


def test_a_missing_package_is_named_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no', name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    images = np.random.default_rng(0).random((20, 8, 8))
    with pytest.raises(ValueError, match=r"^torch must be installed .* -m pip install -r "):
        ask_program({**RAW, "arrays": ["images"]}, [images])


def test_a_python_that_does_not_answer_is_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="python must name a Python that can be started"):
        ask_program(RAW, python=str(tmp_path / "python"))
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ValueError, match="its process ended: ImportError: broken"):
        ask_program(RAW)


@pytest.mark.slow
def test_the_program_ends_when_the_kernel_is_killed():
    request = {**RAW, "arrays": ["images"]}
    kernel = subprocess.Popen(
        [sys.executable, "-c", BUSY.format(request=request)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert kernel.stdout.readline().strip() == b"asked"
    (program,) = psutil.Process(kernel.pid).children()
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()
    wait(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE)
