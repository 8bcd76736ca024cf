"""What all figures share: palette, margins, text made safe."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours that colour-blind readers can tell apart (Petroff, Accessible Color Sequences for
Data Visualization, 2021, arXiv:2107.02270)."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
SCALE = "Viridis"


def plain_text(name: str) -> str:
    """Escapes a name so that Plotly shows it as it is: no markup, no variable of a template."""
    return html.escape(name, quote=False).replace("%", "&#37;")


def class_marker(index: int) -> dict:
    """Returns colour and symbol of a class."""
    symbol = SYMBOLS[index // len(PALETTE) % len(SYMBOLS)]
    return {"color": PALETTE[index % len(PALETTE)], "symbol": symbol}


def colour_bar(values: np.ndarray, title: str) -> dict:
    """Makes a scale from the 1st to the 99th percentile, so that an outlier does not flatten it."""
    low, high = np.percentile(values.astype(float), [1, 99])
    high = max(high, low + 1e-6 * max(1.0, abs(low)))
    bar = {"title": {"text": title, "side": "top"}, "thickness": 12, "outlinewidth": 0}
    bar |= {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    return {"colorscale": SCALE, "cmin": low, "cmax": high, "colorbar": bar}


def latent_unit(has_prior: bool) -> str:
    """Returns the unit of a latent axis; an autoencoder has no prior to measure with."""
    return "prior standard deviations" if has_prior else "no unit"


def subscript(number: int) -> str:
    """Writes a whole number in subscript digits.

    Example:
        >>> "z" + subscript(12)
        'z₁₂'
    """
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


NEUTRAL = "rgba(128,128,128,0.9)"
"""Lines that are not data; visible on light and dark."""
NO_MARGIN = {"l": 10, "r": 10, "t": 26, "b": 10}
ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def threshold_colours(values: np.ndarray, threshold: float) -> list[str]:
    """Returns the first colour for values above the threshold, grey for the others."""
    return [PALETTE[0] if value > threshold else PALETTE[3] for value in values]


def translucent(colour: str, opacity: float = 0.18) -> str:
    """Returns a colour of the palette, nearly transparent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def count_axis(figure: go.Figure, counts: Sequence[int], title: str) -> None:
    """Gives the figure a logarithmic axis with a tick at every count."""
    texts = [f"{count:,}" for count in counts]
    figure.update_xaxes(title=title, type="log", tickvals=list(counts), ticktext=texts)


FAINT = 0.3
"""Opacity of runs that were not chosen."""
MAX_NAME = 40
"""Most characters of a run's title in a legend."""


def shorten(title: str, longest: int = MAX_NAME) -> str:
    """Cuts a title that is too long for a figure.

    Example:
        >>> shorten("a very long title", 8)
        'a very…'
    """
    return title if len(title) <= longest else f"{title[: longest - 1].strip()}…"
