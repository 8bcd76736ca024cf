"""A plan for ten minutes with a class: from holes to walks, one stop after the other."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.widgets import inputs
from models.lessons.table import TEN_MINUTES, Stop

TITLE = "Ten minutes with a class"


def show() -> None:
    """Shows the stops; each opens in this tab, and Back returns here."""
    st.markdown(f"## {TITLE}")
    st.markdown(
        "What a VAE is, in this order, a minute or so for each. All of it is measured already, so "
        "that nothing has to be waited for. The Back button of the browser returns to this list."
    )
    with st.container(gap="small"):
        for number, stop in enumerate(TEN_MINUTES, 1):
            _stop(number, stop)


def _stop(number: int, stop: Stop) -> None:
    """A lesson, or another page with everything set."""
    label = f"{number}. {stop.title}"
    if isinstance(stop.to, str):
        id = stop.to
        inputs.button(label, lambda: state.put(lesson=id), type="tertiary", key=f"stop-{number}")
    else:
        state.page_link(label, stop.to.page, stop.to.settings)
