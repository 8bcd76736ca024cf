"""What the experiments share: the sentence of what to see, and a button for other samples."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import inputs
from explorer.widgets.text import typeset


def see(sentence: str) -> None:
    """Shows the one sentence."""
    st.markdown(typeset(sentence))


def draw_again() -> None:
    """Shows a button for other random numbers."""
    seed = (state.get("draw") + 1) % 1_000_000
    inputs.button("Draw again", lambda: state.put(draw=seed))


def image_number(model: LoadedModel) -> int:
    """Asks for the number of a test image: the selected one, or the first."""
    last = len(model.codes) - 1
    label = f"Test image (0 to {last})"
    point = inputs.number("point", label, last, width=190, placeholder="0")
    return point or 0
