"""Figures of known factors: matrices of latents and factors, and scores as a code turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.theme import ABOVE, NEUTRAL, NO_MARGIN, PALETTE, plain_text

LINES = ("solid", "dash", "dot")


def matrix(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    half: np.ndarray | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    row_pixels: int = 36,
) -> go.Figure:
    """Draws a matrix with its numbers in its cells, the first row on top.

    Args:
        values: Shape (R, C).
        rows: Names of the rows.
        columns: Names of the columns.
        half: Half-widths of intervals, written behind the numbers; None: none.
        limits: Of the colours; below zero they run from red over grey to blue.
        row_pixels: Height of a row.

    Example:
        >>> matrix(np.eye(2), ["z₁", "z₂"], ["x", "y"]).data[0].text[0][0]
        '1.00'
    """
    scale = "RdBu" if limits[0] < 0 else "Blues"
    figure = go.Figure(
        go.Heatmap(
            z=values, x=[plain_text(name) for name in columns], y=list(rows),
            text=_texts(values, half),
            texttemplate="%{text}", textfont={"size": 11}, colorscale=scale, zmin=limits[0],
            zmax=limits[1],
            showscale=False, xgap=1, ygap=1, hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(height=60 + row_pixels * len(rows), margin=NO_MARGIN)
    figure.update_yaxes(autorange="reversed", automargin=True, type="category")
    figure.update_xaxes(side="top", type="category")
    return figure


def _texts(values: np.ndarray, half: np.ndarray | None) -> list[list[str]]:
    """The numbers of the cells."""
    if half is None:
        return [[f"{v:z.2f}" if np.isfinite(v) else "—" for v in row] for row in values]
    return [
        [f"{v:z.2f}<br>± {h:z.2f}" for v, h in zip(row, halves, strict=True)]
        for row, halves in zip(values, half, strict=True)
    ]


def turned(
    angles: Sequence[float], scores: Mapping[str, Sequence[float]], here: float
) -> go.Figure:
    """Draws scores over the angle by which a code is turned.

    Args:
        angles: Degrees.
        scores: By name, one for each angle, 0 to 1.
        here: The angle that is marked.

    Example:
        >>> len(turned([0, 45], {"MIG": [1.0, 0.0]}, 45).data)
        1
    """
    figure = go.Figure()
    for place, (name, values) in enumerate(scores.items()):
        line = {"color": PALETTE[place % len(PALETTE)], "width": 2}
        line["dash"] = LINES[place // len(PALETTE) % len(LINES)]
        figure.add_scatter(
            x=list(angles), y=list(values), name=name, mode="lines+markers", line=line,
            hovertemplate=f"{name} at %{{x}}°: %{{y:.2f}}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(here, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_layout(height=380, margin=NO_MARGIN | {"t": 70}, legend=ABOVE)
    figure.update_xaxes(title="turned by, degrees", tickvals=list(angles))
    figure.update_yaxes(title="score (0 to 1)", range=[-0.03, 1.05])
    return figure
