"""The rate–distortion plane: runs, and what bounds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.theme import ABOVE, FAINT, NO_MARGIN, PALETTE, plain_text, shorten


def rate_distortion_plane(
    points: Sequence[tuple[str, str, float, float, float, float, float]],
    curve: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    seeds: Sequence[tuple[float, int, float, float, float, float]] = (),
    collapsed: float | None = None,
    floor: float | None = None,
    linear_vae: tuple[np.ndarray, np.ndarray] | None = None,
    chosen: Sequence[str] = (),
    threshold: float | None = None,
) -> go.Figure:
    """Draws runs in the plane of distortion over rate, with what bounds them.

    Args:
        points: Id, title, β, D, its error, R, its error of every run, in nats per image.
        curve: β, D and R of one model for every β, each of shape (K,).
        seeds: β, number of runs, D, half its interval, R, half its interval, where there are
            several seeds.
        collapsed: D of the best constant image: where R is 0.
        floor: Mean entropy of binarisation given the grey image, below which no D can be.
        linear_vae: R and D of the best linear VAE, each of shape (K,).
        chosen: Ids of runs that are marked and named; the others are then drawn faintly.
        threshold: β*, above which the collapsed model is stable: the slope of the line that is
            drawn from it.

    Returns:
        A figure whose runs carry their id as `customdata`; dotted lines are of equal −ELBO.

    Example:
        >>> figure = rate_distortion_plane([("a", "VAE", 1.0, 20.0, 0.1, 3.0, 0.1)], collapsed=27.0)
        >>> [trace.name for trace in figure.data]
        ['runs', 'collapsed: the best constant image']
    """
    figure = go.Figure(layout_template="none")
    _draw_curves(figure, curve, linear_vae)
    spans = _spans(points, curve, linear_vae, collapsed, floor)
    marked = [point for point in points if point[0] in chosen]
    others = [point for point in points if point[0] not in chosen] if marked else points
    if others:
        name = "other runs" if marked else "runs"
        _draw_runs(figure, others, name, spans, is_faint=bool(marked))
    if marked:
        _draw_runs(figure, marked, "chosen runs", spans, is_named=True)
    if seeds:
        _draw_seeds(figure, seeds, is_faint=bool(marked))
    _draw_bounds(figure, collapsed, floor, threshold)
    _draw_equal_elbo(figure)
    _lay_out(figure)
    return figure


MAX_MARK = 24
"""Most characters of a run's title beside its point."""


WIDTH, HEIGHT = 520, 380
"""About the size of the plot in pixels, on a narrow window."""
CHARACTER, LINE, GAP = 7, 15, 8
"""Size of a label's character and line, and its distance from the point, in pixels."""
SIDES = ("top right", "bottom right", "top left", "bottom left")


