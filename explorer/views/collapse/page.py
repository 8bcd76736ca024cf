"""Posterior collapse: one model's diagnosis, and remedies trained beside it."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.services import warm_up
from explorer.views import model_picker
from explorer.views.collapse import diagnosis, remedies


def show() -> None:
    """Shows the whole screen."""
    state.load()
    model = model_picker.show("collapsed")
    if model is not None and diagnosis.show(model):
        if model.adapted is None:
            remedies.show(model)
        elif model.is_whole:
            st.caption("Remedies are training runs, and a custom model is trained elsewhere.")
    state.publish()
    warm_up.start()
