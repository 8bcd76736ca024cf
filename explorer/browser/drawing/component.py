"""The pad: a digit drawn with mouse, finger or pen; Python hears each finished stroke."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from explorer.assets import bundle
from explorer.browser.loader import as_text, loader

SIDE, HEIGHT = 260, 372
"""Width of the pad, and height with its buttons, in pixels, as in draw.css."""

_FOLDER = Path(__file__).parent


@functools.cache
def _component(digits: tuple[int, ...]) -> Callable[..., Any]:
    """The component with a button for each of these examples."""
    buttons = (
        f'<button data-digit="{digit}" aria-label="Example of a {digit}">{digit}</button>'
        for digit in digits
    )
    return st.components.v2.component(
        "latent_draw",
        html=bundle.markup("drawing/pad").format(examples="".join(buttons)),
        css=(_FOLDER / "draw.css").read_text(encoding="utf-8"),
        js=loader("drawingPad"),
    )


def pad(
    strokes: Any, examples: Mapping[int, Sequence[np.ndarray]], key: str, on_draw: Callable
) -> None:
    """Places the pad.

    Args:
        strokes: What it shows when it comes to the page; once there it keeps its own.
        examples: Ready drawings by their names, each a list of strokes of shape (P, 2).
        key: Of the component.
        on_draw: Called after every finished change; `drawn(key)` then tells the drawing.
    """
    loader("drawingPad")  # the script stays published
    ready = {digit: [stroke.tolist() for stroke in them] for digit, them in examples.items()}
    _component(tuple(examples))(
        data=as_text({"strokes": strokes, "examples": ready}),
        key=key,
        width=SIDE,
        height=HEIGHT,
        on_strokes_change=on_draw,
    )


def drawn(key: str) -> Any:
    """The strokes that the browser has sent: anything, until they are checked."""
    return st.session_state[key].strokes