def place_labels(
    places: Sequence[tuple[float, float]], texts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Puts each label beside its point where it covers no other label and no other point.

    Args:
        places: Of the points, right and up, in pixels.
        texts: The labels.

    Returns:
        The labels, an empty one where there is no room, and Plotly's `textposition` of each.

    Example:
        >>> place_labels([(0, 0), (3, 2)], ["β = 1", "β = 2"])[1]
        ['bottom right', 'top right']
    """
    taken = [(x - GAP / 2, y - GAP / 2, x + GAP / 2, y + GAP / 2) for x, y in places]
    labels, positions = [], []
    for i, ((x, y), text) in enumerate(zip(places, texts, strict=True)):
        others = [*taken[:i], *taken[i + 1 :]]
        boxes = {side: _box(x, y, text, side) for side in SIDES}
        free = [side for side in SIDES if not any(_overlap(boxes[side], box) for box in others)]
        labels.append(text if free else "")
        positions.append(free[0] if free else SIDES[0])
        if free:
            taken.append(boxes[free[0]])
    return labels, positions


def _box(x: float, y: float, text: str, side: str) -> tuple[float, float, float, float]:
    """Left, lower, right and upper end of a label beside a point."""
    width = CHARACTER * len(text)
    left = x - width - GAP / 2 if side.endswith("left") else x + GAP / 2
    low = y + GAP / 2 if side.startswith("top") else y - GAP / 2 - LINE
    return left, low, left + width, low + LINE


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _spans(
    points: Sequence[tuple[str, str, float, float, float, float, float]],
    curve: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    linear_vae: tuple[np.ndarray, np.ndarray] | None,
    collapsed: float | None,
    floor: float | None,
) -> tuple[float, float]:
    """How far R and D reach over all that is drawn, in nats."""
    rates, distortions = [point[5] for point in points], [point[3] for point in points]
    if curve is not None:
        rates, distortions = [*rates, *curve[2]], [*distortions, *curve[1]]
    if linear_vae is not None:
        rates, distortions = [*rates, *linear_vae[0]], [*distortions, *linear_vae[1]]
    distortions += [value for value in (collapsed, floor) if value is not None]
    if not distortions:
        return 1.0, 1.0
    return 1.14 * max(1.0, *rates, 0.0), max(1.0, max(distortions) - min(distortions))


def _draw_runs(
    figure: go.Figure,
    points: Sequence[tuple[str, str, float, float, float, float, float]],
    name: str,
    spans: tuple[float, float],
    is_named: bool = False,
    is_faint: bool = False,
) -> None:
    """Runs with their errors and β: named ones large, with their title, faint ones without."""
    ids, titles, betas, d, d_error, r, r_error = map(list, zip(*points, strict=True))
    texts = [f"β = {beta:g}" for beta in betas]
    if is_named:
        names = [plain_text(shorten(title, MAX_MARK)) for title in titles]
        texts = [f"{title}, {text}" for title, text in zip(names, texts, strict=True)]
    size, symbol = (13, "star-diamond") if is_named else (9, "circle")
    places = [(x / spans[0] * WIDTH, y / spans[1] * HEIGHT) for x, y in zip(r, d, strict=True)]
    texts, positions = place_labels(places, texts)
    figure.add_scatter(
        x=r, y=d, mode="markers" if is_faint else "markers+text", name=name, customdata=ids,
        text=texts, textposition=positions,
        hovertext=[plain_text(title) for title in titles],
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


def _draw_curves(
    figure: go.Figure,
    curve: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    linear_vae: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    """One model for every β, and the best linear VAE."""
    if curve is not None:
        beta, distortion, rate = curve
        figure.add_scatter(
            x=rate, y=distortion, mode="lines", name="one model for every β", text=beta,
            line={"color": PALETTE[0], "width": 2},
            hovertemplate="β = %{text:.3g}<br>R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
        )  # fmt: skip
    if linear_vae is not None:
        figure.add_scatter(
            x=linear_vae[0], y=linear_vae[1], mode="lines",
            name="best linear VAE, on the training images",
            line={"color": PALETTE[4], "width": 2, "dash": "dash"},
            hovertemplate="R %{x:.2f}, D %{y:.2f} nats, training images<extra></extra>",
        )  # fmt: skip


def _draw_seeds(
    figure: go.Figure,
    seeds: Sequence[tuple[float, int, float, float, float, float]],
    is_faint: bool,
) -> None:
    """Means over seeds with their intervals."""
    betas, counts, d, d_half, r, r_half = map(list, zip(*seeds, strict=True))
    figure.add_scatter(
        x=r, y=d, mode="markers", name="mean over seeds, 95 % interval",
        hovertext=[f"β = {b:g}, {n} seeds" for b, n in zip(betas, counts, strict=True)],
        hovertemplate="%{hovertext}<br>R %{x:.2f}, D %{y:.2f} nats<extra></extra>",
        error_x={"type": "data", "array": r_half}, error_y={"type": "data", "array": d_half},
        marker={"size": 12, "symbol": "diamond-open", "color": PALETTE[6]},
        opacity=FAINT if is_faint else 1,
    )  # fmt: skip


def _draw_bounds(
    figure: go.Figure, collapsed: float | None, floor: float | None, threshold: float | None
) -> None:
    """The collapsed model, where collapse begins, and what no D can be below."""
    if collapsed is not None:
        figure.add_scatter(
            x=[0], y=[collapsed], mode="markers", name="collapsed: the best constant image",
            marker={"symbol": "star", "size": 13, "color": PALETTE[8]},
            hovertemplate="R 0, D %{y:.2f} nats<extra></extra>",
        )  # fmt: skip
    if collapsed is not None and threshold:
        _draw_threshold(figure, collapsed, threshold)
    if floor is not None:
        figure.add_hline(
            floor, line_dash="dash", line_color="rgba(128,128,128,0.7)",
            annotation_text="entropy of binarising the grey images",
            annotation_position="bottom right",
        )  # fmt: skip


def _lay_out(figure: go.Figure) -> None:
    """Titles, and a range from just left of R = 0 to just right of what is drawn."""
    figure.update_layout(
        height=480, margin=NO_MARGIN, legend=ABOVE, hovermode="closest", dragmode="pan"
    )
    reach = max([1.0, *(float(np.max(trace.x)) for trace in figure.data if len(trace.x))])
    figure.update_xaxes(
        title="rate R, nats per image", range=[-0.04 * reach, 1.1 * reach], automargin=True
    )
    figure.update_yaxes(title="distortion D, nats per image", automargin=True)


def _draw_threshold(figure: go.Figure, collapsed: float, threshold: float) -> None:
    """The line of slope −β* through the collapsed model, down to the best D that is drawn."""
    lowest = min(float(np.min(trace.y)) for trace in figure.data if len(trace.y))
    length = max(collapsed - lowest, 1.0) / threshold
    figure.add_scatter(
        x=[0, length], y=[collapsed, collapsed - threshold * length], mode="lines",
        name=f"slope −β*, β* = {threshold:.3g}: a larger β collapses", hoverinfo="skip",
        line={"color": PALETTE[8], "width": 1.5, "dash": "dot"},
    )  # fmt: skip


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
