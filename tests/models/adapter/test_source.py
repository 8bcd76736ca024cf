"""The user's file is run, and its images and settings are read."""

import numpy as np
import pytest
import torch

from models.adapter.errors import AdapterError
from models.adapter.measure import measure_model
from models.adapter.source import read_adapter, read_images
from tests.helpers.adapters import (
    functions,
    measured,
)
from tests.helpers.paths import ROOT


def test_images_labels_and_settings_of_the_adapter():
    images = (torch.rand(12, 9, 11, generator=torch.Generator().manual_seed(0)) * 255).byte()
    own = {
        "encode": lambda x: (x[:, 0, 0, :3], x[:, 0, 1, :3]),
        "decode": lambda z: torch.sigmoid(z.sum(1)).view(-1, 1, 1, 1).expand(-1, 1, 9, 11),
        "images": images,
        "labels": ["cat", "dog", "cat"] * 4,
        "title": "pets\u202e",
        "beta": 4,
    }
    found = measure_model(own, "unused")
    assert found.images.class_names == ("cat", "dog")
    assert found.images.images.max() <= 1
    assert found.card.title == "pets"
    assert found.card.config.objective.beta == 4
    assert not any("β" in note for note in found.notes)
    assert any("divided by 255" in note for note in found.notes)


def test_data_that_is_named_on_the_command_line_goes_first(tmp_path):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    assert len(read_images(functions(), "own")) == 500
    assert len(read_images(functions(), "own", str(tmp_path / "few.npz"))) == 12


def test_a_path_in_the_file_is_looked_for_beside_it_too(tmp_path, monkeypatch):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    source = "def encode(x): ...\ndef decode(z): ...\ndata = 'few.npz'\n"
    (tmp_path / "own.py").write_text(source)
    monkeypatch.chdir(ROOT)
    assert len(read_images(read_adapter(tmp_path / "own.py"), "own")) == 12


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def encode(x): ...", "but decode is missing"),
        ("encode = 1\ndef decode(z): ...", "but encode is not a function"),
        ("import nothing_of_that_name", r"ModuleNotFoundError: .*\(own.py, line 1\)"),
        ("x = 1\ny = 1 / 0", r"ZeroDivisionError: division by zero \(own.py, line 2\)"),
        ("def encode(", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, source, sentence):
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=sentence):
        read_adapter(tmp_path / "own.py")


def test_only_a_python_file_is_run(tmp_path):
    (tmp_path / "own.txt").write_text("raise SystemExit")
    for name in ("own.txt", "nowhere.py", "."):
        with pytest.raises(AdapterError, match="the adapter must be a Python file"):
            read_adapter(tmp_path / name)


def test_a_function_that_fails_later_says_where(tmp_path):
    source = "def encode(x):\n    return x.nowhere\ndef decode(z): ...\ndata = 'digits'\n"
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(AdapterError, match=r"encode must not fail.*\(own.py, line 2\)"):
        measured(tmp_path / "own.py")
