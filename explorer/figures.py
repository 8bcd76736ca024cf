"""Arrays → Plotly figures, with units on every axis and one palette.

Imports no Streamlit, no torch and nothing of `models`. Text colours are left to the page's
theme, light or dark.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours told apart with colour-blind eyes (Petroff, Accessible Color Sequences for Data
Visualization, 2021, arXiv:2107.02270)."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
SCALE = "Viridis"
HEIGHT = 560
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
    """The test set on a plane, one point per image, coloured by class or by a number.

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
        A figure whose points carry their image's number as `customdata`. The live map tells
        more of them (explorer/live), so Plotly's own hovering is off.

    Example:
        >>> figure = latent_scatter(np.zeros((3, 2)), ("z₁", "z₂"))
        >>> len(figure.data[0].x)
        3
    """
    figure = go.Figure(layout_template="none")
    size = float(np.clip(90 / np.sqrt(len(positions)) + 2.5, 3.5, 8))
    class_names = [_plain(name) for name in class_names]
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
        _draw_prior(figure, *prior_centre.tolist())
    return _style_map(figure, axis_titles, equal_axes)


def _plain(name: str) -> str:
    """A name as Plotly shows it letter by letter: no markup, no variable of a template."""
    return html.escape(name, quote=False).replace("%", "&#37;")


def _draw_prior(figure: go.Figure, x: float, y: float) -> None:
    """Circles of 1, 2 and 3 standard deviations of a round Gaussian, each with its name."""
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


def _groups(
    labels: np.ndarray | None,
    class_names: Sequence[str],
    values: np.ndarray | None,
    value_title: str,
    count: int,
) -> list[tuple[str, np.ndarray, dict]]:
    """Name, points and marker of every trace."""
    everyone = np.arange(count)
    if values is not None:
        return [("", everyone, {"color": values, **_colour_bar(values, value_title)})]
    if labels is None:
        return [("", everyone, {"color": PALETTE[0]})]
    if len(class_names) > MAX_TRACES:
        return [("", everyone, {"color": np.asarray(PALETTE)[labels % len(PALETTE)]})]
    return [
        (name, np.flatnonzero(labels == index), _class_marker(index))
        for index, name in enumerate(class_names)
    ]


def _class_marker(index: int) -> dict:
    symbol = SYMBOLS[index // len(PALETTE) % len(SYMBOLS)]
    return {"color": PALETTE[index % len(PALETTE)], "symbol": symbol}


def _colour_bar(values: np.ndarray, title: str) -> dict:
    """A scale from the 1st to the 99th percentile, so that one outlier does not grey the rest."""
    low, high = np.percentile(values.astype(float), [1, 99])
    high = max(high, low + 1e-6 * max(1.0, abs(low)))
    bar = {"title": {"text": title, "side": "top"}, "thickness": 12, "outlinewidth": 0}
    bar |= {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    return {"colorscale": SCALE, "cmin": low, "cmax": high, "colorbar": bar}


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


def _style_map(figure: go.Figure, axis_titles: tuple[str, str], equal_axes: bool) -> go.Figure:
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 10, "r": 34, "t": 10, "b": 10},
        dragmode="pan",
        hovermode=False,
        showlegend=1 < len(figure.data) <= MAX_NAMED,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
    )
    figure.update_xaxes(title=axis_titles[0], zeroline=True, automargin=True)
    figure.update_yaxes(title=axis_titles[1], zeroline=True, automargin=True)
    if equal_axes:
        figure.update_yaxes(scaleanchor="x", constrain="domain")
        figure.update_xaxes(constrain="domain")
    return figure


def kl_bars(
    kl: np.ndarray,
    mean_kl: np.ndarray,
    names: tuple[str, str] = ("this image", "test-set mean"),
) -> go.Figure:
    """KL per latent dimension, beside another one to compare it with.

    Args:
        kl: Nats, shape (Z,), as bars.
        mean_kl: Nats, shape (Z,), as marks.
        names: Of the two.

    Example:
        >>> len(kl_bars(np.ones(3), np.ones(3)).data)
        2
    """
    dimensions = np.arange(1, len(kl) + 1)
    figure = go.Figure()
    figure.add_bar(x=dimensions, y=kl, name=names[0], marker_color=PALETTE[0])
    figure.add_scatter(
        x=dimensions,
        y=mean_kl,
        name=names[1],
        mode="markers",
        marker={"symbol": "line-ew", "size": 10, "line": {"width": 3, "color": PALETTE[1]}},
    )
    figure.update_traces(hovertemplate="dimension %{x}: %{y:.2f} nats")
    figure.update_layout(
        height=220,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_xaxes(title="latent dimension")
    figure.update_yaxes(title="KL, nats", rangemode="tozero")
    return figure


def latent_unit(has_prior: bool) -> str:
    """The unit of a latent axis; an autoencoder has no prior to measure with."""
    return "prior standard deviations" if has_prior else "no unit"


def subscript(number: int) -> str:
    """A whole number in subscript digits.

    Example:
        >>> "z" + subscript(12)
        'z₁₂'
    """
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


NEUTRAL = "rgba(128,128,128,0.9)"
"""Lines that are no data; seen on light and dark."""
_NO_MARGIN = {"l": 10, "r": 10, "t": 26, "b": 10}
_ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def latent_kl(kl: np.ndarray, threshold: float) -> go.Figure:
    """Mean KL of every latent as bars; those below the threshold are grey.

    Args:
        kl: Nats, shape (Z,).
        threshold: Nats, drawn as a line.

    Example:
        >>> latent_kl(np.array([0.0, 1.5]), 0.01).data[0].marker.color[0] == PALETTE[3]
        True
    """
    figure = go.Figure(go.Bar(x=np.arange(1, len(kl) + 1), y=kl, marker_color=_ink(kl, threshold)))
    figure.update_traces(hovertemplate="latent %{x}: %{y:.3g} nats<extra></extra>", width=0.6)
    figure.update_yaxes(title="mean KL, nats", range=[0, max(1.12 * kl.max(), 10 * threshold)])
    return _style_latents(figure, len(kl), threshold, f"{threshold:g} nats")


def mean_variances(variance: np.ndarray, threshold: float) -> go.Figure:
    """Variance of every latent's posterior mean over the images, on a logarithmic axis.

    Args:
        variance: Var_x(μ_j), squared prior standard deviations, shape (Z,); drawn at the lower
            edge where it is smaller than that.
        threshold: Above which a latent is active.

    Example:
        >>> mean_variances(np.array([0.0, 0.5]), 0.01).data[0].y.tolist()
        [1e-08, 0.5]
    """
    lowest, highest = 1e-8, max(10.0, 3 * float(variance.max()))
    figure = go.Figure(
        go.Scatter(
            x=np.arange(1, len(variance) + 1),
            y=variance.clip(lowest),
            customdata=variance,
            mode="markers",
            marker={"size": 10, "color": _ink(variance, threshold)},
            hovertemplate="latent %{x}: %{customdata:.3g}<extra></extra>",
        )
    )
    power = {"type": "log", "exponentformat": "power", "dtick": 2}
    limits = [np.log10(lowest) - 0.4, np.log10(highest)]
    figure.update_yaxes(title="Var(μ), squared prior s.d.", range=limits, **power)
    return _style_latents(figure, len(variance), threshold, f"active above {threshold:g} (Burda)")


def _ink(values: np.ndarray, threshold: float) -> list[str]:
    return [PALETTE[0] if value > threshold else PALETTE[3] for value in values]


def _style_latents(figure: go.Figure, count: int, threshold: float, name: str) -> go.Figure:
    """What charts over the latents share: their axis, and the threshold as a line."""
    figure.add_hline(threshold, line={"color": PALETTE[6], "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=1, yref="paper", yanchor="bottom",
        text=f"<span style='color:{PALETTE[6]}'>– –</span> {name}", showarrow=False,
    )  # fmt: skip
    figure.update_layout(height=250, margin=_NO_MARGIN, showlegend=False)
    step = 1 if count <= 10 else 5
    figure.update_xaxes(title="latent", tick0=step, dtick=step, range=[0.3, count + 0.7])
    return figure


def information_bar(information: float, error: float, rate: float, ceiling: float) -> go.Figure:
    """I(x; z) between 0 and what it can be at most: the rate, and ln N.

    Args:
        information: Nats.
        error: Its standard error.
        rate: R in nats.
        ceiling: ln N in nats, drawn as a line.

    Example:
        >>> information_bar(2.9, 0.1, 3.2, 6.2).data[0].x
        (3.2, 2.9)
    """
    spread = {"type": "data", "array": [0, error], "thickness": 2, "color": NEUTRAL}
    bars = {"y": ["R", "I(x; z)"], "orientation": "h", "width": 0.6, "error_x": spread}
    figure = go.Figure(go.Bar(x=(rate, information), marker_color=[PALETTE[3], PALETTE[0]], **bars))
    figure.update_traces(hovertemplate="%{y}: %{x:.2f} nats<extra></extra>")
    figure.add_vline(ceiling, line={"color": PALETTE[6], "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=ceiling, y=1, yref="paper", xanchor="right", yanchor="bottom", showarrow=False,
        text=f"at most ln N = {ceiling:.2f} nats",
    )  # fmt: skip
    figure.update_layout(height=160, margin=_NO_MARGIN, showlegend=False)
    figure.update_xaxes(title="nats", range=[0, 1.04 * max(rate, ceiling)])
    return figure


def kl_film(
    steps: np.ndarray,
    kl: np.ndarray,
    weight_steps: np.ndarray,
    weights: np.ndarray,
    highest: tuple[float, float],
) -> go.Figure:
    """KL of every latent over a training, and below it the weight that it had.

    Args:
        steps: At the ends of the epochs, shape (E,).
        kl: Nats on the test set, shape (E, Z).
        weight_steps: Shape (S,).
        weights: Of the KL term in the loss, shape (S,).
        highest: Upper ends of the two axes, so that films can be compared.

    Example:
        >>> film = kl_film(np.arange(3), np.ones((3, 2)), np.arange(4), np.ones(4), (1.0, 1.0))
        >>> [trace.name for trace in film.data]
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
    figure.update_layout(height=250, margin=_NO_MARGIN | {"t": 6}, showlegend=False)
    figure.update_yaxes(title="KL, nats", range=[0, 1.05 * highest[0]], row=1, col=1)
    figure.update_yaxes(title="KL weight", range=[0, 1.15 * highest[1]], nticks=3, row=2, col=1)
    figure.update_xaxes(range=[0, float(weight_steps[-1])])
    figure.update_xaxes(title="step", row=2, col=1)
    return figure


