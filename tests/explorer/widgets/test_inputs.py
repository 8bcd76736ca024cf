"""Controls: what a browser falls back to when it has lost a widget, and pictures in a row."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from explorer.widgets import display, inputs
from tests.helpers.app_test import open_view

LINKS = {
    "latent_map": "model=digits-2d-beta-4&view=pca&x=2&y=1&colour=elbo&panel=grid&side=4",
    "latent_map ": "model=digits-2d-beta-4&z=0.5,-1.25",
    "lessons": "experiment=kl&mean=2&deviation=1.5",
    "lessons ": "experiment=gradient&target=-1&by=deviation",
    "lessons  ": "lesson=surprise&predicted=surprise~-&chance=0.2&belief=0.7",
    "lessons   ": "lesson=doctor&loss=bce&loss-pixels=sum&kl-weight=0.3&loss-latents=7",
    "trade_off": "seeds=3&betas=1,2&sweep=mnist-2d",
    "collapse": "warmup-percent=20&cycles=7&free-bits=0.5&capacity=9&beta-divisor=9",
    "train": "preset=digits-2d&latents=7&epochs=9&learning-rate=0.02&title=mine&hidden=9,9",
}
CLEARED = ("control-point", "control-run")
"""Empty is their default, or nobody could empty them."""


def fallback_and_value(widget):
    """What the browser starts a widget with, and what it shows."""
    default = widget.proto.default
    match widget.type:
        case "slider":
            return list(default), [widget.value]
        case "selectbox":
            return default, widget.index
        case "button_group":
            return list(default), list(widget.indices)
    return default, widget.value


@pytest.mark.parametrize("view", LINKS)
def test_what_a_widget_falls_back_to_is_what_it_shows(view, no_runs):
    link = dict(part.split("=") for part in LINKS[view].split("&"))
    at = open_view(view.strip(), **link)
    kinds = (at.slider, at.number_input, at.selectbox, at.button_group, at.text_input)
    found = {
        widget.key: fallback_and_value(widget)
        for kind in kinds
        for widget in kind
        if widget.key not in CLEARED
    }
    assert found and not at.toast
    assert {key: pair for key, pair in found.items() if pair[0] != pair[1]} == {}


def test_pictures_in_a_row_have_their_pixels_and_a_strangers_captions_as_they_are(monkeypatch):
    sent = []
    monkeypatch.setattr(inputs.st, "html", sent.append)
    grey = np.repeat(np.arange(48, dtype=np.uint8).reshape(6, 8, 1), 3, -1)
    colour = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)
    images = np.moveaxis(np.stack([grey, colour]) / 255, -1, 1)
    texts = ["5 · Δ 0.25", '"><script>alert(1)</script><b>&amp;']
    display.row(images, texts, 58)
    tree = ElementTree.fromstring(sent[0])
    assert {element.tag for element in tree.iter()} == {"div", "figure", "img", "figcaption"}
    assert [caption.text for caption in tree.iter("figcaption")] == texts
    assert [figure.get("style") for figure in tree.iter("figure")] == ["width: 56px"] * 2
    for image, levels, text in zip(tree.iter("img"), [grey, colour], texts, strict=True):
        head, data = image.get("src").split(",")
        assert head == "data:image/png;base64" and image.get("alt") == text
        found = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        assert (np.asarray(found) == levels).all()


def test_pictures_without_a_size_share_the_width(monkeypatch):
    sent = []
    monkeypatch.setattr(inputs.st, "html", sent.append)
    display.row(np.zeros((3, 1, 8, 8)), "abc")
    tree = ElementTree.fromstring(sent[0])
    assert "nowrap" in tree.get("style")
    styles = {figure.get("style") for figure in tree.iter("figure")}
    assert styles == {"flex: 1 1 0; min-width: 0"}
