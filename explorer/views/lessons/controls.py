"""What the experiments share: a row of inputs that a class may be spared, the sentence of what to
see, and a button for other samples."""

from __future__ import annotations

from contextlib import AbstractContextManager

import streamlit as st

from explorer import state
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets import inputs
from explorer.widgets.text import typeset


def are_hidden() -> bool:
    """Whether the link hides what can be set."""
    return "controls" in (state.get("hide") or ())


def hide_if_asked() -> None:
    """Takes every row of inputs off the page where the link says so; their values stay."""
    if are_hidden():
        st.html("<style>[class*='st-key-lesson-inputs'] {display: none}</style>")


def row(key: str) -> AbstractContextManager:
    """A row for inputs, which `?hide=controls` hides."""
    return st.container(horizontal=True, vertical_alignment="bottom", key=f"lesson-inputs-{key}")


def see(sentence: str) -> None:
    """Shows the one sentence."""
    st.markdown(typeset(sentence))


def draw_again(name: str = "draw", label: str = "Draw again") -> None:
    """Shows a button for other random numbers."""
    seed = (state.get(name) + 1) % 1_000_000
    inputs.button(label, lambda: state.put(**{name: seed}))


def image_number(model: LoadedModel) -> int:
    """Asks for the number of a test image: the selected one, or the first."""
    last = len(model.codes) - 1
    label = f"Test image (0 to {last})"
    point = inputs.number("point", label, last, width=190, placeholder="0")
    return point or 0


def usable_model(key: str, with_image: bool, with_seed: bool = True) -> tuple | None:
    """Asks for a model, and for a test image and other samples where they matter.

    Returns:
        The model and the number of the image; None, with the reason on the screen, if the model
        cannot be used.
    """
    with row(key):
        model = model_picker.show("model", needs_images=True, small=True)
        if model is None:
            return None
        point = image_number(model) if with_image else 0
        if with_seed:
            draw_again()
    if not model_picker.accepts(model):
        return None
    return model, point