def densities(z: np.ndarray, curves: dict[str, np.ndarray]) -> go.Figure:
    """Densities over one latent.

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
            line={"color": colour, "width": 2, "simplify": False}, fillcolor=_faint(colour),
            hovertemplate="%{y:.3f}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=340, margin=_NO_MARGIN, legend=_ABOVE)
    figure.update_xaxes(title="z (prior standard deviations)", range=[z[0], z[-1]])
    figure.update_yaxes(title="density (per prior standard deviation)", rangemode="tozero")
    return figure


def _faint(colour: str, opacity: float = 0.18) -> str:
    """A colour of the palette, nearly transparent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def divergence_curves(
    deviations: np.ndarray,
    curves: dict[str, np.ndarray],
    deviation: float,
    measured: Sequence[tuple[float, float]],
    highest: float,
) -> go.Figure:
    """Divergences as functions of σ, and what samples make of them at one σ.

    Args:
        deviations: σ, shape (G,).
        curves: Nats by name, each of shape (G,).
        deviation: Where it was measured.
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
    figure.update_layout(height=340, margin=_NO_MARGIN, legend=_ABOVE)
    figure.update_xaxes(title="σ of q (prior standard deviations)", range=[0, deviations[-1]])
    figure.update_yaxes(title="nats", range=[min(0, 1.1 * _lowest(measured)), highest])
    return figure


def _lowest(measured: Sequence[tuple[float, float]]) -> float:
    return min(mean - 2 * error for mean, error in measured)


def falling_variances(
    counts: Sequence[int], measured: dict[str, Sequence[float]], exact: dict[str, Sequence[float]]
) -> go.Figure:
    """Variance of averages over more and more samples: measured as dots, exact as lines.

    Args:
        counts: Samples in each average.
        measured: Variances by the estimator's name, one for every count.
        exact: Likewise.

    Example:
        >>> len(falling_variances([1, 2], {"a": [2.0, 1.1]}, {"a": [2.0, 1.0]}).data)
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
    figure.update_layout(height=360, margin=_NO_MARGIN, legend=_ABOVE)
    _count_axis(figure, counts, "samples averaged, n")
    figure.update_yaxes(
        title="variance (squared prior s.d.)", type="log", exponentformat="power", dtick=1
    )
    return figure


