"""Families of models compared: the quality of their images against what training took."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.theme import (
    ABOVE,
    NEUTRAL,
    NO_MARGIN,
    PALETTE,
    SYMBOLS,
    plain_text,
    shorten,
    translucent,
)

TICKS = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
"""Of a logarithmic axis."""


def quality_over_seconds(
    points: Sequence[tuple[str, str, float, float, float]], floor: float
) -> go.Figure:
    """Draws the Fréchet distance of drawn images over the seconds of training, both logarithmic.

    Args:
        points: Title, family, seconds, distance, half its interval (may be NaN) of every model.
        floor: The distance of real images, drawn as a line; NaN: none.

    Returns:
        A figure with one trace for each family; lower left is better.

    Example:
        >>> figure = quality_over_seconds([("a", "VAE", 9.0, 6.8, 1.2)], 0.3)
        >>> [trace.name for trace in figure.data]
        ['VAE']
    """
    figure = go.Figure(layout_template="none")
    for place, family in enumerate(dict.fromkeys(point[1] for point in points)):
        titles, _, seconds, distance, half = zip(
            *(p for p in points if p[1] == family), strict=True
        )
        figure.add_scatter(
            x=seconds, y=distance, mode="markers", name=plain_text(family),
            customdata=[plain_text(shorten(title)) for title in titles],
            error_y={"array": [0.0 if math.isnan(h) else h for h in half], "width": 3},
            marker={"color": PALETTE[place % len(PALETTE)], "size": 11,
                    "symbol": SYMBOLS[place % len(SYMBOLS)]},
            hovertemplate="%{customdata}<br>%{x:.3g} s, %{y:.3g}<extra></extra>",
        )  # fmt: skip
    if math.isfinite(floor) and floor > 0:
        figure.add_hline(floor, line={"color": NEUTRAL, "dash": "dot"})
        figure.add_annotation(
            text="real images", x=0, xref="x domain", xanchor="left", y=math.log10(floor),
            yanchor="bottom", showarrow=False,
        )  # fmt: skip
    figure.update_layout(height=360, margin=NO_MARGIN, legend=ABOVE, showlegend=True)
    ticks = {"type": "log", "tickvals": TICKS, "ticktext": [f"{tick:g}" for tick in TICKS]}
    figure.update_xaxes(title="seconds of training (wall clock)", **ticks)
    figure.update_yaxes(title="Fréchet distance (squared features)", **ticks)
    return figure


def class_shares(names: Sequence[str], drawn: Sequence[float], real: Sequence[float]) -> go.Figure:
    """Draws which share of new and of real images is of which class.

    Args:
        names: Of the classes.
        drawn: Share of new images, one for each class.
        real: Share of real images.

    Example:
        >>> [bar.name for bar in class_shares(["a", "b"], [1.0, 0.0], [0.5, 0.5]).data]
        ['new images', 'real images']
    """
    labels = [plain_text(shorten(name)) for name in names]
    figure = go.Figure(layout_template="none")
    for name, shares, colour in (
        ("new images", drawn, PALETTE[0]), ("real images", real, PALETTE[3])
    ):  # fmt: skip
        figure.add_bar(x=labels, y=list(shares), name=name, marker={"color": colour},
                       hovertemplate="%{x}: %{y:.1%}<extra></extra>")  # fmt: skip
    figure.update_layout(height=280, margin=NO_MARGIN, legend=ABOVE, barmode="group")
    figure.update_xaxes(title="class, as the judge sees it", type="category")
    figure.update_yaxes(title="share of images", tickformat=".0%")
    return figure


BINS = 25
"""Of a histogram of probabilities."""


def _around_a_half(scores: Sequence[float]) -> tuple[float, float]:
    """A range within 0 to 1 that has ½ in its middle and holds all scores."""
    half = min(0.5, 1.1 * max((abs(score - 0.5) for score in scores), default=0.0) + 0.001)
    return 0.5 - half, 0.5 + half


def score_histogram(real: Sequence[float], fake: Sequence[float]) -> go.Figure:
    """Draws how a discriminator's scores D of real and of new images are spread.

    Args:
        real: D of real images, 0 to 1; may be empty.
        fake: D of new images.

    Example:
        >>> [trace.name for trace in score_histogram([0.6], [0.4]).data]
        ['real images', 'new images']
    """
    low, high = _around_a_half([*real, *fake])
    figure = go.Figure(layout_template="none")
    for name, scores, colour in (
        ("real images", real, PALETTE[3]), ("new images", fake, PALETTE[0])
    ):  # fmt: skip
        if len(scores):
            heights, edges = np.histogram(scores, BINS, (low, high))
            figure.add_bar(
                x=(edges[:-1] + edges[1:]) / 2, y=heights / len(scores), width=(high - low) / BINS,
                name=name,
                marker={"color": translucent(colour, 0.6)},
                hovertemplate="D = %{x:.3f}: %{y:.1%}<extra></extra>",
            )  # fmt: skip
    figure.add_vline(0.5, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_layout(height=280, margin=NO_MARGIN, legend=ABOVE, barmode="overlay")
    figure.update_xaxes(title="D, probability of being real (0 to 1)", range=[low, high])
    figure.update_yaxes(title="share of images", tickformat=".0%")
    return figure


def score_course(steps: Sequence[int], real: Sequence[float], fake: Sequence[float]) -> go.Figure:
    """Draws the mean scores D of real and of new images over the training.

    Args:
        steps: Updates made.
        real: Mean D of real images, 0 to 1.
        fake: Mean D of new images.

    Example:
        >>> len(score_course([1, 2], [0.9, 0.6], [0.1, 0.4]).data)
        2
    """
    figure = go.Figure(layout_template="none")
    for name, scores, colour in (
        ("real images", real, PALETTE[3]), ("new images", fake, PALETTE[0])
    ):  # fmt: skip
        figure.add_scatter(x=list(steps), y=list(scores), name=name, mode="lines",
                           line={"color": colour, "width": 2})  # fmt: skip
    figure.add_hline(0.5, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_layout(height=280, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="mean D (0 to 1)", range=_around_a_half([*real, *fake]))
    return figure
