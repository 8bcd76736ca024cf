"""Figures of the experiments: densities, divergences, gradients, bounds, posteriors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.plane import draw_prior, style_plane
from explorer.figures.theme import (
    ABOVE,
    NEUTRAL,
    NO_MARGIN,
    PALETTE,
    SYMBOLS,
    count_axis,
    translucent,
)


def densities(z: np.ndarray, curves: dict[str, np.ndarray]) -> go.Figure:
    """Draws densities over one latent.

    Args:
        z: Shape (G,).
        curves: By their names, each of shape (G,).

    Example:
        >>> len(densities(np.zeros(3), {"q": np.ones(3), "p": np.ones(3)}).data)
        2
    """
    figure = go.Figure()
    for (name, values), colour in zip(curves.items(), PALETTE, strict=False):
        figure.add_scatter(
            x=z, y=values, name=name, mode="lines", fill="tozeroy",
            line={"color": colour, "width": 2, "simplify": False}, fillcolor=translucent(colour),
            hovertemplate="%{y:.3f}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=340, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title="z (prior standard deviations)", range=[z[0], z[-1]])
    figure.update_yaxes(title="density (per prior standard deviation)", rangemode="tozero")
    return figure


def histograms(drawn: dict[str, np.ndarray], title: str) -> go.Figure:
    """Draws how numbers are distributed, beside the density of N(0, 1).

    Args:
        drawn: Numbers by name.
        title: Of the axis, with its unit.

    Example:
        >>> len(histograms({"normal": np.zeros(10)}, "ε (prior standard deviations)").data)
        2
    """
    figure = go.Figure()
    edges = np.linspace(-4, 4, 65)
    middle = (edges[1:] + edges[:-1]) / 2
    for i, (name, values) in enumerate(drawn.items()):
        height, _ = np.histogram(values, edges, density=True)
        figure.add_scatter(
            x=middle, y=height, name=name, mode="lines",
            line={"color": PALETTE[i], "width": 2, "shape": "hvh"},
        )  # fmt: skip
    figure.add_scatter(
        x=middle, y=np.exp(-0.5 * middle**2) / np.sqrt(2 * np.pi), name="density of N(0, 1)",
        mode="lines", line={"color": NEUTRAL, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    figure.update_layout(height=320, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title=title)
    figure.update_yaxes(title="density (per prior standard deviation)", rangemode="tozero")
    return figure


def divergence_curves(
    deviations: np.ndarray,
    curves: dict[str, np.ndarray],
    deviation: float,
    measured: Sequence[tuple[float, float]],
    highest: float,
) -> go.Figure:
    """Draws divergences as functions of σ, and their estimates from samples at one σ.

    Args:
        deviations: σ, shape (G,).
        curves: Nats by name, each of shape (G,).
        deviation: The σ at which they were estimated.
        measured: Estimate and standard error of every curve there, in nats.
        highest: Upper end of the axis.

    Example:
        >>> grid = np.linspace(0.1, 3, 5)
        >>> len(divergence_curves(grid, {"KL": grid}, 1.0, [(1.0, 0.1)], 3.0).data)
        2
    """
    figure = go.Figure()
    for (name, values), (mean, error), colour in zip(
        curves.items(), measured, PALETTE, strict=False
    ):
        figure.add_scatter(
            x=deviations, y=values, name=name, mode="lines",
            line={"color": colour, "width": 2, "simplify": False},
            hovertemplate=f"{name}, σ = %{{x:.2f}}: %{{y:.3f}} nats<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[deviation], y=[mean], name=f"{name}, samples", mode="markers", showlegend=False,
            marker={"color": colour, "size": 9, "line": {"width": 1.5, "color": NEUTRAL}},
            error_y={"type": "data", "array": [2 * error], "color": colour, "thickness": 2},
            hovertemplate=f"{name} by samples: %{{y:.3f}} nats<extra></extra>",
        )  # fmt: skip
    figure.add_vline(deviation, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.update_layout(height=340, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title="σ of q (prior standard deviations)", range=[0, deviations[-1]])
    figure.update_yaxes(title="nats", range=[min(0, 1.1 * _lowest(measured)), highest])
    return figure


def _lowest(measured: Sequence[tuple[float, float]]) -> float:
    return min(mean - 2 * error for mean, error in measured)


def variance_by_samples(
    counts: Sequence[int], measured: dict[str, Sequence[float]], exact: dict[str, Sequence[float]]
) -> go.Figure:
    """Draws the variance of averages over ever more samples: measured as dots, exact as lines.

    Args:
        counts: Samples in each average.
        measured: Variances by the estimator's name, one for every count.
        exact: The same in closed form.

    Example:
        >>> len(variance_by_samples([1, 2], {"a": [2.0, 1.1]}, {"a": [2.0, 1.0]}).data)
        2
    """
    figure = go.Figure()
    for i, name in enumerate(measured):
        colour, symbol = PALETTE[i % len(PALETTE)], SYMBOLS[i % len(SYMBOLS)]
        figure.add_scatter(
            x=counts, y=exact[name], mode="lines", line={"color": colour, "width": 1.5},
            name=name, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=counts, y=measured[name], mode="markers", name=name,
            marker={"color": colour, "symbol": symbol, "size": 9},
            hovertemplate=f"{name}, n = %{{x}}: %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=360, margin=NO_MARGIN, legend=ABOVE)
    count_axis(figure, counts, "samples averaged, n")
    figure.update_yaxes(
        title="variance (squared prior s.d.)", type="log", exponentformat="power", dtick=1
    )
    return figure


def mean_by_samples(
    counts: Sequence[int], measured: dict[str, Sequence[tuple[float, float]]], exact: float
) -> go.Figure:
    """Draws averages of estimates with two standard errors, around the exact value.

    Args:
        counts: Samples in each estimate.
        measured: Mean and standard error by the estimator's name, one pair for every count.
        exact: What they estimate, drawn as a line.

    Example:
        >>> len(mean_by_samples([1, 2], {"a": [(0.1, 0.2), (0.0, 0.1)]}, 0.0).data)
        1
    """
    figure = go.Figure()
    for i, (name, pairs) in enumerate(measured.items()):
        colour, symbol = PALETTE[i % len(PALETTE)], SYMBOLS[i % len(SYMBOLS)]
        mean, error = np.transpose(pairs)
        figure.add_scatter(
            x=np.asarray(counts) * 1.12 ** (i - 0.5 * (len(measured) - 1)),  # side by side
            y=mean, customdata=np.stack([counts, error], 1), mode="markers", name=name,
            marker={"color": colour, "symbol": symbol, "size": 7},
            error_y={"type": "data", "array": 2 * error, "color": colour, "width": 3},
            hovertemplate="n = %{customdata[0]}: %{y:.3f} ± %{customdata[1]:.3f}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(exact, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_layout(height=360, margin=NO_MARGIN, legend=ABOVE)
    count_axis(figure, counts, "samples averaged, n")
    figure.update_yaxes(title="mean of the estimates (prior s.d.)")
    return figure


def bounds_by_samples(
    counts: Sequence[int],
    bounds: dict[str, Sequence[tuple[float, float]]],
    exact: float | None = None,
) -> go.Figure:
    """Draws bounds estimated from ever more samples, each with the spread of a single estimate.

    Args:
        counts: Samples in each estimate, k.
        bounds: Mean and standard deviation in nats by name, one pair for every count.
        exact: ln p(x) in nats, if it is known.

    Example:
        >>> len(bounds_by_samples([1, 5], {"ELBO": [(-20.0, 2.0), (-20.0, 1.0)]}).data)
        1
    """
    figure = go.Figure()
    for i, (name, pairs) in enumerate(bounds.items()):
        mean, deviation = np.transpose(pairs)
        figure.add_scatter(
            x=np.asarray(counts) * 1.09 ** (i - 0.5 * (len(bounds) - 1)),
            y=mean, customdata=np.stack([counts, deviation], 1), mode="lines+markers", name=name,
            marker={"color": PALETTE[i], "symbol": SYMBOLS[i], "size": 8},
            line={"color": PALETTE[i], "width": 1.5},
            error_y={"type": "data", "array": deviation, "color": PALETTE[i], "width": 4},
            hovertemplate="k = %{customdata[0]}: %{y:.2f} ± %{customdata[1]:.2f}<extra></extra>",
        )  # fmt: skip
    if exact is not None:
        figure.add_hline(exact, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=1, xref="paper", xanchor="right", y=exact, yanchor="bottom", showarrow=False,
            text=f"ln p(x) = {exact:z.2f} nats, exact".replace("-", "−"),
        )  # fmt: skip
    figure.update_layout(height=400, margin=NO_MARGIN, legend=ABOVE)
    count_axis(figure, counts, "samples of z for each estimate, k")
    figure.update_yaxes(title="nats per image")
    return figure


def posterior_ellipses(
    mean: np.ndarray, deviation: np.ndarray, names: Sequence[str], titles: tuple[str, str]
) -> go.Figure:
    """Draws Gaussians on the plane: the mean and the ellipse of one standard deviation of each.

    Args:
        mean: Shape (K, 2).
        deviation: Shape (K, 2).
        names: Of the K Gaussians.
        titles: Of the axes.

    Example:
        >>> figure = posterior_ellipses(np.zeros((1, 2)), np.ones((1, 2)), ["β = 1"], ("z₁", "z₂"))
        >>> len(figure.data), len(figure.layout.shapes)
        (2, 3)
    """
    figure = go.Figure()
    turn = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    for i, (centre, spread, name) in enumerate(zip(mean, deviation, names, strict=True)):
        colour = PALETTE[i % len(PALETTE)]
        ring, group = centre + spread * circle, {"legendgroup": name, "name": name}
        figure.add_scatter(
            x=ring[:, 0], y=ring[:, 1], mode="lines", fill="toself", fillcolor=translucent(colour),
            line={"color": colour, "width": 2}, hoverinfo="skip", showlegend=False, **group,
        )  # fmt: skip
        figure.add_scatter(
            x=centre[:1], y=centre[1:], mode="markers", customdata=[spread],
            marker={"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6}, **group,
            hovertemplate="μ = (%{x:.2f}, %{y:.2f}), σ = (%{customdata[0]:.2f}, "
            "%{customdata[1]:.2f})",
        )  # fmt: skip
    draw_prior(figure, 0.0, 0.0)
    style_plane(figure, titles, equal_axes=True)
    edge = max(3.4, float(np.abs(mean).max()) + 0.5)
    figure.update_layout(height=480, hovermode="closest", showlegend=True)
    figure.update_xaxes(range=[-edge, edge])
    figure.update_yaxes(range=[-edge, edge])
    return figure


def posterior_intervals(mean: np.ndarray, deviation: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Draws Gaussians of any dimension: mean ± one standard deviation for every latent.

    Args:
        mean: Shape (K, Z).
        deviation: Shape (K, Z).
        names: Of the K Gaussians.

    Example:
        >>> len(posterior_intervals(np.zeros((2, 5)), np.ones((2, 5)), ["a", "b"]).data)
        2
    """
    figure = go.Figure()
    latents = np.arange(1, mean.shape[1] + 1)
    for i, (centre, spread, name) in enumerate(zip(mean, deviation, names, strict=True)):
        colour = PALETTE[i % len(PALETTE)]
        figure.add_scatter(
            x=latents + 0.6 * ((i + 0.5) / len(names) - 0.5), y=centre, mode="markers", name=name,
            marker={"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7},
            error_y={"type": "data", "array": spread, "color": colour, "width": 3},
            hovertemplate="%{y:.2f} ± %{error_y.array:.2f}<extra></extra>",
        )  # fmt: skip
    figure.add_hrect(-1, 1, line_width=0, fillcolor="rgba(128,128,128,0.15)", layer="below")
    figure.update_layout(height=400, margin=NO_MARGIN, legend=ABOVE)
    figure.update_xaxes(title="latent", tickvals=latents if len(latents) <= 20 else None)
    figure.update_yaxes(title="μ ± σ (prior standard deviations)")
    return figure