def _count_axis(figure: go.Figure, counts: Sequence[int], title: str) -> None:
    """A logarithmic axis with a tick at every count."""
    texts = [f"{count:,}" for count in counts]
    figure.update_xaxes(title=title, type="log", tickvals=list(counts), ticktext=texts)


def means_around_truth(
    counts: Sequence[int], measured: dict[str, Sequence[tuple[float, float]]], truth: float
) -> go.Figure:
    """Averages of estimates with two standard errors, around what they estimate.

    Args:
        counts: Samples in each estimate.
        measured: Mean and standard error by the estimator's name, one pair for every count.
        truth: Drawn as a line.

    Example:
        >>> len(means_around_truth([1, 2], {"a": [(0.1, 0.2), (0.0, 0.1)]}, 0.0).data)
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
    figure.add_hline(truth, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
    figure.update_layout(height=360, margin=_NO_MARGIN, legend=_ABOVE)
    _count_axis(figure, counts, "samples averaged, n")
    figure.update_yaxes(title="mean of the estimates (prior s.d.)")
    return figure


def bounds_by_samples(
    counts: Sequence[int],
    bounds: dict[str, Sequence[tuple[float, float]]],
    truth: float | None = None,
) -> go.Figure:
    """Estimates from more and more samples, each with the spread of a single one.

    Args:
        counts: Samples in each estimate, k.
        bounds: Mean and standard deviation in nats by name, one pair for every count.
        truth: ln p(x) in nats, if it is known.

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
    if truth is not None:
        figure.add_hline(truth, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=1, xref="paper", xanchor="right", y=truth, yanchor="bottom", showarrow=False,
            text=f"ln p(x) = {truth:.2f} nats, exact".replace("-", "−"),
        )  # fmt: skip
    figure.update_layout(height=400, margin=_NO_MARGIN, legend=_ABOVE)
    _count_axis(figure, counts, "samples of z for each estimate, k")
    figure.update_yaxes(title="nats per image")
    return figure


