"""The live map: a component that decodes in the browser, and the script that runs it.

Python sends addresses of files and a few numbers; the browser sends clicks and pins back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer import state
from explorer.assets import bundle
from explorer.browser.loader import loader
from explorer.state import Pin


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "latent_map",
        html=bundle.markup("latent_map/map"),
        css=bundle.style(),
        js=loader("liveMap"),
        isolate_styles=False,
    )


def latent_map(data: dict[str, Any], key: str, on_touch: Callable[[], None]) -> None:
    """Places a live map.

    Args:
        data: As `MapData` in types.js; JSON only.
        key: Of the component.
        on_touch: Called after a click or a change of the pins; `touched(key)` then tells them.
    """
    loader("liveMap")  # the script stays published
    _component()(data=data, key=key, on_touch_change=on_touch)


def touched(key: str) -> tuple[int | None, tuple[Pin, ...] | None]:
    """What the browser last said: the selected point, and the pins."""
    touch = st.session_state[key].touch
    point = touch["point"]
    return None if point is None else int(point), state.pins_of(touch["pins"])


def panel(key: str) -> str:
    """Places the panel of a map, empty until the pointer moves; the selector to find it by."""
    with st.container(key=key):
        st.html(bundle.PANEL)
    return f".st-key-{key} .latent-panel"
