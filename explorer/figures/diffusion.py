"""Diffusion in a latent plane: points on their way from noise to codes, and the score as arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.figures.plane import draw_prior, style_plane
from explorer.figures.theme import NEUTRAL, PALETTE, translucent

ARROW = 0.8
"""Length of the longest arrow, as a share of the distance between two."""
PIN = 0.22
"""Where in an image its pin is, from the left and from the top, as a share of its side."""
CELL = 57
"""Side of an image of the plane of noise, its gap included, in pixels."""
FRAME_MS = 120
"""How long each frame of the film stays."""


def latent_flow(
    times: Sequence[int],
    points: np.ndarray,
    noised: np.ndarray,
    grid: np.ndarray,
    arrows: np.ndarray,
    axis_titles: tuple[str, str],
    followed: int = 0,
    has_prior: bool = True,
) -> go.Figure:
    """Draws the frames of a diffusion process, with t as a slider and a button that plays them.

    Args:
        times: t of every frame, falling, F of them.
        points: On their way to the codes, shape (F, N, 2).
        noised: The codes with the noise of t, shape (F, M, 2).
        grid: Where the arrows start, shape (G, 2); it fills the plane that is shown.
        arrows: The score there, shape (F, G, 2); drawn with lengths that rise with it, up to one.
        axis_titles: Horizontal and vertical, with units.
        followed: How many of the points are numbered, from the first.
        has_prior: Whether circles of the prior are drawn.

    Returns:
        A figure of four traces and F frames; it opens at the first.

    Example:
        >>> still = np.zeros((2, 4, 2))
        >>> grid, arrows = np.zeros((9, 2)), np.zeros((2, 9, 2))
        >>> figure = latent_flow([1, 0], still, still, grid, arrows, ("", ""))
        >>> len(figure.data), len(figure.frames)
        (4, 2)
    """
    data = [_traces(points[i], noised[i], grid, arrows[i], followed) for i in range(len(times))]
    frames = [go.Frame(data=data[i], name=str(time)) for i, time in enumerate(times)]
    figure = go.Figure(data[0], frames=frames)
    if has_prior:
        draw_prior(figure, 0.0, 0.0)
    style_plane(figure, axis_titles, equal_axes=True)
    edge = 0.04 * np.ptp(grid, 0)
    low, high = grid.min(0) - edge, grid.max(0) + edge
    figure.update_xaxes(range=[low[0], high[0]])
    figure.update_yaxes(range=[low[1], high[1]])
    figure.update_layout(
        sliders=[_slider(times)], updatemenus=[_buttons()], height=680,
        margin={"l": 10, "r": 34, "t": 10, "b": 10},
    )  # fmt: skip
    return figure


def noise_plane(
    source: str, side: int, pins: Sequence[int], marked: Sequence[int] = ()
) -> go.Figure:
    """Draws a square of decoded images with pins; its first trace has a point on each image.

    Args:
        source: The square as a picture, an address or its data.
        side: Images each way.
        pins: Numbers of pinned images, row by row from the top left, named A, B and so on.
        marked: Numbers of images with a frame.

    Example:
        >>> figure = noise_plane("data:,", 3, [0, 8])
        >>> len(figure.data[0].x), list(figure.data[2].text)
        (9, ['A', 'B'])
    """
    pixels = side * CELL
    frame = {"width": 2, "color": PALETTE[0]}
    picture = {
        "source": source, "x": 0, "y": 0, "sizex": side, "sizey": side, "sizing": "stretch",
        "xref": "x", "yref": "y", "layer": "below",
    }  # fmt: skip
    figure = go.Figure(
        [
            _on_images(range(side * side), side, {"size": CELL - 2, "opacity": 0}),
            _on_images(
                marked, side, {"size": CELL - 6, "color": "rgba(0,0,0,0)", "line": frame}
            ),
            _on_images(
                pins, side, {"size": 20, "color": PALETTE[6]}, PIN, mode="markers+text",
                text=[chr(65 + place) for place in range(len(pins))], textfont={"color": "white"},
            ),
        ],
        {"images": [picture], "showlegend": False, "dragmode": False, "width": pixels + 4,
         "height": pixels + 4, "margin": dict.fromkeys("lrtb", 2), "hovermode": "closest"},
    )  # fmt: skip
    hidden = {"visible": False, "showticklabels": False, "fixedrange": True}
    figure.update_xaxes(range=[0, side], **hidden)
    figure.update_yaxes(range=[side, 0], scaleanchor="x", **hidden)
    return figure


def _on_images(
    places: Sequence[int], side: int, marker: dict, at: float = 0.5, **options: Any
) -> go.Scatter:
    """Points on images, in the middle or nearer the top left; a click on one dims no other."""
    marker = {"symbol": "square", "opacity": 1} | marker
    same = {"marker": {"opacity": marker["opacity"]}}
    skips = None if marker["opacity"] == 0 else "skip"
    rows, columns = np.divmod(np.array(places, int), side)
    return go.Scatter(
        x=columns + at, y=rows + at, marker=marker, hoverinfo=skips or "none",
        selected=same, unselected=same, **{"mode": "markers", **options},
    )  # fmt: skip


def _traces(
    points: np.ndarray, noised: np.ndarray, grid: np.ndarray, arrows: np.ndarray, followed: int
) -> list[go.Scatter]:
    shafts, heads, angles = _arrows(grid, arrows)
    labels = [str(n + 1) if n < followed else "" for n in range(len(points))]
    return [
        go.Scatter(
            x=noised[:, 0], y=noised[:, 1], mode="markers", name="codes with the noise of t",
            marker={"size": 4, "color": PALETTE[3], "opacity": 0.45},
        ),
        go.Scatter(
            x=shafts[:, 0], y=shafts[:, 1], mode="lines", name="score ∇ ln p(z, t)",
            line={"width": 1, "color": NEUTRAL}, legendgroup="score",
        ),
        go.Scatter(
            x=heads[:, 0], y=heads[:, 1], mode="markers", showlegend=False, legendgroup="score",
            marker={"symbol": "triangle-up", "size": 6, "angle": angles, "color": NEUTRAL},
        ),
        go.Scatter(
            x=points[:, 0], y=points[:, 1], mode="markers+text", name="draws from N(0, I)",
            text=labels, textposition="top center", textfont={"size": 13},
            marker={
                "size": [9 if label else 6 for label in labels],
                "color": [PALETTE[6] if label else PALETTE[0] for label in labels],
                "line": {"width": 0.5, "color": translucent("#000000", 0.6)},
            },
        ),
    ]  # fmt: skip


def _arrows(grid: np.ndarray, arrows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shafts as a line with gaps (3G, 2), heads (G, 2) and their angles in degrees from up."""
    side = max(2, round(len(grid) ** 0.5))
    longest = ARROW * float(np.ptp(grid[:, 0])) / (side - 1)
    size = np.linalg.norm(arrows, axis=1, keepdims=True)
    ends = grid + arrows / (size + 1e-9) * longest * size / (1 + size)
    gaps = np.full_like(grid, np.nan)
    shafts = np.stack([grid, ends, gaps], 1).reshape(-1, 2)
    return shafts, ends, np.degrees(np.arctan2(arrows[:, 0], arrows[:, 1]))


def _slider(times: Sequence[int]) -> dict:
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": False},
             "transition": {"duration": 0}}  # fmt: skip
    steps = [
        {"method": "animate", "label": str(time), "args": [[str(time)], still]} for time in times
    ]
    return {
        "steps": steps, "x": 0.16, "len": 0.84, "y": -0.08, "pad": {"t": 24},
        "currentvalue": {"prefix": "noise step t = ", "xanchor": "right"},
    }  # fmt: skip


def _buttons() -> dict:
    play = {"frame": {"duration": FRAME_MS, "redraw": False}, "fromcurrent": True,
            "transition": {"duration": FRAME_MS}}  # fmt: skip
    stop = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}}
    return {
        "type": "buttons", "direction": "left", "x": 0, "xanchor": "left", "y": -0.08,
        "yanchor": "top", "pad": {"t": 30}, "showactive": False,
        "buttons": [
            {"label": "Play", "method": "animate", "args": [None, play]},
            {"label": "Pause", "method": "animate", "args": [[None], stop]},
        ],
    }  # fmt: skip
