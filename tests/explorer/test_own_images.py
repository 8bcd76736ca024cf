"""Your own images on the train page: handed over, previewed, added, trained on, removed."""

import io
import zipfile

import numpy as np
import pytest
from drive import open_view, press, said, settle
from PIL import Image
from pages import OUTPUT, take_picture
from pages import settle as settle_page
from screens import wait

from explorer import cache, state, trainings
from explorer.controls import plain
from explorer.views import own_images
from models import own, uploads
from models.config import PRESETS
from models.data import load
from models.own import OwnImages
from models.runs import Run, execute, list_runs

CLASSES = ("dot", "bar")


def drawn(place, kind):
    """A picture of 20 × 20 pixels: a red dot or a blue bar."""
    levels = np.zeros((20, 20, 3), np.uint8)
    if kind == "dot":
        levels[place % 10 + 3 : place % 10 + 7, 8:12, 0] = 255
    else:
        levels[place % 10 + 5, :, 2] = 200
    return levels


def png(levels, format="PNG"):
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, format)
    return stream.getvalue()


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def shapes(count=20):
    """A zip of one folder with one folder per class."""
    return zipped(
        {
            f"shapes/{kind}/{place:02}.png": png(drawn(place, kind))
            for kind in CLASSES
            for place in range(count)
        }
    )


def hand(at, *files, folder=False):
    """Puts files into an uploader."""
    name = "own-folder" if folder else "own-files"
    uploader = next(each for each in at.file_uploader if each.key.startswith(name))
    uploader.set_value([(name, content, "application/octet-stream") for name, content in files])
    return settle(at)


def labels(at):
    return {button.label for button in at.button}


def added(title="Shapes", count=20):
    return own.add(uploads.read_upload([("shapes.zip", shapes(count))]), title)


def field(at, name):
    return next(s for s in (*at.selectbox, *at.number_input) if s.key == f"control-{name}")


def test_a_zip_is_shown_named_added_and_chosen(no_runs, shown):
    at = hand(open_view("train"), ("shapes.zip", shapes()))
    assert "40 images of 20 × 20 pixels, in colour, 32 to train and 8 to test" in said(at)
    assert f"2 classes: {plain('bar (20), dot (20)')}" in said(at)
    pictures = [levels for name in CLASSES for levels in shown[name]]
    assert len(pictures) == cache.SAMPLES
    assert (shown["dot"][0][::3, ::3] == drawn(0, "dot")).all()
    assert not own.list_paths()
    at.text_input("own-title").set_value("My shapes")
    at = press(at, "Add these images")
    (name,) = own.list_paths()
    assert "“My shapes” was added" in said(at)
    assert field(at, "data").value == name and "My shapes" in field(at, "data").options
