"""Drives one view with AppTest: opens it by a link, works its controls, reads its charts."""

import base64
import json
import re

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.helpers.processes import PATIENCE


def open_view(name, **link):
    """The view that a link opens; nothing may be raised."""
    script = f"from explorer.views.{name} import page\npage.show()\n"
    at = AppTest.from_string(script, default_timeout=PATIENCE)
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


def component_data(element):
    """What Python tells a component of the browser."""
    return json.loads(json.loads(element.proto.json)["text"])


def said(at):
    """All that is written, as one text; its no-break spaces as plain ones."""
    kinds = (at.markdown, at.caption, at.info, at.success, at.warning, at.error, at.toast)
    text = " ".join(element.value for kind in kinds for element in kind)
    return text.replace("\xa0", " ")


def told(at):
    """What Python tells the one component of the page."""
    (element,) = at.get("bidi_component")
    return component_data(element)


def charts(at):
    """Every chart by its key, as the browser gets it; each axis says what it is and its unit."""
    found = {}
    for element in at.get("plotly_chart"):
        figure = json.loads(element.proto.spec)
        assert_labelled(figure)
        found[re.search(r"chart-([\w-]+)", element.proto.id)[1]] = figure
    return found


UNITLESS = {
    "epoch",
    "step",
    "latent",
    "KL weight",
    "samples averaged, n",
    "samples of z for each estimate, k",
    "samples of z per image",
    "images per step",
    "latents",
    "active latents",
    "steps until half the way",
    "β",
    "classes hit",
    "noise step t",
}
SHARES = ("share of", "sharpness of", "largest difference")
"""Titles of shares begin so: they have no unit."""
UNITS = r"nats|codes|no unit|prior s|grey levels|seconds|squared features|\(0 to 1\)|degrees"


def assert_labelled(figure):
    """Axes that show numbers have a title with a unit, and all numbers can be drawn."""
    axes = {name: axis for name, axis in figure["layout"].items() if re.match(r"[xy]axis", name)}
    for name, axis in ({"xaxis": {}, "yaxis": {}} | axes).items():
        hidden = axis.get("showticklabels") is False or axis.get("matches")
        title = axis.get("title", {}).get("text", "")
        categories = any(isinstance(v, str) for t in figure["data"] for v in column(t, name[0]))
        if not (hidden or categories):
            known = title in UNITLESS or title.startswith(SHARES)
            assert known or re.search(UNITS, title), (name, title)
    for trace in figure["data"]:
        for axis in "xy":
            numbers = [v for v in column(trace, axis) if not isinstance(v, str)]
            assert np.isfinite(np.array(numbers, float)).all()


def column(trace, name):
    """Values of a trace, as Plotly sends them."""
    values = trace.get(name, [])
    if isinstance(values, list):
        return values
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = [int(side) for side in values.get("shape", "").split(",") if side]
    return (flat.reshape(shape) if shape else flat).tolist()
