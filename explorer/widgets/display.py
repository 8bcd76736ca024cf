"""What the pages show: pictures without loss, rows of them, and charts."""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from explorer.widgets import pictures


def picture(levels: np.ndarray, caption: str | None = None, width: int | str = "content") -> None:
    """Shows a picture to the last level: Streamlit's JPEG would smear its pixels."""
    st.image(pictures.to_png(levels), caption, width, output_format="PNG")


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
    text, data = html.escape(caption), base64.b64encode(pictures.to_png(levels)).decode()
    room = "flex: 1 1 0; min-width: 0"
    if side is not None:
        room = f"width: {levels.shape[1] * pictures.factor(levels, side)}px"
    return (
        f'<figure style="margin: 0; {room}">'
        f'<img src="data:image/png;base64,{data}" alt="{text}" style="display: block; '
        'width: 100%; border-radius: 4px; image-rendering: pixelated"/>'
        '<figcaption style="font-size: 14px; line-height: 1.3; opacity: 0.6; text-align: center; '
        f'overflow-wrap: anywhere">{text}</figcaption></figure>'
    )


def chart(figure: go.Figure, key: str) -> None:
    """Shows a figure that can be saved as a picture, named after its key."""
    saved = {"filename": key, "scale": 2}
    config = {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": saved}
    st.plotly_chart(figure, key=f"chart-{key}", config=config)