def posterior_ellipses(
    mean: np.ndarray, deviation: np.ndarray, names: Sequence[str], titles: tuple[str, str]
) -> go.Figure:
    """Gaussians on the plane: for each its mean and the ellipse of one standard deviation.

    Args:
        mean: Shape (K, 2).
        deviation: Shape (K, 2).
        names: Of the K.
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
            x=ring[:, 0], y=ring[:, 1], mode="lines", fill="toself", fillcolor=_faint(colour),
            line={"color": colour, "width": 2}, hoverinfo="skip", showlegend=False, **group,
        )  # fmt: skip
        figure.add_scatter(
            x=centre[:1], y=centre[1:], mode="markers", customdata=[spread],
            marker={"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 6}, **group,
            hovertemplate="μ = (%{x:.2f}, %{y:.2f}), σ = (%{customdata[0]:.2f}, "
            "%{customdata[1]:.2f})",
        )  # fmt: skip
    _draw_prior(figure, 0.0, 0.0)
    _style_map(figure, titles, equal_axes=True)
    edge = max(3.4, float(np.abs(mean).max()) + 0.5)
    figure.update_layout(height=480, hovermode="closest", showlegend=True)
    figure.update_xaxes(range=[-edge, edge])
    figure.update_yaxes(range=[-edge, edge])
    return figure


def posterior_intervals(mean: np.ndarray, deviation: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Gaussians of any dimension: mean ± one standard deviation for every latent.

    Args:
        mean: Shape (K, Z).
        deviation: Shape (K, Z).
        names: Of the K.

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
    figure.update_layout(height=400, margin=_NO_MARGIN, legend=_ABOVE)
    figure.update_xaxes(title="latent", tickvals=latents if len(latents) <= 20 else None)
    figure.update_yaxes(title="μ ± σ (prior standard deviations)")
    return figure


def rate_distortion(
    points: Sequence[tuple[str, str, float, float, float, float, float]],
    curve: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    seeds: Sequence[tuple[float, int, float, float, float, float]] = (),
    collapsed: float | None = None,
    floor: float | None = None,
    truth: tuple[np.ndarray, np.ndarray] | None = None,
    chosen: Sequence[str] = (),
) -> go.Figure:
    """Runs in the plane of distortion over rate, with what bounds them.

    Args:
        points: Id, title, β, D, its error, R, its error of every run, in nats per image.
        curve: β, D and R of one model for every β, each of shape (K,).
        seeds: β, number of runs, D, half its interval, R, half its interval, where there are
            several seeds.
        collapsed: D of the best constant image: where R is 0.
        floor: The data's entropy, below which no D can be.
        truth: R and D of the best linear VAE, each of shape (K,).
        chosen: Ids of runs that are marked, and named; the others are faint then.

    Returns:
        A figure whose runs carry their id as `customdata`; dotted lines are of equal −ELBO.

    Example:
        >>> figure = rate_distortion([("a", "VAE", 1.0, 20.0, 0.1, 3.0, 0.1)], collapsed=27.0)
        >>> [trace.name for trace in figure.data]
        ['runs', 'collapsed: the best constant image']
    """
    figure = go.Figure(layout_template="none")
    if curve is not None:
        beta, distortion, rate = curve
        figure.add_scatter(
            x=rate, y=distortion, mode="lines", name="one model for every β", text=beta,
            line={"color": PALETTE[0], "width": 2},
            hovertemplate="β = %{text:.3g}<br>R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
        )  # fmt: skip
    if truth is not None:
        figure.add_scatter(
            x=truth[0], y=truth[1], mode="lines", name="linear VAE, closed form",
            line={"color": PALETTE[4], "width": 2, "dash": "dash"},
            hovertemplate="R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
        )  # fmt: skip
    marked = [point for point in points if point[0] in chosen]
    others = [point for point in points if point[0] not in chosen] if marked else points
    if others:
        _draw_runs(figure, others, "other runs" if marked else "runs", is_faint=bool(marked))
    if marked:
        _draw_runs(figure, marked, "chosen runs", is_named=True)
    if seeds:
        betas, counts, d, d_half, r, r_half = map(list, zip(*seeds, strict=True))
        figure.add_scatter(
            x=r, y=d, mode="markers", name="mean over seeds, 95 % interval",
            hovertext=[f"β = {b:g}, {n} seeds" for b, n in zip(betas, counts, strict=True)],
            hovertemplate="%{hovertext}<br>R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
            error_x={"type": "data", "array": r_half}, error_y={"type": "data", "array": d_half},
            marker={"size": 12, "symbol": "diamond-open", "color": PALETTE[6]},
            opacity=FAINT if marked else 1,
        )  # fmt: skip
    if collapsed is not None:
        figure.add_scatter(
            x=[0], y=[collapsed], mode="markers", name="collapsed: the best constant image",
            marker={"symbol": "star", "size": 13, "color": PALETTE[8]},
            hovertemplate="R 0, D %{y:.2f} nats<extra></extra>",
        )  # fmt: skip
    if floor is not None:
        figure.add_hline(
            floor, line_dash="dash", line_color="rgba(128,128,128,0.7)",
            annotation_text="entropy of the images", annotation_position="bottom right",
        )  # fmt: skip
    _draw_equal_elbo(figure)
    figure.update_layout(
        height=480, margin=_NO_MARGIN, legend=_ABOVE, hovermode="closest", dragmode="pan"
    )
    reach = max([1.0, *(float(np.max(trace.x)) for trace in figure.data if len(trace.x))])
    figure.update_xaxes(
        title="rate R, nats per image", range=[-0.04 * reach, 1.1 * reach], automargin=True
    )
    figure.update_yaxes(title="distortion D, nats per image", automargin=True)
    return figure


FAINT = 0.3
"""Opacity of runs that were not chosen."""
MAX_NAME = 40
"""Letters of a run's title in a legend."""
MAX_MARK = 24
"""The same beside its point."""


