"""Experiments of one chart each, measured while one waits: a coin, an image, a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.experiments import histograms
from explorer.services import lessons
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.views.lessons import controls
from explorer.views.lessons.charts import quantity
from explorer.widgets import display, inputs, pictures
from models.lessons.measurement import Measurement

TOSSES = 1000
NUMBERS = 10_000
SHOWN = 10
"""Test images whose pictures are shown."""
PICTURE_PIXELS = 64


def coin() -> Measurement:
    """A coin and a belief about it."""
    with controls.row("coin"):
        chance = inputs.real("chance", "p, the coin's chance of heads", 0.01, width=300)
        belief = inputs.real("belief", "q, what you believe", 0.01, width=300)
        controls.draw_again()
    found = lessons.coin(chance, belief, TOSSES, state.get("draw"))
    quantity(found, "nats", "surprise, nats per toss", "coin")
    return found


def terms() -> Measurement | None:
    """The terms of one image, as bars with their signs."""
    found = _of_image("terms", lessons.terms)
    if found is not None:
        quantity(found, "term", "nats per image", "terms")
    return found


def test_time() -> Measurement | None:
    """D with a sampled code and with the mean code."""
    chosen = controls.usable_model("test-time", with_image=False)
    if chosen is None or not _has_images(chosen[0]):
        return None
    model = chosen[0]
    images = model.test_images.images[:SHOWN]
    drawn = lessons.codes_of(model, SHOWN, state.get("draw"))
    rows = {"Image": images, "z = μ": model.decode(model.codes.mean[:SHOWN])}
    rows |= {f"z drawn from q(z|x), draw {n + 1}": model.decode(z) for n, z in enumerate(drawn)}
    picture_rows(rows)
    found = lessons.test_time(model, state.get("draw"))
    quantity(found, "distortion", "D, nats per image", "test-time", with_repeats=False)
    return found


def forces(model: LoadedModel) -> Measurement | None:
    """How hard D and R pull the codes of a model to the prior."""
    if not _has_images(model):
        return None
    if model.adapted is not None:
        st.info("The forces need the gradient of the decoder, which a custom model does not give.")
        return None
    found = lessons.forces(model, state.get("draw"))
    left, right = st.columns(2, gap="medium")
    with left:
        title = "pull of μ to 0, nats per prior standard deviation"
        quantity(found, "pull of μ", title, "forces-mean", with_repeats=False)
    with right:
        title = "pull of σ to 1, nats per unit of ln σ"
        quantity(found, "pull of ln σ", title, "forces-sigma", with_repeats=False)
    return found


def steps() -> Measurement | None:
    """The three steps that make an image, each drawn again on its own."""
    with controls.row("steps"):
        model = model_picker.show("model", needs_images=True, small=True)
        if model is None:
            return None
        controls.draw_again("draw", "Draw another z")
        controls.draw_again("draw-x", "Draw another x")
    if not model_picker.accepts(model):
        return None
    latent_dim = model.codes.mean.shape[1]
    z = np.random.default_rng(state.get("draw")).standard_normal((1, latent_dim))
    mean, drawn = model.decode(z), model.sample(z, state.get("draw-x"))
    code = ", ".join(f"{value:z.2f}" for value in z[0, :4]) + (", …" if latent_dim > 4 else "")
    left, *places = st.columns(3, gap="medium")
    with left:
        st.markdown(f"**1. Draw z from the prior**\n\nz = ({code})".replace("-", "−"))
        st.caption("In prior standard deviations.")
    captions = ("2. Decode it to the mean of p(x|z)", "3. Draw x from p(x|z)")
    for column, images, caption in zip(places, (mean, drawn), captions, strict=True):
        with column:
            display.row(images, [caption], side=168)
    found = lessons.steps(model, state.get("draw"))
    quantity(found, "difference", "difference of two pictures (grey levels)", "steps")
    return found


def sharpness() -> None:
    """Test images, their decoded means, and draws of p(x|z) at the same codes."""
    chosen = controls.usable_model("sharpness", with_image=False)
    if chosen is None or not _has_images(chosen[0]):
        return
    model = chosen[0]
    codes = model.codes.mean[:SHOWN]
    rows = {
        "Images": model.test_images.images[:SHOWN],
        "Decoded means E[x|z] at z = μ": model.decode(codes),
        "Draws of p(x|z) at z = μ": model.sample(codes, state.get("draw")),
    }
    picture_rows(rows)


def picture_rows(rows: dict[str, np.ndarray]) -> None:
    """Shows rows of pictures of the same images, each row with its name."""
    for name, images in rows.items():
        display.picture(pictures.sheet(images, len(images), PICTURE_PIXELS, gap=4), name)


def noise() -> None:
    """The three kinds of noise as histograms."""
    with controls.row("noise"):
        controls.draw_again()
    drawn = lessons.noise(NUMBERS, state.get("draw"))
    display.chart(histograms(drawn, "ε (prior standard deviations)"), "noise")
    st.caption(f"{NUMBERS:,} numbers each. Line: the density of N(0, 1).")


def _of_image(key: str, measure: Callable[..., Measurement]) -> Measurement | None:
    """Asks for a model and an image, and measures it."""
    chosen = controls.usable_model(key, with_image=True)
    if chosen is None or not _has_images(chosen[0]):
        return None
    return measure(*chosen, state.get("draw"))


def _has_images(model: LoadedModel) -> bool:
    """Whether the test images are here; if not, says what to do."""
    if model.test_images is None:
        st.info(model_picker.missing_images(model))
    return model.test_images is not None
