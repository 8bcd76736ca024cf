"""What the embedding projector reads: a row, a line and a picture for each code."""

import io

import numpy as np
import pytest
from PIL import Image

from models.export import projector
from models.export.projector import NAMES, projector_files
from models.latents.codes import Codes

CODES = Codes(
    np.arange(10.0).reshape(5, 2), np.zeros((5, 2)), np.full(5, 3.0), np.array([0, 1, 1, 0, 1])
)
CLASSES = ("cat", 'a "dog"')
IMAGES = np.linspace(0, 1, 5).reshape(5, 1, 1, 1) * np.ones((5, 1, 8, 9))


def table(content: bytes) -> list[list[str]]:
    """As the projector splits it: lines, then tabs."""
    return [line.split("\t") for line in content.decode().removesuffix("\n").split("\n")]


def test_rows_lines_and_pictures_are_in_one_order():
    files = projector_files(CODES, IMAGES, CLASSES)
    assert tuple(files) == NAMES
    assert np.array(table(files["tensors.tsv"]), float).tolist() == CODES.mean.tolist()
    head, *rows = table(files["metadata.tsv"])
    assert head == ["image", "class", "distortion_nats", "rate_nats", "negative_elbo_nats"]
    assert [row[:2] for row in rows] == [[str(n), CLASSES[CODES.labels[n]]] for n in range(5)]
    np.testing.assert_allclose([float(row[4]) for row in rows], CODES.negative_elbo, rtol=1e-5)
    sheet = np.asarray(Image.open(io.BytesIO(files["sprite.png"])))
    assert sheet.shape == (3 * 8, 3 * 9)
    for n in range(5):
        row, column = divmod(n, 3)
        part = sheet[row * 8 : row * 8 + 8, column * 9 : column * 9 + 9]
        assert (part == round(255 * n / 4)).all()
    dimensions = [line for line in files[NAMES[3]].decode().splitlines() if "dim" in line]
    assert [line.split()[1] for line in dimensions] == ["9", "8"], "width, then height"


def test_an_autoencoder_without_classes_has_no_rate_and_colours_stay():
    codes = Codes(CODES.mean, None, CODES.distortion, None)
    images = np.zeros((5, 3, 8, 8))
    images[:, 0] = 1
    files = projector_files(codes, images)
    assert table(files["metadata.tsv"])[0] == ["image", "distortion_nats"]
    sheet = np.asarray(Image.open(io.BytesIO(files["sprite.png"])))
    assert sheet[0, 0].tolist() == [255, 0, 0]


def test_a_full_sprite_keeps_the_first_codes(monkeypatch):
    monkeypatch.setattr(projector, "MAX_SIDE", 18)
    files = projector_files(CODES, IMAGES, CLASSES)
    assert len(table(files["tensors.tsv"])) == 4 and len(table(files["metadata.tsv"])) == 5


def test_there_must_be_an_image_for_each_code():
    with pytest.raises(ValueError, match="one image for each code, got 4 for 5"):
        projector_files(CODES, IMAGES[:4], CLASSES)