def _draw_runs(
    figure: go.Figure,
    points: Sequence[tuple[str, str, float, float, float, float, float]],
    name: str,
    is_named: bool = False,
    is_faint: bool = False,
) -> None:
    """Runs with their errors and β: named ones large, with their title, faint ones without."""
    ids, titles, betas, d, d_error, r, r_error = map(list, zip(*points, strict=True))
    texts = [f"β = {beta:g}" for beta in betas]
    if is_named:
        names = [_plain(shorten(title, MAX_MARK)) for title in titles]
        texts = [f"{title}, {text}" for title, text in zip(names, texts, strict=True)]
    size, symbol = (13, "star-diamond") if is_named else (9, "circle")
    sides = ["left" if is_named and rate > 0.5 * max(r) else "right" for rate in r]
    figure.add_scatter(
        x=r, y=d, mode="markers" if is_faint else "markers+text", name=name, customdata=ids,
        text=texts, textposition=[f"top {side}" for side in sides],
        hovertext=[_plain(title) for title in titles],
        hovertemplate="%{hovertext}<br>R %{x:.2f} ± %{error_x.array:.2f}, "
        "D %{y:.2f} ± %{error_y.array:.2f} nats<extra></extra>",
        error_x={"type": "data", "array": r_error, "thickness": 1},
        error_y={"type": "data", "array": d_error, "thickness": 1},
        marker={
            "size": size, "symbol": symbol, "color": PALETTE[2],
            "line": {"color": "white", "width": 1},
        },
        opacity=FAINT if is_faint else 1,
    )  # fmt: skip


