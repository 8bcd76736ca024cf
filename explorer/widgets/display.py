"""What the pages show: pictures without loss, rows of them, and charts."""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from explorer.widgets import pictures


def picture(
    levels: np.ndarray, caption: str = "", width: int | str = "content", alt: str = ""
) -> None:
    """Shows a picture to the last level, named for those who do not see it.

    Args:
        levels: Shape (H, W, 3), uint8.
        caption: Below it, as plain text.
        width: In pixels, "content" for that of the picture, or "stretch".
        alt: What it is read out as, if not as its caption.
    """
    pixels = levels.shape[1] if width == "content" else width
    room = "width: 100%" if width == "stretch" else f"width: {pixels}px; max-width: 100%"
    own_width = "stretch" if width == "stretch" else "content"
    st.html(_figure(levels, caption, room, alt), width=own_width)


def row(images: np.ndarray, captions: Sequence[str], side: int | None = None) -> None:
    """Shows pictures with captions side by side: `shots` in one element.

    With an element and a file for each, the page would be sent several times as slowly.
    """
    st.html(shots(images, captions, side))


def shots(images: np.ndarray, captions: Sequence[str], side: int | None = None) -> str:
    """Writes pictures side by side as HTML with the pixels inside, which the browser enlarges.

    Args:
        images: Shape (N, C, H, W), in [0, 1].
        captions: Of each, as plain text.
        side: Length of the longer side on the screen, in pixels, about, of pictures that wrap
            where the page is narrow; None shares the width among them.
    """
    figures = map(_shot, pictures.to_levels(images), captions, itertools.repeat(side))
    wrap = "nowrap" if side is None else "wrap"
    return f'<div style="display: flex; flex-wrap: {wrap}; gap: 8px 16px">{"".join(figures)}</div>'


def _shot(levels: np.ndarray, caption: str, side: int | None) -> str:
    """A picture with its caption, as HTML."""
    room = "flex: 1 1 0; min-width: 0"
    if side is not None:
        room = f"width: {levels.shape[1] * pictures.factor(levels, side)}px"
    return _figure(levels, caption, room)


def _figure(levels: np.ndarray, caption: str, room: str, alt: str = "") -> str:
    """A picture with its caption and the style of its room, as HTML."""
    text, data = html.escape(caption), base64.b64encode(pictures.to_png(levels)).decode()
    below = f"<figcaption>{text}</figcaption>" if text else ""
    return (
        f'<figure class="shot" style="{room}">'
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt) or text}"/>'
        f"{below}</figure>"
    )


def chart(figure: go.Figure, key: str, clicked: Callable[[int], None] | None = None) -> None:
    """Shows a figure that can be saved as a picture, named after its key, and sent nowhere.

    One that can be clicked keeps its own size.

    Args:
        figure: What to show.
        key: Of the chart.
        clicked: Is told the number of the point that was clicked, before the next run.
    """
    saved = {"filename": key, "scale": 2}
    config = {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": saved,
        "showSendToCloud": False,
        "plotlyServerURL": "",
    }
    name = f"chart-{key}"
    selection = {} if clicked is None else _on_click(name, clicked)
    st.plotly_chart(figure, key=name, config=config, **selection)


def _on_click(name: str, clicked: Callable[[int], None]) -> dict[str, Any]:
    def tell() -> None:
        points = st.session_state[name]["selection"]["points"]
        if points and isinstance(points[0].get("point_index"), int):
            clicked(points[0]["point_index"])

    return {"on_select": tell, "selection_mode": "points", "width": "content"}
