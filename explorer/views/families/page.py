"""The families of models: each at work, and all of them on equal terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from explorer import state
from explorer.services import catalogue, warm_up
from explorer.views import model_picker
from explorer.views.families import compare, mode_collapse, see
from explorer.widgets import inputs


class Part(NamedTuple):
    """A part of the page: its name, and what shows it."""

    name: str
    show: Callable[[], None]


PARTS = {
    "see": Part("See it", see.show),
    "compare": Part("Compare", compare.show),
    "modes": Part("Mode collapse", mode_collapse.show),
}


def show() -> None:
    """Shows the whole screen."""
    state.load()
    model_picker.warn(catalogue.list_models()[1])
    labels = {key: part.name for key, part in PARTS.items()}
    chosen = inputs.segments("families", "What to do", labels, label_visibility="collapsed")
    if catalogue.all_models():
        PARTS[chosen].show()
    else:
        model_picker.say_none()
    state.publish()
    warm_up.start()
