"""The images of an adapter: named, held by the file, or given on the command line."""

import numpy as np
import pytest
import torch

from models.adapter.definitions import Definitions
from models.adapter.errors import AdapterError
from models.adapter.source import read_images
from tests.helpers.adapters import functions, measure, run
from tests.helpers.paths import ROOT

LEVELS = np.random.default_rng(0).integers(0, 256, (30, 8, 9, 3), np.uint8)
LEVELS[0, 0, 0], LEVELS[0, 0, 1] = 0, 255


def images(**given):
    return read_images(Definitions(functions(data=None, **given)), "own")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A function that writes an adapter beside `few.npz`, and runs it from another folder."""
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    monkeypatch.chdir(ROOT)

    def write(data):
        source = f"def encode(x): ...\ndef decode(z): ...\ndata = {data!r}\n"
        (tmp_path / "own.py").write_text(source)
        return run(tmp_path / "own.py")

    return write


def test_data_that_is_named_on_the_command_line_goes_first(tmp_path):
    np.savez(tmp_path / "few.npz", images=np.random.default_rng(0).random((60, 8, 8)))
    own = Definitions(functions())
    assert len(read_images(own, "own")) == 500
    assert len(read_images(own, "own", str(tmp_path / "few.npz"))) == 12


def test_a_path_in_the_file_is_relative_to_the_file(file, tmp_path):
    assert len(read_images(file("few.npz"), "own")) == 12
    assert len(read_images(file(str(tmp_path / "few.npz")), "own")) == 12


def test_a_path_that_leads_nowhere_is_named(file):
    with pytest.raises(AdapterError, match="a path from the adapter's own folder, but there is no"):
        read_images(file("other/few.npz"), "own")


def test_the_folder_of_the_command_is_not_searched(file, monkeypatch, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    np.savez(tmp_path / "elsewhere" / "more.npz", images=LEVELS)
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(AdapterError, match=r"there is no 'more\.npz' there"):
        read_images(file("more.npz"), "own")


LAYOUTS = {
    "(N, H, W, C)": lambda x: x,
    "(N, C, H, W)": lambda x: np.moveaxis(x, 3, 1),
    "int64": lambda x: x.astype(int),
    "int64 tensor": lambda x: torch.tensor(x).long(),
    "float": lambda x: x / 255,
    "float to 255": lambda x: x.astype(np.float32),
    "list": lambda x: x.tolist(),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_arrays_are_read_as_an_npz_holds_them(name):
    found = images(images=LAYOUTS[name](LEVELS))
    assert found.image_shape == (3, 8, 9) and len(found) == 30
    np.testing.assert_allclose(found.images, np.moveaxis(LEVELS, 3, 1) / 255, atol=1e-6)


def test_grey_images_need_no_channel():
    assert images(images=LEVELS[..., 0]).image_shape == (1, 8, 9)


def test_the_arrays_themselves_may_be_called_data(tmp_path):
    np.savez(tmp_path / "few.npz", images=LEVELS, labels=np.arange(30) % 3)
    with np.load(tmp_path / "few.npz") as opened:
        for data in (opened, dict(opened)):
            found = read_images(Definitions(functions(data=data)), "own")
            assert len(found) == 30 and found.class_names == ("0", "1", "2")
    assert len(read_images(Definitions(functions(data=LEVELS)), "own")) == 30


def test_which_of_two_counts_is_said():
    notes = measure(functions(images=LEVELS[:, :, :8, 0])).notes
    assert "the adapter defines data and images: data is shown" in notes
    assert not any("data is shown" in note for note in measure(functions()).notes)
    chosen = measure(functions(images=LEVELS[:, :, :8, 0]), data="digits").notes
    assert not any("data is shown" in note for note in chosen)
