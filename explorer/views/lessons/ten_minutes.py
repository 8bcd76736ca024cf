"""A plan for ten minutes with a class: from holes to walks, one stop after the other."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.widgets import inputs
from models.lessons.lesson import Link
from models.lessons.table import TEN_MINUTES

TITLE = "Ten minutes with a class"


def show() -> None:
    """Shows the stops; each opens in this tab, and Back returns here."""
    st.markdown(f"## {TITLE}")
    st.markdown(
        "What a VAE is, in this order, a minute or so for each. All of it is measured already, so "
        "that nothing has to be waited for. The browser’s Back button returns here, step by step."
    )
    with st.container(gap=None, key="ten-minutes"):
        for number, stop in enumerate(TEN_MINUTES, 1):
            _stop(f"{number}. {stop.label}", stop)


def _stop(label: str, stop: Link) -> None:
    """A lesson, which this page shows, or another page with everything set."""
    if id := stop.settings.get("lesson"):
        inputs.button(label, lambda: state.put(lesson=id), type="tertiary", icon=state.ARROW)
    else:
        state.page_link(label, stop.page, stop.settings)
