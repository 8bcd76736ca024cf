"""The latent map: codes as points, with the circles of the prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.plane import draw_prior, style_plane
from explorer.figures.theme import PALETTE, SYMBOLS, class_marker, colour_bar, plain_text

MAX_NAMED = 30
"""Most classes written on the map and in the legend; the panel names those of larger sets."""
MAX_TRACES = len(PALETTE) * len(SYMBOLS)


def latent_scatter(
    positions: np.ndarray,
    axis_titles: tuple[str, str],
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    values: np.ndarray | None = None,
    value_title: str = "",
    equal_axes: bool = True,
    prior_centre: np.ndarray | None = None,
) -> go.Figure:
    """Draws the test set on a plane, one point per image, coloured by class or by a number.

    Args:
        positions: Shape (N, 2).
        axis_titles: Horizontal and vertical, with units.
        labels: Class of every point, shape (N,); one trace and legend entry per class, or one
            trace in all if there are very many.
        class_names: Their names, as plain text.
        values: Used instead of labels: a number per point, shape (N,).
        value_title: Its name and unit.
        equal_axes: Whether one unit is as long across as up.
        prior_centre: Where the prior's mean lies on the plane, shape (2,); draws its circles of
            1, 2 and 3 standard deviations.

    Returns:
        A figure whose points carry the index of their image as `customdata`. The live map
        (explorer/browser) describes them, so Plotly's own hover texts are off.

    Example:
        >>> figure = latent_scatter(np.zeros((3, 2)), ("z₁", "z₂"))
        >>> len(figure.data[0].x)
        3
    """
    figure = go.Figure(layout_template="none")
    size = float(np.clip(90 / np.sqrt(len(positions)) + 2.5, 3.5, 8))
    class_names = [plain_text(name) for name in class_names]
    for name, members, marker in _groups(labels, class_names, values, value_title, len(positions)):
        figure.add_scattergl(
            x=positions[members, 0],
            y=positions[members, 1],
            mode="markers",
            name=name,
            customdata=members.astype(np.int32),
            marker={"size": size, "opacity": 0.75, **marker},
        )
    if values is None and labels is not None and len(class_names) <= MAX_NAMED:
        _write_classes(figure, positions, labels, class_names)
    if prior_centre is not None:
        draw_prior(figure, *prior_centre.tolist())
    figure.update_layout(showlegend=1 < len(figure.data) <= MAX_NAMED)
    return style_plane(figure, axis_titles, equal_axes)


def _groups(
    labels: np.ndarray | None,
    class_names: Sequence[str],
    values: np.ndarray | None,
    value_title: str,
    count: int,
) -> list[tuple[str, np.ndarray, dict]]:
    """Name, points and marker of every trace."""
    everything = np.arange(count)
    if values is not None:
        return [("", everything, {"color": values, **colour_bar(values, value_title)})]
    if labels is None:
        return [("", everything, {"color": PALETTE[0]})]
    if len(class_names) > MAX_TRACES:
        return [("", everything, {"color": np.asarray(PALETTE)[labels % len(PALETTE)]})]
    return [
        (name, np.flatnonzero(labels == index), class_marker(index))
        for index, name in enumerate(class_names)
    ]


def _write_classes(
    figure: go.Figure, positions: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> None:
    """Every class's name at the median of its points: colour is never the only cue."""
    for index, name in enumerate(class_names):
        members = positions[labels == index]
        if len(members):
            x, y = np.median(members, 0)
            figure.add_annotation(
                x=x,
                y=y,
                text=f"<b>{name}</b>",
                showarrow=False,
                font={"size": 13, "color": "#ffffff"},
                bgcolor="rgba(30,36,48,0.66)",
                borderpad=2,
                captureevents=False,
            )