def shorten(title: str, longest: int = MAX_NAME) -> str:
    """A title that is cut where it is too long for a figure.

    Example:
        >>> shorten("a very long title", 8)
        'a very…'
    """
    return title if len(title) <= longest else f"{title[: longest - 1].strip()}…"


def _draw_equal_elbo(figure: go.Figure) -> None:
    """Lines D + R = constant, six or so over what is drawn."""
    drawn = [trace for trace in figure.data if len(trace.x)]
    if not drawn:
        return
    rate = np.concatenate([np.asarray(trace.x, float) for trace in drawn])
    total = rate + np.concatenate([np.asarray(trace.y, float) for trace in drawn])
    reach = max(1.0, 1.1 * rate.max())
    step = _round_step((total.max() - total.min()) / 5 or 1.0)
    for level in np.arange(np.ceil(total.min() / step), total.max() / step + 1) * step:
        figure.add_shape(
            type="line", x0=0, y0=level, x1=reach, y1=level - reach, layer="below",
            line={"color": "rgba(128,128,128,0.45)", "width": 1, "dash": "dot"},
            label={
                "text": f"−ELBO {level:g}", "textposition": "middle",
                "font": {"size": 10, "color": "rgba(128,128,128,0.95)"},
            },
        )  # fmt: skip


