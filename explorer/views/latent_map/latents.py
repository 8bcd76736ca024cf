"""Latents one by one: what moves when one latent moves, and which factor it follows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures import factors as figures
from explorer.figures.theme import subscript
from explorer.services import factors
from explorer.services.factors import SeedMatrix
from explorer.services.loaded_model import LoadedModel
from explorer.views.latent_map import rotation
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import plain

SIDE = 64
"""Longer side of an image in a strip, in pixels, about."""
FOLLOWS = 0.1
"""Least share of a factor's entropy that a latent must know to be said to follow it."""


def section(model: LoadedModel) -> None:
    """Traversals of every latent beside the factors, and what a turn does; closed, it costs
    nothing."""
    title = "Traversals: move one latent at a time"
    with st.expander(title, key="traversals", on_change="rerun") as expander:
        if expander.open:
            _traversals(model)
    if not factors.has_factors(model):
        return
    with st.expander(
        "Rotation: turn the codes and see each score", key="rotation", on_change="rerun"
    ) as expander:
        if expander.open:
            rotation.of_model(model)


def _traversals(model: LoadedModel) -> None:
    """The strips, the film, and the matrix beside them."""
    last = len(model.codes) - 1
    point = inputs.number("point", f"Test image (0 to {last})", last, width=190, placeholder="0")
    order, weights = factors.in_order(model)
    images = factors.traversed(model, model.codes.mean[point or 0])
    matrix = factors.seed_matrix(model) if factors.has_factors(model) else None
    left, right = st.columns([1, 1] if matrix else [1, 0.001], gap="medium")
    with left:
        for row, j, weight in zip(images, order, weights, strict=True):
            strip = pictures.sheet(row, factors.STEPS, SIDE)
            display.picture(strip, _caption(model, int(j), float(weight), matrix))
    if matrix is not None:
        with right:
            _matrix(matrix, order)
    _explain(model, len(order))
    st.download_button(
        "Save the traversals as GIF", lambda: _film(images), "traversals.gif", "image/gif",
        on_click="ignore", key="traversals-gif",
    )  # fmt: skip


def _caption(model: LoadedModel, j: int, weight: float, matrix: SeedMatrix | None) -> str:
    """A latent's name, its KL, and the factor that it follows, if there is one."""
    has_rate = model.codes.log_variance is not None
    amount = f"KL {weight:z.2f} nats" if has_rate else f"variance {weight:.2g}"
    text = f"z{subscript(j + 1)} · {amount}"
    if matrix is None:
        return text
    best = int(matrix.mean[j].argmax())
    share = matrix.mean[j, best]
    if share < FOLLOWS:
        return f"{text} · follows no factor"
    return f"{text} · follows {matrix.names[best]} ({100 * share:z.0f} % of its entropy)"


def _matrix(matrix: SeedMatrix, order: np.ndarray) -> None:
    """Latents × factors."""
    half = None if matrix.half is None else matrix.half[order]
    names = [f"z{subscript(j + 1)}" for j in order]
    display.chart(figures.matrix(matrix.mean[order], names, matrix.names, half), "latents-factors")
    over = (
        f"Mean ± half the 95 % interval over {matrix.seeds} seeds, latents matched to those of "
        "this model first."
        if matrix.half is not None
        else "One seed: no interval. Runs that differ in the seed alone are added if there are any."
    )
    st.caption(
        "I(zⱼ; factor) ÷ H(factor): the share of each factor’s entropy that one latent knows. "
        f"{over}"
    )


def _explain(model: LoadedModel, shown: int) -> None:
    """What is shown, in two sentences."""
    if model.codes.log_variance is not None:
        span = f"−{factors.REACH} to {factors.REACH} prior standard deviations"
        first = "the largest KL first"
    else:
        span, first = "from the 1st to the 99th percentile of the codes", "the most variable first"
    every = "" if shown == model.codes.latent_dim else f" The first {shown} latents are shown."
    st.caption(
        plain(
            f"Each strip is the selected image’s code with one latent moved over {span}, the "
            f"others kept; {first}.{every} A strip that does not change belongs to a latent that "
            "the decoder ignores."
        )
    )


def _film(images: np.ndarray) -> bytes:
    """All latents moved at once, one below the other."""
    frames = [pictures.sheet(images[:, step], 1, SIDE) for step in range(images.shape[1])]
    return factors.to_gif(frames)


def selected(model: LoadedModel) -> np.ndarray:
    """The code of the image that is selected, or of the first."""
    point = state.get("point") or 0
    return model.codes.mean[min(point, len(model.codes) - 1)]
