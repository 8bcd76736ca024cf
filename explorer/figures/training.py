"""Curves over training runs: scores, KL per latent, several runs compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.figures.theme import (
    ABOVE,
    NEUTRAL,
    NO_MARGIN,
    PALETTE,
    SYMBOLS,
    plain_text,
    shorten,
    subscript,
)

MAX_CURVES = 20
"""Latents whose KL is drawn: those with the largest at the end."""


def training_curve(
    name: str,
    epochs: np.ndarray,
    train: np.ndarray | None,
    test: np.ndarray | None,
    marks: Sequence[tuple[float, str]] = (),
    unit: str = "nats per image",
) -> go.Figure:
    """Draws one score over a training run, on the training and the test set.

    Args:
        name: Of the score.
        epochs: Shape (E,), counted from 1.
        train: On the training set, shape (E,); None if it is not measured there.
        test: The same on the test set.
        marks: Epochs at which a setting was changed, and to what.
        unit: Of both; empty if they have none.

    Example:
        >>> figure = training_curve("D", np.arange(1, 3), np.ones(2), np.zeros(2))
        >>> [trace.name for trace in figure.data]
        ['training set', 'test set']
    """
    splits = (("training set", train, "dot", 1), ("test set", test, "solid", 0))
    curves = [
        _curve(
            epochs, curve, split, f"{name}, {split}",
            {"color": PALETTE[colour], "dash": dash, "width": 2}, unit.partition(" ")[0],
        )
        for split, curve, dash, colour in splits
        if curve is not None
    ]  # fmt: skip
    lines = [
        {
            "type": "line", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1, "yref": "y domain",
            "line": {"color": "#808080", "width": 1, "dash": "dash"},
        }
        for epoch, _ in marks
    ]  # fmt: skip
    texts = [
        {
            "text": plain_text(text), "x": epoch, "xanchor": "left", "y": 1, "yref": "y domain",
            "yanchor": "top", "showarrow": False, "font": {"size": 10},
        }
        for epoch, text in marks
    ]  # fmt: skip
    title = {"title": {"text": f"{name}, {unit or 'no unit'}"}}
    return _over_epochs(curves, yaxis=title, shapes=lines, annotations=texts)


def _curve(
    epochs: np.ndarray,
    values: np.ndarray,
    name: str,
    what: str,
    line: dict[str, Any],
    unit: str = "nats",
) -> dict[str, Any]:
    """A score over the epochs; a single epoch is a marker."""
    short = f" {unit}".rstrip()
    return {
        "type": "scatter", "x": epochs, "y": values, "name": name, "line": line,
        "mode": "lines" if len(epochs) > 1 else "markers",
        "hovertemplate": f"{what}, epoch %{{x}}: %{{y:.2f}}{short}<extra></extra>",
    }  # fmt: skip


def _over_epochs(curves: list[dict[str, Any]], **layout: Any) -> go.Figure:
    """A small chart, made in one call: part by part takes Plotly many times longer."""
    layout |= {"xaxis": {"title": {"text": "epoch"}}, "legend": ABOVE, "margin": NO_MARGIN}
    return go.Figure(curves, {"height": 230, **layout})


def kl_curves(epochs: np.ndarray, kl: np.ndarray) -> go.Figure:
    """Draws the KL of every latent over a training run; of many, those with the largest at the end.

    Args:
        epochs: Shape (E,), counted from 1.
        kl: Nats on the test set, shape (E, Z).

    Example:
        >>> [trace.name for trace in kl_curves(np.arange(2), np.array([[0, 1], [0, 2]])).data]
        ['z₁', 'z₂']
    """
    named, curves = kl.shape[1] <= 5, []
    for j in np.sort(np.argsort(-kl[-1], kind="stable")[:MAX_CURVES]):
        name = f"z{subscript(j + 1)}"
        line = {"color": PALETTE[j % len(PALETTE)], "width": 2 if named else 1.2}
        curves.append(_curve(epochs, kl[:, j], name, name, line))
    axis = {"title": {"text": "KL per latent, nats"}, "rangemode": "tozero"}
    return _over_epochs(curves, yaxis=axis, showlegend=named)


def kl_and_weight(
    steps: np.ndarray,
    kl: np.ndarray,
    weight_steps: np.ndarray,
    weights: np.ndarray,
    highest: tuple[float, float],
) -> go.Figure:
    """Draws the KL of every latent over a training run, and its weight in the loss below it.

    Args:
        steps: At the ends of the epochs, shape (E,).
        kl: Nats on the test set, shape (E, Z).
        weight_steps: Shape (S,).
        weights: Of the KL term, shape (S,).
        highest: Upper ends of the two axes, so that runs can be compared.

    Example:
        >>> kl, weights = np.ones((3, 2)), np.ones(4)
        >>> figure = kl_and_weight(np.arange(3), kl, np.arange(4), weights, (1.0, 1.0))
        >>> [trace.name for trace in figure.data]
        ['z₁', 'z₂', 'KL weight']
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.7, 0.3])
    for j, curve in enumerate(kl.T):
        name = f"z{subscript(j + 1)}"
        line = {"color": PALETTE[j % len(PALETTE)], "width": 2 if len(kl.T) <= 5 else 1.2}
        hover = f"{name} at step %{{x}}: %{{y:.2f}} nats<extra></extra>"
        style = {"name": name, "mode": "lines", "line": line, "hovertemplate": hover}
        figure.add_scatter(x=steps, y=curve, row=1, col=1, **style)
    figure.add_scatter(
        x=weight_steps, y=weights, name="KL weight", mode="lines", line={"color": NEUTRAL},
        hovertemplate="KL weight at step %{x}: %{y:.2f}<extra></extra>", row=2, col=1,
    )  # fmt: skip
    figure.update_layout(height=250, margin=NO_MARGIN | {"t": 6}, showlegend=False)
    figure.update_yaxes(title="KL, nats", range=[0, 1.05 * highest[0]], row=1, col=1)
    figure.update_yaxes(title="KL weight", range=[0, 1.15 * highest[1]], nticks=3, row=2, col=1)
    figure.update_xaxes(range=[0, float(weight_steps[-1])])
    figure.update_xaxes(title="step", row=2, col=1)
    return figure


DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def compared_curves(
    name: str, runs: Sequence[tuple[str, np.ndarray, np.ndarray]], unit: str = "nats per image"
) -> go.Figure:
    """Draws one score over several training runs, told apart by colour and dashes.

    Args:
        name: Of the score.
        runs: For each its title, the epochs from 1, shape (E,), and the score on the test set
            in that unit, shape (E,).
        unit: Of the score; empty if it has none.

    Example:
        >>> one = ("a run", np.arange(1, 3), np.array([30.0, 25.0]))
        >>> [trace.name for trace in compared_curves("D", [one]).data]
        ['a run']
    """
    figure, short = go.Figure(), unit.partition(" ")[0]
    for i, (title, epochs, values) in enumerate(runs):
        shown, colour = plain_text(shorten(title)), PALETTE[i % len(PALETTE)]
        figure.add_scatter(
            x=epochs, y=values, name=shown, mode="lines" if len(epochs) > 1 else "markers",
            line={"color": colour, "dash": DASHES[i % len(DASHES)], "width": 2},
            marker={"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)]},
            hovertemplate=f"{name}, {shown}, epoch %{{x}}: %{{y:.2f}} {short}<extra></extra>",
        )  # fmt: skip
    above = {"y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(
        height=260 + 20 * len(runs), margin=NO_MARGIN, legend=above, showlegend=True
    )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title=f"{name}, {unit or 'no unit'}, test set")
    return figure
