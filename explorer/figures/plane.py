"""What figures of a latent plane share: the circles of the prior, and equal axes."""

from __future__ import annotations

import plotly.graph_objects as go

HEIGHT = 560


def draw_prior(figure: go.Figure, x: float, y: float) -> None:
    """Draws circles of 1, 2 and 3 standard deviations of the prior around its mean (x, y)."""
    for radius in (1, 2, 3):
        figure.add_shape(
            type="circle",
            x0=x - radius,
            x1=x + radius,
            y0=y - radius,
            y1=y + radius,
            line={"color": "rgba(128,128,128,0.6)", "width": 1, "dash": "dot"},
            layer="below",
            label={
                "text": f"{radius}σ of the prior" if radius == 3 else f"{radius}σ",
                "textposition": "top center",
                "font": {"size": 10, "color": "rgba(128,128,128,0.9)"},
            },
        )


def style_plane(figure: go.Figure, axis_titles: tuple[str, str], equal_axes: bool) -> go.Figure:
    """Sets height, margins and axes, and returns the figure.

    Args:
        figure: Its data are points of the plane.
        axis_titles: Horizontal and vertical, with units.
        equal_axes: Whether one unit is as long across as up.
    """
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 10, "r": 34, "t": 10, "b": 10},
        dragmode="pan",
        hovermode=False,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
    )
    figure.update_xaxes(title=axis_titles[0], zeroline=True, automargin=True)
    figure.update_yaxes(title=axis_titles[1], zeroline=True, automargin=True)
    if equal_axes:
        figure.update_yaxes(scaleanchor="x", constrain="domain")
        figure.update_xaxes(constrain="domain")
    return figure
