"""The trade-off's slider as a component: β moves map, images and the point on the curve."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer import state
from explorer.assets import bundle
from explorer.browser.loader import as_text, loader


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "beta_slider",
        html=bundle.markup("beta_slider/slider"),
        css=bundle.style(),
        js=loader("betaSlider"),
        isolate_styles=False,
    )


def beta_slider(data: dict[str, Any], key: str, on_choice: Callable[[], None]) -> None:
    """Places the slider.

    Args:
        data: As `SliderData` in slider.js; JSON only.
        key: Of the component.
        on_choice: Called when the slider comes to rest or a run is clicked; `chosen(key)` tells.
    """
    loader("betaSlider")  # the script stays published
    _component()(data=as_text(data), key=key, on_choice_change=on_choice)


def chosen(key: str) -> tuple[float, str | None]:
    """Reads what the browser last said: β, and the id of the run that was clicked or None.

    Raises:
        ValueError: If it is not what a slider can say.
    """
    choice = st.session_state[key].choice
    try:
        beta, run = state.parse("beta", choice["beta"]), choice["run"]
        return beta, None if run is None else state.parse("run", run)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("a slider must say β and run") from error
