"""What each latent dimension carries: KL, variance of the means; and the information of all."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.figures.theme import NEUTRAL, NO_MARGIN, PALETTE, threshold_colours


def kl_bars(
    kl: np.ndarray,
    mean_kl: np.ndarray,
    names: tuple[str, str] = ("this image", "test-set mean"),
) -> go.Figure:
    """Draws the KL per latent dimension beside another one to compare it with.

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


def kl_per_latent(kl: np.ndarray, threshold: float) -> go.Figure:
    """Draws the mean KL of every latent as bars; those below the threshold are grey.

    Args:
        kl: Nats, shape (Z,).
        threshold: Nats, drawn as a line.

    Example:
        >>> kl_per_latent(np.array([0.0, 1.5]), 0.01).data[0].marker.color[0] == PALETTE[3]
        True
    """
    figure = go.Figure(
        go.Bar(x=np.arange(1, len(kl) + 1), y=kl, marker_color=threshold_colours(kl, threshold))
    )
    figure.update_traces(hovertemplate="latent %{x}: %{y:.3g} nats<extra></extra>", width=0.6)
    figure.update_yaxes(title="mean KL, nats", range=[0, max(1.12 * kl.max(), 10 * threshold)])
    return _style_latents(figure, len(kl), threshold, f"{threshold:g} nats")


def mean_variance_per_latent(variance: np.ndarray, threshold: float) -> go.Figure:
    """Draws the variance of every latent's posterior mean over the images, on a logarithmic axis.

    Args:
        variance: Var_x(μ_j), squared prior standard deviations, shape (Z,); drawn at the lower
            edge of the axis where it is smaller.
        threshold: Above which a latent is active.

    Example:
        >>> mean_variance_per_latent(np.array([0.0, 0.5]), 0.01).data[0].y.tolist()
        [1e-08, 0.5]
    """
    lowest, highest = 1e-8, max(10.0, 3 * float(variance.max()))
    figure = go.Figure(
        go.Scatter(
            x=np.arange(1, len(variance) + 1),
            y=variance.clip(lowest),
            customdata=variance,
            mode="markers",
            marker={"size": 10, "color": threshold_colours(variance, threshold)},
            hovertemplate="latent %{x}: %{customdata:.3g}<extra></extra>",
        )
    )
    power = {"type": "log", "exponentformat": "power", "dtick": 2}
    limits = [np.log10(lowest) - 0.4, np.log10(highest)]
    figure.update_yaxes(title="Var(μ), squared prior s.d.", range=limits, **power)
    return _style_latents(figure, len(variance), threshold, f"active above {threshold:g} (Burda)")


def _style_latents(figure: go.Figure, count: int, threshold: float, name: str) -> go.Figure:
    """What charts over the latents share: their axis, and the threshold as a line."""
    figure.add_hline(threshold, line={"color": PALETTE[6], "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=1, yref="paper", yanchor="bottom",
        text=f"<span style='color:{PALETTE[6]}'>– –</span> {name}", showarrow=False,
    )  # fmt: skip
    figure.update_layout(height=250, margin=NO_MARGIN, showlegend=False)
    step = 1 if count <= 10 else 5
    figure.update_xaxes(title="latent", tick0=step, dtick=step, range=[0.3, count + 0.7])
    return figure


def information_bar(information: float, error: float, rate: float, ceiling: float) -> go.Figure:
    """Draws I(x; z) beside its upper bounds: the rate R, and ln N.

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
        text=f"at most ln N = {ceiling:z.2f} nats",
    )  # fmt: skip
    figure.update_layout(height=160, margin=NO_MARGIN, showlegend=False)
    figure.update_xaxes(title="nats", range=[0, 1.04 * max(rate, ceiling)])
    return figure
