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
from tests.helpers.images import NOISE, archive, classes, flat, npz, read_zip, write_files
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


def test_the_command_line_adds_as_many_sets_as_the_disk_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "MAX_SETS", 1)
    for count in (10, 11, 12):
        (tmp_path / "faces.zip").write_bytes(archive(*flat(count)))
        call("data", "add", tmp_path / "faces.zip")
    assert len(library.list_paths()) == 3


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


# --- how images are read -------------------------------------------------------------------------


@pytest.fixture
def dark(tmp_path):
    """Levels 0 to 16 in one byte each, as scikit-learn's digits are."""
    path = tmp_path / "dark.npz"
    np.savez(path, images=NOISE // 15, labels=np.arange(20) % 2)
    assert (NOISE // 15).max() in (16, 17)
    return path


def the_only_set():
    (name,) = library.list_paths()
    return library.read_custom(name)


@pytest.mark.parametrize(
    ("scale", "white", "words"),
    [
        ("auto", 17, "far below 255: taken as white"),
        ("none", 255, "the images are dark"),
        ("20", 20, "20 is white, as chosen"),
        ("8.5", 8.5, "they become white"),
    ],
)
@pytest.mark.parametrize("command", [["data", "add"], ["train", "--data"]])
def test_every_command_that_reads_images_takes_the_scale_and_says_it(
    dark, command, scale, white, words
):
    assert_scale_is_said(dark, command, scale, white, words)


@pytest.mark.parametrize(
    ("scale", "white", "words"),
    [
        ("20", 20, "20 is white, as chosen"),
        pytest.param("auto", 17, "far below 255: taken as white", marks=pytest.mark.slow),
        pytest.param("none", 255, "the images are dark", marks=pytest.mark.slow),
        pytest.param("8.5", 8.5, "they become white", marks=pytest.mark.slow),
    ],
)
def test_a_sweep_takes_the_scale_and_says_it(dark, scale, white, words):
    assert_scale_is_said(dark, ["sweep", "--data"], scale, white, words)


def assert_scale_is_said(dark, command, scale, white, words):
    said = call(*command, dark, "--scale", scale, *brief(command))
    assert words in said and the_only_set().scale == white


def brief(command):
    """Options for a run of a moment."""
    quick = ["--epochs", 1, "--hidden", 8, "--threads", 1]
    return {"data": [], "train": quick, "sweep": [*quick, "--betas", "1"]}[command[0]]


def test_training_on_a_file_adds_it_to_the_library(dark, runs_dir):
    """As `data add` does: the run finds its images though the file is gone."""
    said = call("train", "--data", dark, *brief(["train"]))
    (name,) = library.list_paths()
    assert f"{name}  dark: 20 images" in said and "note: the brightest value is" in said
    (run,) = list_runs(runs_dir)
    assert run.config().data == name
    dark.unlink()
    assert '"data": "dark test"' in call("evaluate", run.id, "--json")


def test_sets_lie_beside_the_runs_that_use_them(dark, tmp_path, runs_dir):
    """A folder of runs that is named on the command line is whole: a run there finds its images."""
    usual = library.add(read_zip(*flat()), "Usual").id
    for data in (dark, usual):
        call("train", "--runs-dir", tmp_path / "other", "--data", data, *brief(["train"]))
    other = list_runs(tmp_path / "other")
    assert {run.config().data for run in other} != {usual} and list_runs(runs_dir) == []
    assert list(library.list_paths()) == [usual]
    assert len(list((tmp_path / "other" / ".data").iterdir())) == 1
    for run in other:
        call("evaluate", run.id, "--runs-dir", tmp_path / "other")
        call("train", "--resume", run.id, "--runs-dir", tmp_path / "other")


def test_a_size_is_chosen_and_shown(tmp_path):
    large = np.random.default_rng(0).integers(0, 256, (12, 218, 178, 3), dtype=np.uint8)
    np.savez(tmp_path / "celebs.npz", images=large)
    assert_refusal(call("data", "add", tmp_path / "celebs.npz", status=1), "(--size 64 crops")
    assert "1×3" not in call("data", "show", tmp_path / "celebs.npz", "--size", 64)
    assert "3×64×64" in call("data", "add", tmp_path / "celebs.npz", "--size", 64)
    assert the_only_set().image_shape == (3, 64, 64)
    error = call("data", "add", tmp_path / "celebs.npz", "--size", 65, status=1)
    assert_refusal(error, "size must be 8 to 64 pixels")


def test_broken_files_are_listed_and_can_be_left_out(tmp_path):
    folder = write_files(tmp_path / "faces", classes(count=6))
    write_files(folder, [(f"a/broken {i}.png", b"x") for i in range(5)])
    error = call("data", "add", folder, status=1)
    listed = "'a/broken 0.png', 'a/broken 1.png', 'a/broken 2.png' and 2 more must be"
    assert_refusal(error, listed)
    assert "(--skip-broken leaves out what is broken)" in error
    said = call("data", "add", folder, "--skip-broken")
    assert "files that could not be read, left out: 'a/broken 0.png'" in said
    assert len(the_only_set()) == 12


@pytest.mark.parametrize("name", ["faces.npz", "./faces", "faces.zip", "x/faces.npy"])
@pytest.mark.parametrize("command", [["data", "add"], ["data", "show"], ["train", "--data"]])
def test_a_file_that_is_not_there_is_said_to_be_missing(command, name):
    shown = name.rpartition("/")[2]
    assert call(*command, name, status=1) == f"Error: '{shown}': there is no such file or folder.\n"


def test_options_of_reading_are_refused_where_nothing_is_read(dark):
    for options in (["--scale", 4], ["--size", 8], ["--skip-broken"]):
        error = call("train", "--data", "digits", *options, status=1)
        assert_refusal(error, "for images that --data reads from a file or a folder")
        assert_refusal(call("train", "--resume", "x", *options, status=1), "x")
    assert_refusal(call("data", "add", dark, "--scale", "dim", status=1), "scale must be auto")
