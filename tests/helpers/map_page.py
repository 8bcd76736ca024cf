"""Drives the page of the latent map with AppTest, and reads what it shows."""

import re

import numpy as np
import torch
from safetensors.numpy import load as load_tensors
from streamlit.testing.v1 import AppTest

from explorer.assets import store
from explorer.widgets import pictures
from models.storage.checkpoint import read, restore
from tests.helpers.app_test import component_data
from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE

DIGITS = read(ROOT / "checkpoints" / "digits-2d-beta-1.safetensors")


def visit(**link):
    """The screen that a link opens, without a model that of digits; nothing may be raised."""
    link.setdefault("model", "digits-2d-beta-1")
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
            return component_data(element)
    return None


def map_arrays(at, key="map", file="model"):
    """The arrays of a file that a live map fetches, by name; None if the map is not there."""
    told = live_map(at, key)
    return None if told is None else load_tensors(store.fetch(told[file]))


def count(at, key="map"):
    """How many points a live map shows; None if it is not there."""
    arrays = map_arrays(at, key)
    return None if arrays is None else len(arrays["distortion"])


def texts(at):
    """Everything that is written on the screen."""
    kinds = (at.markdown, at.caption, at.subheader, at.info, at.warning, at.error, at.toast)
    written = [element.value for kind in kinds for element in kind]
    written += [re.sub("<[^>]+>", "\n", element.proto.body) for element in at.get("html")]
    return [text.replace("\xa0", " ") for text in written]


def picture_of(images):
    """The first of the images as it is shown."""
    return pictures.to_levels(images)[0]


def decode(checkpoint, z):
    """What the model makes of a code, by torch alone."""
    with torch.inference_mode():
        return restore(checkpoint).decode(torch.as_tensor(np.atleast_2d(z)).float()).numpy()
