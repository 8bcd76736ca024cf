"""A VQ-VAE at work: images as tokens, changed by hand, drawn from the prior, walked through."""

from __future__ import annotations

import streamlit as st

from explorer.browser.token_editor.component import token_editor
from explorer.services import token_editor as services
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets.text import plain


def show(model: LoadedModel) -> None:
    """Shows the editor of a model's tokens; all that it does happens in the browser."""
    if model.problem:
        st.error(f"This model cannot be used: {plain(model.problem)}. Choose another.")
        return
    st.markdown(
        "The encoder turns each image into a grid of **tokens**: for every place it names the code "
        "in the codebook that is nearest to its vector. The decoder sees only these codes. A "
        "**prior** has learned which grids occur, token by token: it makes new images, and what it "
        "charges for a grid is the rate R. Choose a tile, then another code for it."
    )
    token_editor(services.model_url(model), services.colours(model), "token-editor")
    if model.test_images is None:
        st.caption(model_picker.missing_images(model))
