"""Laws of the built-in data sets: what they hold, and what damaged or missing files say."""

import pickle
import struct
import subprocess
import sys
import urllib.error
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from models.data import builtin
from models.data.builtin import (
    TORCHVISION,
    default_data_dir,
    download,
    is_available,
    load_digits,
    load_torchvision,
)
from models.data.load import load
from tests.helpers.images import Canary, refusal
from tests.helpers.paths import ROOT
from tests.helpers.processes import finish, python, wait


def test_digits_are_the_1797_of_scikit_learn():
    from sklearn.datasets import load_digits as reference

    train, test = load_digits("train"), load_digits("test")
    assert (len(train), len(test)) == (1297, 500)
    assert train.image_shape == test.image_shape == (1, 8, 8)
    assert train.class_names == tuple("0123456789")
    assert set(np.unique(train.images * 16)) == set(range(17))
    ours = np.concatenate([train.images, test.images])[:, 0] * 16
    labels = np.concatenate([train.labels, test.labels])
    theirs = reference()
    assert sorted(zip(map(bytes, ours.astype("u1")), labels, strict=True)) == sorted(
        zip(map(bytes, theirs.images.astype("u1")), theirs.target, strict=True)
    )


def test_digits_split_is_stratified():
    train, test = (np.bincount(load_digits(split).labels) for split in ("train", "test"))
    assert np.abs(train / 1297 - test / 500).max() < 0.002


def test_digits_split_never_changes():
    assert load_digits("test").labels[:10].tolist() == [4, 8, 8, 3, 9, 0, 6, 3, 9, 8]


@pytest.mark.mnist
def test_mnist_is_mnist():
    test = load("mnist", "test")
    assert test.images.shape == (10_000, 1, 28, 28)
    assert test.class_names == tuple("0123456789")
    assert float(test.images.mean(dtype=np.float64)) == pytest.approx(0.13251, abs=1e-5)
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(test.labels).tolist() == counts
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.mnist
def test_mnist_train_is_mnist():
    train = load_torchvision("mnist", "train", default_data_dir())
    assert len(train) == 60_000
    assert float(train.images.mean(dtype=np.float64)) == pytest.approx(0.13066, abs=3e-5)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.slow
def test_operators_that_exist_already_do_no_harm():
    code = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from models.data import builtin
for _ in range(2):
    print(builtin._torchvision_class("kmnist").__name__)
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.split() == ["KMNIST", "KMNIST"], result.stderr


