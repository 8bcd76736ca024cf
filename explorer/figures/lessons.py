"""Figures of a lesson's measurement: a quantity by condition, with intervals and repeats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from explorer.figures.theme import ABOVE, NEUTRAL, NO_MARGIN, PALETTE, translucent

ROOM = 0.12
"""Part of a logarithmic axis that a name needs."""
ROW_PIXELS = 38


class Bar(NamedTuple):
    """One condition: mean, half-width of the interval (may be infinite), and the repeats."""

    mean: float
    half: float
    repeats: Sequence[float]


def by_name(rows: Mapping[str, Bar], title: str) -> go.Figure:
    """Draws a quantity under named conditions, one below the other.

    Args:
        rows: By the name of the condition, the first on top.
        title: Of the quantity, with its unit.

    Example:
        >>> len(by_name({"a": Bar(1.0, 0.1, [0.9, 1.1])}, "error, nats").data)
        2
    """
    names = list(rows)
    figure = go.Figure()
    figure.add_scatter(
        x=[value for row in rows.values() for value in row.repeats],
        y=[name for name, row in rows.items() for _ in row.repeats],
        mode="markers", marker={"color": translucent(PALETTE[0]), "size": 7}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=[row.mean for row in rows.values()], y=names, mode="markers",
        marker={"color": PALETTE[0], "size": 10, "symbol": "diamond"},
        error_x=_errors(rows), hovertemplate="%{y}: %{x:.4g}<extra></extra>",
    )  # fmt: skip
    height = 70 + ROW_PIXELS * len(rows)
    figure.update_layout(height=height, margin=NO_MARGIN, showlegend=False)
    figure.update_xaxes(title=title)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    return figure


def by_number(
    rows: Mapping[float, Bar], title: str, axis: str, is_log: bool, mark: tuple[float, str] | None
) -> go.Figure:
    """Draws a quantity over a number.

    Args:
        rows: By the number.
        title: Of the quantity, with its unit.
        axis: Title of the number.
        is_log: Whether its axis is logarithmic.
        mark: A vertical line and what is written at it.

    Example:
        >>> len(by_number({1.0: Bar(1.0, 0.1, [1.0])}, "R, nats", "β", True, None).data)
        2
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[number for number, row in rows.items() for _ in row.repeats],
        y=[value for row in rows.values() for value in row.repeats],
        mode="markers", marker={"color": translucent(PALETTE[0]), "size": 7}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=list(rows), y=[row.mean for row in rows.values()], mode="lines+markers",
        marker={"color": PALETTE[0], "size": 9, "symbol": "diamond"},
        line={"color": PALETTE[0], "width": 1.5}, error_y=_errors(rows),
        hovertemplate=f"{axis} %{{x:g}}: %{{y:.4g}}<extra></extra>",
    )  # fmt: skip
    if mark is not None:
        place = math.log10(mark[0]) if is_log else mark[0]
        figure.add_vline(mark[0], line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=place, y=1, yref="paper", text=mark[1], showarrow=False, xanchor="left", xshift=4
        )
    figure.update_layout(height=320, margin=NO_MARGIN, showlegend=False)
    ticks = {"type": "log", "tickvals": list(rows), "ticktext": log_labels(list(rows))}
    figure.update_xaxes(title=axis, **(ticks if is_log else {}))
    figure.update_yaxes(title=title)
    return figure


def log_labels(values: Sequence[float]) -> list[str]:
    """Names values on a logarithmic axis; where two would touch, the smaller one has no name.

    Args:
        values: Positive and rising.

    Example:
        >>> log_labels([2, 20, 80, 120, 160, 200])
        ['2', '20', '80', '', '', '200']
    """
    names, last = [], math.inf
    room = ROOM * math.log(values[-1] / values[0])
    for value in reversed(values):
        is_apart = last - math.log(value) >= room
        last = math.log(value) if is_apart else last
        names.append(f"{value:zg}" if is_apart else "")
    return names[::-1]


def _errors(rows: Mapping[object, Bar]) -> dict:
    """Intervals, where there is more than one repeat."""
    halves = [row.half if math.isfinite(row.half) else 0.0 for row in rows.values()]
    return {"type": "data", "array": halves, "color": PALETTE[0], "width": 5, "thickness": 2}


def place_in_plane(
    rate: Sequence[float], distortion: Sequence[float], here: tuple[float, float], name: str
) -> go.Figure:
    """Draws a curve in the rate–distortion plane and one place on it.

    Args:
        rate: R along the curve, nats per image.
        distortion: D along it.
        here: R and D of the place.
        name: What is written there.

    Example:
        >>> len(place_in_plane([0, 1], [2, 1], (0.5, 1.5), "β = 1").data)
        2
    """
    figure = go.Figure()
    figure.add_scatter(
        x=rate, y=distortion, mode="lines", line={"color": PALETTE[0], "width": 2},
        hovertemplate="R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=here[:1], y=here[1:], mode="markers+text", text=[name], textposition="top right",
        marker={"color": PALETTE[1], "size": 13, "symbol": "diamond"},
        hovertemplate="this loss: R %{x:.2f}, D %{y:.2f} nats<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(height=340, margin=NO_MARGIN, showlegend=False)
    figure.update_xaxes(title="R, nats per image", rangemode="tozero")
    figure.update_yaxes(title="D, nats per image")
    return figure


def lines(
    x: Sequence[float], rows: Mapping[str, Sequence[float]], axis: str, title: str
) -> go.Figure:
    """Draws curves over one number.

    Args:
        x: Shape (G,).
        rows: By name, each of shape (G,).
        axis: Title of x, with its unit.
        title: Of the curves, with their unit.

    Example:
        >>> len(lines([0, 1], {"a": [1, 2], "b": [2, 1]}, "μ", "KL, nats").data)
        2
    """
    figure = go.Figure()
    for (name, values), colour in zip(rows.items(), PALETTE, strict=False):
        figure.add_scatter(
            x=x, y=values, name=name, mode="lines", line={"color": colour, "width": 2},
            hovertemplate=f"{name}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=280, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title=axis)
    figure.update_yaxes(title=title, rangemode="tozero")
    return figure
