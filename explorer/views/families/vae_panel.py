"""An autoencoder or a VAE at work: image to code to image, a walk between two images, new ones."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.theme import subscript
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets import display, inputs, links, pictures
from explorer.widgets.text import plain, typeset
from models.latents.samples import draw_codes

SIDE = 104
"""Longer side of a picture, in pixels, about."""
SMALL_SIDE = 72
WALK = 9
"""Pictures of a walk, both ends included."""
DRAWN = 10
NAMED = 4
"""Latents whose numbers are written."""


def show(model: LoadedModel) -> None:
    """Shows what a model with a code z of a few numbers does."""
    if model.problem:
        st.error(f"This model cannot be used: {plain(model.problem)}. Choose another.")
        return
    last = len(model.codes) - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point = inputs.number(
            "point", f"Test image (0 to {last})", last, width=190, placeholder="0"
        )
        links.open_map(model.entry.id)
    point = min(point or 0, last)
    _through_the_code(model, point)
    _walk(model, point)
    _new(model)


def _through_the_code(model: LoadedModel, point: int) -> None:
    """One image, its code, and the code decoded."""
    has_posterior = model.card.config.model.capabilities.has_posterior
    st.markdown("**An image becomes a few numbers, and an image again**")
    mean = model.codes.mean[point]
    deviation = np.exp(0.5 * model.codes.log_variance[point]) if has_posterior else None
    rows = [("decoded from z", model.decode(mean[None]))]
    if has_posterior:
        noise = np.random.default_rng(state.get("draw")).standard_normal((3, len(mean)))
        rows += [("decoded from draws of q(z|x)", model.decode(mean + deviation * noise))]
    images = model.test_images
    if images is not None:
        rows.insert(0, ("the image x", images.images[point : point + 1]))
    shown = np.concatenate([pixels for _, pixels in rows])
    names = [name if i == 0 else "" for name, pixels in rows for i in range(len(pixels))]
    display.row(shown, names, SIDE)
    st.markdown(_code(mean, deviation))
    if images is None:
        st.caption(model_picker.missing_images(model))


def _code(mean: np.ndarray, deviation: np.ndarray | None) -> str:
    """The code in words."""
    parts = []
    for place, value in enumerate(mean[:NAMED]):
        spread = "" if deviation is None else f" ± {deviation[place]:z.2f}"
        parts.append(f"z{subscript(place + 1)} = {value:z.2f}{spread}")
    text = ", ".join(parts) + (", …" if len(mean) > NAMED else "")
    meaning = (
        "a point and nothing else, in a unit of this model's own"
        if deviation is None
        else "a distribution q(z|x): mean ± standard deviation, in prior standard deviations"
    )
    pixels = "number" if len(mean) == 1 else "numbers"
    return typeset(f"The code is {len(mean)} {pixels}, {meaning}: {text}.")


def _walk(model: LoadedModel, point: int) -> None:
    """From the code of one image straight to that of the next one of another class."""
    other = _other(model, point)
    share = np.linspace(0, 1, WALK)[:, None]
    codes = (1 - share) * model.codes.mean[point] + share * model.codes.mean[other]
    st.markdown("**A walk: the codes on the straight line between two images, decoded**")
    sheet = pictures.sheet(model.decode(codes), WALK, SMALL_SIDE, 4)
    display.picture(sheet, f"From test image {point} to test image {other}")


def _other(model: LoadedModel, point: int) -> int:
    """The next test image of another class; without classes the next one."""
    labels, count = model.codes.labels, len(model.codes)
    for step in range(1, count):
        other = (point + step) % count
        if labels is None or labels[other] != labels[point]:
            return other
    return point


def _new(model: LoadedModel) -> None:
    """New images, where there is a prior to draw them from."""
    has_prior = model.card.config.model.capabilities.has_prior
    st.markdown("**New images**")
    seed = (state.get("draw") + 1) % 1_000_000
    codes = draw_codes(model.codes, DRAWN, seed=state.get("draw"))
    source = "the prior N(0, I)" if has_prior else "a Gaussian fitted to the codes"
    sheet = pictures.sheet(model.decode(codes), DRAWN, SMALL_SIDE, 4)
    display.picture(sheet, f"Decoded draws of {source}")
    if not has_prior:
        st.caption(
            "An autoencoder has no prior: nothing in its training says where codes are. The "
            "Gaussian was fitted afterwards."
        )
    inputs.button("Draw again", lambda: state.put(draw=seed))