def idx(array):
    """An array in the MNIST files' format: big-endian sizes, then bytes."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_family(folder, name="FashionMNIST", count=12):
    raw = folder / name / "raw"
    raw.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (count, 28, 28))
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return raw


def test_fashion_mnist_brings_its_class_names(tmp_path):
    write_family(tmp_path)
    assert is_available("fashion-mnist", tmp_path) and not is_available("kmnist", tmp_path)
    images = load("fashion-mnist", "train", tmp_path)
    assert images.class_names[0] == "T-shirt/top" and len(images.class_names) == 10
    assert images.images.shape == (12, 1, 28, 28) and images.images.max() == 1.0


@pytest.mark.parametrize("name", TORCHVISION)
def test_files_are_read_as_torchvision_reads_them_and_without_it(tmp_path, name):
    write_family(tmp_path, TORCHVISION[name])
    oracle = builtin._torchvision_class(name)(tmp_path, train=False)
    ours = load_torchvision(name, "test", tmp_path)
    assert np.array_equal(np.round(ours.images[:, 0] * 255), oracle.data.numpy())
    assert np.array_equal(ours.labels, oracle.targets.numpy())
    named = [entry.partition(" - ")[0] for entry in oracle.classes]  # "5 - five"
    assert list(ours.class_names) == named
    code = (
        "import sys; from models.data.builtin import load_torchvision as load; "
        f"load({name!r}, 'test', {str(tmp_path)!r}); print('torch' in sys.modules)"
    )
    assert finish(python("-c", code)) == "False\n"


DAMAGED = "FashionMNIST/raw must be the four files of fashion-mnist, got something else"

SPOILED = {
    "truncated": (lambda data: data[:-1], DAMAGED),
    "longer": (lambda data: data + b"x", DAMAGED),
    "empty": (lambda data: b"", DAMAGED),
    "text": (lambda data: b"<html>", DAMAGED),
    "too large": (lambda data: idx(np.zeros((12, 99, 28))), "8 to 64 pixels a side, got 99 × 28"),
    "fewer": (
        lambda data: idx(np.zeros((11, 28, 28))),
        "labels must be int64 (11,), got int64 (12",
    ),
    "huge sizes": (lambda data: b"\0\0\x08\x03" + b"\xff" * 12 + b"x", DAMAGED),
}


@pytest.mark.parametrize("case", SPOILED)
def test_damaged_mnist_files_are_refused(tmp_path, case):
    spoil, words = SPOILED[case]
    path = write_family(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(spoil(path.read_bytes()))
    assert words in refusal(load, "fashion-mnist", "train", tmp_path)


def test_the_pickled_cache_of_old_torchvision_is_never_read(tmp_path):
    write_family(tmp_path)
    old, canary = tmp_path / "FashionMNIST" / "processed", tmp_path / "canary"
    old.mkdir()
    for name in ("training.pt", "test.pt"):
        (old / name).write_bytes(pickle.dumps(Canary(canary)))
    assert len(load("fashion-mnist", "train", tmp_path)) == 12
    assert not canary.exists()


def test_missing_mnist_says_where_it_looked_and_both_ways_out(tmp_path, monkeypatch):
    sentence = refusal(load, "mnist", "test", tmp_path / "here")
    for part in ("here/MNIST/raw", "python -m models data download mnist", "--data-dir"):
        assert part in sentence
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "there"))
    assert default_data_dir() == tmp_path / "there"
    assert "there/KMNIST/raw" in refusal(load, "kmnist", "test")
    monkeypatch.setenv("LATENT_DATA_DIR", "")
    assert default_data_dir() == Path("data")


def test_download_offline_is_one_sentence(tmp_path, monkeypatch):
    datasets = builtin._import_datasets()

    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", offline)
    sentence = refusal(download, "mnist", tmp_path)
    assert "could not be downloaded" in sentence and "MNIST/raw" in sentence
    (tmp_path / "file").write_bytes(b"")
    assert "could not be downloaded" in refusal(download, "kmnist", tmp_path / "file")


def test_download_fetches_what_is_missing_and_only_that(tmp_path, monkeypatch):
    datasets, fetched = builtin._import_datasets(), []

    def fetch(url, download_root, filename, md5):
        fetched.append(filename)
        array = np.zeros((10, 28, 28)) if "images" in filename else np.arange(10)
        Path(download_root, filename.removesuffix(".gz")).write_bytes(idx(array))

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    download("kmnist", tmp_path)
    assert len(fetched) == 4 and is_available("kmnist", tmp_path)
    assert load("kmnist", "test", tmp_path).class_names[1] == "ki"
    download("kmnist", tmp_path)
    assert len(fetched) == 4
    assert not (tmp_path / ".download-kmnist").exists()


def test_a_set_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    datasets, sizes, is_cut = builtin._import_datasets(), [], [True]
    monkeypatch.setattr(builtin, "REPORT_SECONDS", 0.001)

    def fetch(url, download_root, filename, md5):
        assert not is_available("mnist", tmp_path)
        Path(download_root, filename).write_bytes(bytes(1000))
        if "t10k-images" in filename and is_cut:
            wait(lambda: 3000 in sizes)
            raise urllib.error.URLError("the network is gone")
        array = np.zeros((10, 28, 28)) if "images" in filename else np.arange(10)
        Path(download_root, filename.removesuffix(".gz")).write_bytes(idx(array))

    monkeypatch.setattr(datasets.mnist, "download_and_extract_archive", fetch)
    assert "could not be downloaded" in refusal(download, "mnist", tmp_path, sizes.append)
    assert not is_available("mnist", tmp_path) and not (tmp_path / "MNIST").exists()
    with FileLock(tmp_path / ".download-mnist.lock"):
        assert "by another process" in refusal(download, "mnist", tmp_path)
    is_cut.clear()
    download("mnist", tmp_path)
    assert is_available("mnist", tmp_path) and sizes == sorted(sizes)
