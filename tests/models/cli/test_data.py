"""The commands data …: what a set holds; the user's own images added, listed and removed."""

import numpy as np
import pytest

from models.cli.train import fit_to_data
from models.config import override
from models.data import library
from models.data.builtin import load_digits
from models.data.ingest import read_upload
from models.data.load import load
from models.presets import PRESETS
from models.runs.folder import list_runs
from models.storage.checkpoint import read
from tests.helpers.command_line import assert_refusal, call
from tests.helpers.images import NOISE, classes, flat, npz, read_zip, write_files
from tests.helpers.sentences import assert_sentence


@pytest.fixture(autouse=True)
def runs_dir(tmp_path, monkeypatch):
    """An empty folder of runs."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_the_command_line_adds_lists_trains_and_removes(tmp_path, runs_dir):
    write_files(tmp_path / "faces", classes(count=6))
    (tmp_path / "faces" / "a" / "notes.txt").write_text("hello")
    assert call("data", "list") == "None yet: python -m models data add PATH\n"
    said = call("data", "add", tmp_path / "faces", "--title", "Faces")
    assert "note: files that are no PNG" in said and "left out: 'a/notes.txt'" in said
    (name,) = library.list_paths()
    assert f"{name}  Faces: 12 images, 1×8×9, 10 to train, 2 to test, 2 classes" in said
    assert said.endswith(f"python -m models train --data {name}\n")
    said = call("train", "--data", name, "--epochs", 2, "--hidden", 8, "--threads", 1)
    assert "Batches of 4, as there are 10 images." in said
    (run,) = list_runs(runs_dir)
    card = read(run.model_path).card
    assert (card.data_name, card.class_names) == ("Faces", ("a", "b"))
    assert card.data_fingerprint == load(tmp_path / "faces", "test").fingerprint
    assert run.config().model.image_shape == (1, 8, 9)
    assert '"data": "Faces test"' in call("evaluate", run.id, "--json")
    assert "is removed" in call("data", "remove", name)
    assert name not in call("data", "list")
    sentence = call("evaluate", run.id, status=1)
    assert "was removed or never added" in sentence
    assert "is restored" in call("data", "remove", name, "--undo")
    assert "Faces: 12 images" in call("data", "list")


def test_a_batch_that_was_asked_for_is_not_lowered():
    facts = library.add(read_zip(*flat()))
    sentence = call("train", "--data", facts.id, "--batch-size", 64, status=1)
    assert "batch_size must be at most the 10 training images, got 64" in sentence


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_a_small_set(name):
    """A run is made whole from any preset, with pictures of another shape and few of them."""
    facts = library.add(read_upload([("mine.npz", npz(images=np.stack([NOISE] * 3, axis=3)))]))
    config = fit_to_data(override(PRESETS[name], data=facts.id), None, lower_batch=True)
    assert config.model.image_shape == (3, 8, 9)
    assert config.training.batch_size <= facts.train


@pytest.mark.parametrize("content", [b"", b"PK", b"hello"])
def test_images_that_cannot_be_used_are_refused_with_one_sentence(tmp_path, content):
    (tmp_path / "faces.zip").write_bytes(content)
    error = call("data", "add", tmp_path / "faces.zip", status=1)
    assert not library.library_dir().exists() and error.count("\n") == 1
    assert_sentence(error.removeprefix("Error: ").removesuffix(".\n"))


def test_data_show_says_what_there_is():
    train_line, test_line = call("data", "show", "digits").splitlines()
    expected = f"10 classes, fingerprint {load_digits('train').fingerprint}"
    assert train_line == f"digits train: 1297 images, 1×8×8, {expected}"
    assert test_line.startswith("digits test: 500 images, 1×8×8, 10 classes, fingerprint ")
    assert_refusal(call("data", "show", "none", status=1), "a .zip of images or a folder of images")
    assert_refusal(call("data", "download", "imagenet", status=1), "got 'imagenet'")
