"""The files of a data set are all that another machine needs to read the same images."""

import os
import shutil

import numpy as np
import pytest

from models.data.files import data_files
from models.data.ingest import read_path
from models.data.library import add
from models.data.load import load


def carried(files, home, monkeypatch):
    """Copies files to another machine, so to say."""
    for name, path in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, home / name)
    monkeypatch.setenv("LATENT_RUNS_DIR", str(home / "runs"))


def test_a_set_of_the_library_is_the_same_there(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "here"))
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 8, 8), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(40) % 3)
    name = add(read_path(tmp_path / "a.npz"), "mine").id
    files = data_files(name)
    before = {split: load(name, split) for split in ("train", "test")}
    carried(files, tmp_path / "there", monkeypatch)
    shutil.rmtree(tmp_path / "here")
    for split, expected in before.items():
        found = load(name, split)
        assert found.fingerprint == expected.fingerprint
        assert (found.name, found.class_names) == (expected.name, expected.class_names)


@pytest.mark.mnist
def test_mnist_is_the_same_there(tmp_path, monkeypatch):
    files = data_files("mnist")
    assert len(files) == 4
    carried(files, tmp_path, monkeypatch)
    there = load("mnist", "test", tmp_path / "data")
    assert there.fingerprint == load("mnist", "test").fingerprint


def test_what_is_not_here_has_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path))
    names = "digits", "sprites-32", "own-0123456789ab", "mnist", os.fspath(tmp_path), "cifar"
    assert [data_files(name, tmp_path) for name in names] == [{}] * 6