def _round_step(value: float) -> float:
    """1, 2 or 5 times a power of ten, at least `value`."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * next(step for step in (1, 2, 5, 10) if step * power >= value))


MAX_CURVES = 20
"""Latents whose KL is drawn over a training: those with the most at its end."""


def training_curve(
    name: str,
    epochs: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    marks: Sequence[tuple[float, str]] = (),
) -> go.Figure:
    """One score over a training, on both sets.

    Args:
        name: Of the score.
        epochs: Shape (E,), counted from 1.
        train: Nats per image on the training set, shape (E,).
        test: The same on the test set.
        marks: Epochs at which something was changed, and what.

    Example:
        >>> figure = training_curve("D", np.arange(1, 3), np.ones(2), np.zeros(2))
        >>> [trace.name for trace in figure.data]
        ['training set', 'test set']
    """
    splits = (("training set", train, "dot", 1), ("test set", test, "solid", 0))
    curves = [
        _curve(
            epochs, curve, split, f"{name}, {split}",
            {"color": PALETTE[colour], "dash": dash, "width": 2},
        )
        for split, curve, dash, colour in splits
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
            "text": _plain(text), "x": epoch, "xanchor": "left", "y": 1, "yref": "y domain",
            "yanchor": "top", "showarrow": False, "font": {"size": 10},
        }
        for epoch, text in marks
    ]  # fmt: skip
    title = {"title": {"text": f"{name}, nats per image"}}
    return _over_epochs(curves, yaxis=title, shapes=lines, annotations=texts)


def _curve(
    epochs: np.ndarray, values: np.ndarray, name: str, what: str, line: dict[str, Any]
) -> dict[str, Any]:
    """A score over the epochs; a single one is a marker."""
    return {
        "type": "scatter", "x": epochs, "y": values, "name": name, "line": line,
        "mode": "lines" if len(epochs) > 1 else "markers",
        "hovertemplate": f"{what}, epoch %{{x}}: %{{y:.2f}} nats<extra></extra>",
    }  # fmt: skip


def _over_epochs(curves: list[dict[str, Any]], **layout: Any) -> go.Figure:
    """A small chart, made at once: Plotly takes many times as long to add the parts one by one."""
    layout |= {"xaxis": {"title": {"text": "epoch"}}, "legend": _ABOVE, "margin": _NO_MARGIN}
    return go.Figure(curves, {"height": 230, **layout})


def kl_curves(epochs: np.ndarray, kl: np.ndarray) -> go.Figure:
    """KL of every latent over a training; of many, the `MAX_CURVES` largest at its end.

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


DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def compared_curves(name: str, runs: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> go.Figure:
    """One score of several runs over their trainings; colour and dashes tell them apart.

    Args:
        name: Of the score.
        runs: For each its title, the epochs from 1, shape (E,), and the score on the test set
            in nats per image, shape (E,).

    Example:
        >>> one = ("a run", np.arange(1, 3), np.array([30.0, 25.0]))
        >>> [trace.name for trace in compared_curves("D", [one]).data]
        ['a run']
    """
    figure = go.Figure()
    for i, (title, epochs, values) in enumerate(runs):
        shown, colour = _plain(shorten(title)), PALETTE[i % len(PALETTE)]
        figure.add_scatter(
            x=epochs, y=values, name=shown, mode="lines" if len(epochs) > 1 else "markers",
            line={"color": colour, "dash": DASHES[i % len(DASHES)], "width": 2},
            marker={"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)]},
            hovertemplate=f"{name}, {shown}, epoch %{{x}}: %{{y:.2f}} nats<extra></extra>",
        )  # fmt: skip
    above = {"y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(
        height=260 + 20 * len(runs), margin=_NO_MARGIN, legend=above, showlegend=True
    )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title=f"{name}, nats per image, test set")
    return figure
