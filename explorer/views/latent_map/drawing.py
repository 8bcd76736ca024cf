"""Draw a digit: how the model sees it, what it makes of it, and where it lies on the map."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.browser.drawing import component as live
from explorer.figures.theme import latent_unit, subscript
from explorer.services import drawn_digit
from explorer.services.drawn_digit import DrawingScore
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import typeset
from models.data import drawing
from models.latents.codes import nearest_codes

PART, MAPS = "drawing", "maps"
"""Keys of what a stroke changes: this part of the page, and its maps."""
FEW = 4
SIDE = 112
NEIGHBOURS = 6


def code(model: LoadedModel) -> dict[str, Any] | None:
    """The q(z|x) of the drawing under a model, for its map.

    Returns:
        {"mean": […], "log_variance": […]}, log-variance None for an autoencoder; None if nothing
        is drawn, or if the model's numbers are not finite.
    """
    can_draw = _strokes() and drawn_digit.noun(model)
    score = drawn_digit.score(model, _strokes()) if can_draw else None
    if score is None or not score.is_finite:
        return None
    spread = score.log_variance
    return {
        "mean": score.mean.tolist(),
        "log_variance": None if spread is None else spread.tolist(),
    }


def _strokes() -> list:
    """The drawing of this session, checked; [] if there is none."""
    return st.session_state.get("drawing", [])


def _keep() -> None:
    """Takes over what the pad sent, or the reason why not; the last valid drawing then stays."""
    memory = st.session_state
    try:
        strokes = drawing.check_strokes(live.drawn("pad"))
    except ValueError as error:
        memory.drawing_problem = str(error)
    else:
        memory.update(drawing=[stroke.tolist() for stroke in strokes], drawing_problem="")
        page_queue.run_again(PART, MAPS)


@functools.partial(page_queue.fragment, key=PART)
def section(model: LoadedModel) -> None:
    """Opens and closes the pad; runs again alone, a new drawing with the maps that show it."""
    noun = drawn_digit.noun(model)
    if not noun:  # a pad has no colours
        return
    is_open = state.get("panel") == "draw"
    label = "Close the drawing" if is_open else f"Draw {noun}"
    inputs.button(label, lambda: state.put(panel="image" if is_open else "draw"))
    if is_open:
        show(model)
    state.publish()


def show(model: LoadedModel) -> None:
    """The pad, and what the model makes of the drawing."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=live.SIDE):
            live.pad(_strokes(), drawing.EXAMPLES, "pad", _keep)
        with st.container(width="stretch"):
            problem = st.session_state.get("drawing_problem")
            if problem:
                st.warning(f"The last stroke is not used: {problem}.", icon="⚠️")
            if _strokes():
                _result(model)
            else:
                noun = drawn_digit.noun(model)
                st.info(f"Draw {noun}, or press one of the examples 0 to 9.")
            st.caption(drawing.describe(*drawn_digit.preparation(model)))


def _result(model: LoadedModel) -> None:
    """Image, reconstruction, numbers and neighbours of the drawing."""
    score = drawn_digit.score(model, _strokes())
    with st.container(horizontal=True):
        display.picture(pictures.one(score.image, SIDE), "The model sees", SIDE)
        if not score.is_finite:
            st.error("The model’s numbers for this drawing are not finite: choose another model.")
            return
        decoded = model.decode(score.mean[None])
        display.picture(pictures.one(decoded, SIDE), "Decoded mean", SIDE)
        with st.container(width="stretch"):
            _numbers(model, score)
    _neighbours(model, score.mean)


def _numbers(model: LoadedModel, score: DrawingScore) -> None:
    """D, R and −ELBO in nats, their place among those of the test set, and the posterior."""
    codes = model.codes
    spread = f" ± {score.error:z.1f}" if score.error >= 0.05 else ""
    line = f"**D** {score.distortion:z.1f}{spread}"
    if score.rate is None:
        name, mine, others = "D", score.distortion, codes.distortion
        line += " nats. An autoencoder has no R."
    else:
        name, mine, others = "−ELBO", score.distortion + score.rate, codes.negative_elbo
        line += f" + **R** {score.rate:z.1f} = **−ELBO** {mine:z.1f}{spread} nats"
    higher = int((others < mine).sum())
    st.markdown(typeset(line))
    st.markdown(f"This {name} is higher than that of {higher:,} of the {len(codes):,} test images.")
    st.markdown(typeset(_posterior(score)))
    if spread:
        st.caption(f"D: mean of {drawn_digit.DRAWS} samples of z ± its standard error.")


def _posterior(score: DrawingScore) -> str:
    """The first few latents: mean and, for a VAE, standard deviation."""
    has_prior = score.log_variance is not None
    texts = [f"z{subscript(j + 1)} {mean:z.2f}" for j, mean in enumerate(score.mean[:FEW])]
    if has_prior:
        sigma = np.exp(0.5 * score.log_variance[:FEW])
        texts = [f"{text} ± {s:z.2f}" for text, s in zip(texts, sigma, strict=True)]
    more = len(score.mean) - FEW
    texts += [f"and {more} more"] if more > 0 else []
    what = "μ ± σ" if has_prior else "code"
    return f"{', '.join(texts)} ({what}, {latent_unit(has_prior)})"


def _neighbours(model: LoadedModel, mean: np.ndarray) -> None:
    """The nearest test images in latent space, by Euclidean distance of μ."""
    codes, names = model.codes, model.card.class_names
    images = model.test_images
    nearest, distance = nearest_codes(codes.mean, mean, NEIGHBOURS)
    pixels = model.decode(codes.mean[nearest]) if images is None else images.images[nearest]
    shown = "decoded" if images is None else "originals"
    st.markdown(f"**Nearest in latent space** ({shown}; distance Δ of the means)")
    classes = [""] * len(nearest)
    if codes.labels is not None:
        classes = [f"{names[label]} · " for label in codes.labels[nearest]]
    texts = [f"{name}Δ {d:z.2f}" for name, d in zip(classes, distance, strict=True)]
    display.row(pixels, texts, 56)
