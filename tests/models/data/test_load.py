"""Names and paths: what loads, and what is refused."""

import os
import subprocess
import sys

import pytest

from models.data.builtin import (
    download,
    is_available,
)
from models.data.load import load
from tests.helpers.images import (
    refusal,
)
from tests.helpers.paths import ROOT


def test_importing_data_imports_no_heavy_library():
    code = (
        "import sys, models.data.load, models.data.ingest, models.data.drawing; "
        "print([name for name in ('torch', 'torchvision', 'sklearn', 'scipy', 'PIL', 'pandas')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("split", ["valid", "", None, 3, "TRAIN"])
def test_split_is_train_or_test(split):
    assert "split must be train or test" in refusal(load, "digits", split)


KNOWN = "data must be one of digits, sprites, sprites-colour, mnist, fashion-mnist, kmnist"


@pytest.mark.parametrize(
    "name, shown",
    [
        ("cifar", "cifar"),
        ("", "unnamed"),
        ("a\0b", "ab"),
        ("x" * 5000, "x" * 80),
        ("\u202egpj", "gpj"),
        ("\ud800", "unnamed"),
    ],
)
def test_unknown_names_are_refused(name, shown):
    assert refusal(is_available, name) == f"{KNOWN}, got {shown!r}"
    assert refusal(download, name) == f"{KNOWN}, got {shown!r}"
    others = "or the path of an .npz, a .zip of images or a folder of images"
    expected = f"{KNOWN}, {others}, got {shown!r}"
    assert refusal(load, name, "train") == expected


@pytest.mark.parametrize("name, kind", [(7, "int"), (None, "NoneType")])
def test_what_is_no_name_is_refused(name, kind):
    assert refusal(is_available, name) == f"{KNOWN}, got '{name}'"
    assert refusal(download, name) == f"{KNOWN}, got '{name}'"
    assert refusal(load, name, "train") == f"data must be a name or a path, got {kind}"


def test_what_is_no_file_is_refused(tmp_path):
    for missing in (tmp_path / "none.npz", "none.npz", f"{tmp_path}/faces", tmp_path / "faces"):
        name = "faces" if str(missing).endswith("faces") else "none.npz"
        assert refusal(load, missing, "train") == f"'{name}': there is no such file or folder"
    os.mkfifo(tmp_path / "pipe.npz")
    assert "'pipe.npz' must be a file or a folder" in refusal(load, tmp_path / "pipe.npz", "train")
