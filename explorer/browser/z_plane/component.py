"""The plane of codes as a component: whatever is under the pointer is decoded in the browser."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.assets import bundle
from explorer.browser.loader import as_text, loader


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "z_plane",
        html=bundle.markup("z_plane/plane"),
        css=bundle.style(),
        js=loader("zPlane"),
        isolate_styles=False,
    )


def z_plane(data: dict[str, Any], key: str) -> None:
    """Places the plane.

    Args:
        data: As `PlaneData` in plane.js; JSON only.
        key: Of the component.
    """
    loader("zPlane")  # the script stays published
    _component()(data=as_text(data), key=key)
