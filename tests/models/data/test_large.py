"""Large sets: copied once, mapped where they are trained on, and the same images as small ones."""

import os
import shutil

import numpy as np
import pytest
import torch

from models.config import override
from models.data import arrays, large, library
from models.data.byte_images import ByteImages, first_images
from models.data.custom_images import CustomImages, to_unit
from models.data.image_set import DataError
from models.data.ingest import read_path
from models.data.load import load
from models.families.registry import build_model
from models.runs.folder import Run
from models.runs.train import execute
from models.storage.checkpoint import read
from models.training.image_store import ImageStore, to_device
from models.training.linear_start import start_linear
from models.training.trainer import Training
from tests.helpers.command_line import call
from tests.helpers.configs import tiny
from tests.helpers.images import refusal

COUNT = 400
LEVELS = np.random.default_rng(3).integers(0, 256, (COUNT, 8, 8), np.uint8)
LABELS = np.arange(COUNT) % 3


@pytest.fixture(autouse=True)
def low_limit(monkeypatch, tmp_path):
    """Files of more than 10 000 bytes are large, and the library is empty."""
    monkeypatch.setattr(large, "MAX_BYTES", 10_000)
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))


def saved(tmp_path, name="noise.npz", **arrays):
    """A file of arrays."""
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, arrays["images"])
    else:
        np.savez(path, **arrays)
    return path


def same(one, other):
    """Equal splits: images, labels and names."""
    assert one.fingerprint == other.fingerprint and one.class_names == other.class_names
    assert (one.labels is None) == (other.labels is None)
    assert one.labels is None or (one.labels == other.labels).all()


