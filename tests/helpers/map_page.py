"""Drives the page of the latent map with AppTest, and reads what it shows."""

import base64
import json
import re

import numpy as np
import torch
from streamlit.testing.v1 import AppTest

from explorer.assets import store
from explorer.widgets import pictures
from models.storage.checkpoint import read, restore
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")


def visit(**link):
    """The screen that a link opens; nothing may be raised."""
    at = AppTest.from_file(str(ROOT / "explorer" / "navigation.py"), default_timeout=PATIENCE)
    at.query_params.update(link)
    return settle(at)


def settle(at):
    at.run()
    assert [error.value for error in at.exception] == []
    return at


def choose(at, name, value):
    """Works the control of a setting, whichever kind it is."""
    for kind in (at.button_group, at.selectbox, at.number_input, at.slider):
        for widget in kind:
            if widget.key == f"control-{name}":
                widget.set_value(value)
                return settle(at)
    raise AssertionError(f"no control for {name}")


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    return settle(at)


def live_map(at, key="map"):
    """What a live map is told by Python; None if it is not on the screen."""
    for element in at.get("bidi_component"):
        if re.search(f"-{key}$", element.proto.id):
            return json.loads(element.proto.json)
    return None


def chart(at, key="map"):
    """The figure of a live map, as the browser fetches it; None if it is not there."""
    told = live_map(at, key)
    return None if told is None else json.loads(store.fetch(told["figure"]))


def bars(at):
    """The chart of KL per latent, as the browser gets it; None if it is not there."""
    charts = [element.proto for element in at.get("plotly_chart")]
    return json.loads(charts[0].spec) if charts else None


def unpacked(values):
    """An array as Plotly sends it."""
    if isinstance(values, list):
        return np.array(values)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = [int(side) for side in values.get("shape", "").split(",") if side]
    return flat.reshape(shape) if shape else flat


def points(figure):
    """Number of points of every trace."""
    return [len(unpacked(trace["x"])) for trace in figure["data"]]


def texts(at):
    """Everything that is written on the screen."""
    kinds = (at.markdown, at.caption, at.subheader, at.info, at.warning, at.error, at.toast)
    return [element.value.replace("\xa0", " ") for kind in kinds for element in kind]


def numbers_of(at):
    """The columns of the inspector's short table, by their headings; None without one."""
    found = [text for text in texts(at) if text.startswith("latent | ")]
    if not found:
        return None
    heads, _, *rows = (line.split(" | ") for line in found[0].replace("−", "-").split("\n"))
    return dict(zip(heads, zip(*rows, strict=True), strict=True))


def picture_of(images):
    """The first of the images as it is shown."""
    return pictures.to_levels(images)[0]


def decode(checkpoint, z):
    """What the model makes of a code, by torch alone."""
    with torch.inference_mode():
        return restore(checkpoint).decode(torch.as_tensor(np.atleast_2d(z)).float()).numpy()
