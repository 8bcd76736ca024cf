"""The live map: a component that decodes in the browser, and the script that runs it.

Python sends addresses of files and a few numbers; the browser sends clicks and pins back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from explorer import map_look, state
from explorer.assets import bundle
from explorer.browser.loader import as_text, loader
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
    _component()(data=as_text(data), key=key, on_touch_change=on_touch)


class Touch(NamedTuple):
    """What the browser last said of a map: the address of its model ("" if it does not say), point,
    pins, look, and the inspector's choices."""

    model: str
    point: int | None
    pins: tuple[Pin, ...] | None
    look: dict[str, Any] | None
    tab: str
    z: tuple[float, ...] | None
    draw: int
    side: int
    beta: float


def touched(key: str) -> Touch:
    """Reads what the browser last said of a map.

    Raises:
        ValueError: If it is not what a map can say.
    """
    touch = st.session_state[key].touch
    try:
        point, look = touch["point"], touch["look"]
        return Touch(
            str(touch.get("model", "")),
            None if point is None else state.parse("point", point),
            state.pins_of(touch["pins"]),
            map_look.of_browser(look) or None,
            state.parse("panel", look["tab"]),
            state.parse("z", ",".join(map(str, look["z"]))) if look["z"] else None,
            state.parse("draw", look["draw"]),
            state.parse("side", look["side"]),
            state.parse("beta", look["beta"]),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("a map must say point, pins and look") from error