GIVEN = {
    "grey bytes": {"images": LEVELS, "labels": LABELS},
    "no labels": {"images": LEVELS},
    "colour last": {"images": np.stack([LEVELS] * 3, 3), "labels": LABELS},
    "16 bits": {"images": LEVELS.astype(np.uint16) * 200},
    "whole numbers of 64 bits": {"images": LEVELS.astype(np.int64)},
    "floats": {"images": (LEVELS / 255).astype(np.float32), "labels": LABELS},
    "Fortran's order": {"images": np.asfortranarray(LEVELS)},
    "names of classes": {
        "images": LEVELS, "labels": LABELS, "class_names": np.array(["ant", "bee", "owl"])
    },
    "divided": {
        "x_train": LEVELS[:300], "y_train": LABELS[:300], "x_test": LEVELS[300:],
        "y_test": LABELS[300:],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_a_large_set_holds_what_a_small_one_would(name, tmp_path):
    """The same id, the same splits, the same bits."""
    path = saved(tmp_path, **GIVEN[name])
    assert large.is_large(path)
    small = read_path(path)
    info = library.add_large(path, "Noise")
    assert info.id == small.id and info.is_large and info.title == "Noise"
    assert (info.count, info.train) == (COUNT, small.train_count)
    assert info.image_shape == small.image_shape
    for split in ("train", "test"):
        same(load(info.id, split), small.split(split))
    train = load(info.id, "train").images
    assert isinstance(train, ByteImages)
    assert (train[:] == small.split("train").images).all()
    samples = library.read_custom(info.id).samples(9)
    assert np.abs(samples.images - small.split("test").images[:9]).max() <= 0.5 / 255 + 1e-6


def test_an_array_alone_is_taken(tmp_path):
    path = saved(tmp_path, "noise.npy", images=LEVELS)
    info = library.add_large(path)
    assert info.id == read_path(path).id and info.title == "noise"


def test_the_limit_of_other_files_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MAX_BYTES", 10_000)
    for name in ("noise.npy", "noise.npz"):
        path = saved(tmp_path, name, **GIVEN["grey bytes"])
        assert "must take at most" in refusal(read_path, path)
        assert library.add_large(path).count == COUNT


def test_the_images_lie_in_a_file_of_their_own_and_move_with_the_set(tmp_path):
    info = library.add_large(saved(tmp_path, **GIVEN["grey bytes"]))
    folder = library.library_dir()
    stored = np.load(folder / f"{info.id}.npy", mmap_mode="r")
    assert (np.asarray(stored)[:, 0] == LEVELS).all()
    assert sorted(os.listdir(folder)) == [f"{info.id}.npy", f"{info.id}.npz"]
    assert info.bytes > LEVELS.nbytes
    library.remove(info.id)
    assert os.listdir(folder) == ["removed"]
    library.recover(info.id)
    same(load(info.id, "test"), read_path(tmp_path / "noise.npz").split("test"))
    library.remove(info.id)
    library.add_large(tmp_path / "noise.npz")
    assert os.listdir(folder / "removed") == []


def test_a_copy_that_was_killed_is_removed_by_the_next(tmp_path):
    folder = library.library_dir()
    folder.mkdir(parents=True)
    killed, going_on = folder / ".copy-a.npy", folder / ".copy-b.npy"
    for path in (killed, going_on):
        path.write_bytes(b"half")
    os.utime(killed, (0, 0))
    info = library.add_large(saved(tmp_path, **GIVEN["grey bytes"]))
    assert sorted(os.listdir(folder)) == [".copy-b.npy", f"{info.id}.npy", f"{info.id}.npz"]


def test_test_images_are_bounded_and_evenly_chosen(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "MAX_TEST", 30)
    info = library.add_large(saved(tmp_path, **GIVEN["grey bytes"]))
    train, test = load(info.id, "train"), load(info.id, "test")
    assert (len(test), len(train)) == (30, COUNT - 30)
    assert np.bincount(test.labels).tolist() == [10, 10, 10]
    assert "30 images are the test split" in info.notes
    divided = library.add_large(saved(tmp_path, "divided.npz", **GIVEN["divided"]))
    assert len(load(divided.id, "test")) == 30 and divided.train == 300


REFUSED = {
    "compressed": (lambda path: np.savez_compressed(path, images=LEVELS), {}, "not be compressed"),
    "one image": (lambda path: np.savez(path, images=LEVELS[[0] * COUNT]), {}, "must differ"),
    "objects": (
        lambda path: np.savez(path, images=LEVELS, more=np.array([None] * 9)), {}, "Python objects"
    ),
    "transparency": (
        lambda path: np.savez(path, images=np.stack([LEVELS] * 4, 3)), {}, "1 or 3 channels, got 4"
    ),
    "size": (
        lambda path: np.savez(path, images=LEVELS), {"size": 16}, "must have their size already"
    ),
    "unlike parts": (
        lambda path: np.savez(path, x_train=LEVELS, x_test=LEVELS[:, :, :, None] / 255), {},
        "must be alike",
    ),
    "negative": (lambda path: np.savez(path, images=LEVELS.astype(int) - 9), {}, "not be negative"),
    "too small": (lambda path: np.savez(path, images=LEVELS[:, :4, :4]), {}, "pixels a side"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(name, tmp_path, monkeypatch):
    from models.data.read_options import ReadOptions

    monkeypatch.setattr(large, "MAX_BYTES", 1000)
    write, options, phrase = REFUSED[name]
    write(tmp_path / "bad.npz")
    sentence = refusal(library.add_large, tmp_path / "bad.npz", options=ReadOptions(**options))
    assert phrase in sentence
    assert os.listdir(library.library_dir()) == []


def test_a_set_takes_at_most_a_quarter_of_the_disk_and_what_is_free(tmp_path, monkeypatch):
    path = saved(tmp_path, **GIVEN["grey bytes"])
    usage = shutil.disk_usage(tmp_path)
    of_disk = lambda total, free: usage._replace(total=total, free=free)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", lambda _: of_disk(4 * LEVELS.nbytes - 4, 10**9))
    assert "at most a quarter of the disk" in refusal(library.add_large, path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: of_disk(10**9, LEVELS.nbytes - 1))
    assert "free for these images" in refusal(library.add_large, path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: of_disk(4 * LEVELS.nbytes, LEVELS.nbytes))
    assert library.add_large(path).count == COUNT


def test_bytes_become_the_floats_of_the_whole():
    levels = np.random.default_rng(0).integers(0, 4096, (50, 1, 8, 8), np.uint16)
    whole = to_unit(levels, 4095.0)
    images = ByteImages(levels, 4095.0, np.arange(0, 50, 2))
    assert images.shape == (25, 1, 8, 8) and len(images) == 25
    assert (images[np.array([3, 0, 3])] == whole[[6, 0, 6]]).all()
    assert (images[2:5] == whole[4:10:2]).all()
    assert (np.concatenate(list(images.chunks())) == whole[::2]).all()
    assert (first_images(images, 4 * 64 * 7) == whole[:14:2]).all()


def test_a_linear_start_is_that_of_floats():
    images = ByteImages(LEVELS[:, None], 255.0, np.arange(COUNT))
    models = [build_model(tiny().model) for _ in range(2)]
    for model, given in zip(
        models, (ImageStore(images, torch.device("cpu")), images[:]), strict=True
    ):
        start_linear(model, to_device(given, "cpu"))
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(first, second)


def test_training_on_bytes_is_training_on_floats(tmp_path):
    """The same steps, bit for bit, once both start at the same weights."""
    config = override(tiny(), data="noise")
    levels = LEVELS[:, None]
    images = ByteImages(levels, 255.0, np.arange(COUNT))
    whole = to_unit(levels, 255.0)
    runs = [Training(build_model(config.model), config, x, whole[:20]) for x in (images, whole)]
    assert isinstance(runs[0].train_images, ImageStore)
    mean = [run.model.decoder.layers[-1].bias for run in runs]
    assert torch.allclose(*mean, atol=1e-5)  # of the mean image, summed in another order
    runs[0].model.load_state_dict(runs[1].model.state_dict())
    for first, second in zip(*(run.events() for run in runs), strict=True):
        assert vars(first) | {"seconds": 0} == vars(second) | {"seconds": 0}
    for name, value in runs[0].state().items():
        assert torch.equal(value, runs[1].state()[name])


def test_images_are_held_where_they_are_few_and_mapped_where_they_are_many(tmp_path, monkeypatch):
    info = library.add_large(saved(tmp_path, **GIVEN["grey bytes"]))
    train = load(info.id, "train").images
    assert isinstance(train.levels, np.memmap)
    assert not isinstance(to_device(train, "cpu").images.levels, np.memmap)
    memory = large.psutil.virtual_memory()._replace(total=4 * train.levels.nbytes - 4)
    monkeypatch.setattr(large.psutil, "virtual_memory", lambda: memory)
    assert isinstance(to_device(train, "cpu").images.levels, np.memmap)


def test_the_command_line_trains_on_a_large_file(tmp_path):
    """From the file to the model, and again by the id."""
    path = saved(tmp_path, **GIVEN["colour last"])
    quick = ("--epochs", 1, "--hidden", 8, "--threads", 1, "--likelihood", "gaussian")
    said = call("train", "--data", path, *quick)
    (name,) = library.list_paths()
    assert f"{name}  noise: {COUNT} images, 3×8×8" in said
    again = Run.create(library.library_dir().parent, override(
        tiny(likelihood="gaussian", image_shape=(3, 8, 8)), data=name, batch_size=32
    ))  # fmt: skip
    list(execute(again))
    card = read(again.model_path).card
    assert card.data_fingerprint == library.read_custom(name).test_fingerprint
    assert card.metrics["images"] == 80


def test_a_run_whose_images_are_gone_says_so(tmp_path):
    info = library.add_large(saved(tmp_path, **GIVEN["grey bytes"]))
    (library.library_dir() / f"{info.id}.npy").unlink()
    with pytest.raises(DataError, match="damaged or missing"):
        load(info.id, "train")


def test_a_small_set_stays_in_one_file():
    images = CustomImages(LEVELS[:, None], 255.0, None, (), "noise")
    info = library.add(images)
    assert not info.is_large and os.listdir(library.library_dir()) == [f"{info.id}.npz"]
