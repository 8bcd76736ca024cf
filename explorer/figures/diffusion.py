"""Diffusion in a latent plane: points on their way from noise to codes, and the score as arrows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.plane import draw_prior, style_plane
from explorer.figures.theme import NEUTRAL, PALETTE, translucent

ARROW = 0.8
"""Length of the longest arrow, as a share of the distance between two."""
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
