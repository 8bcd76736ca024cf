"""A GAN at work: images of z, what the discriminator says of them, and how both learned."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.browser.z_plane.component import z_plane
from explorer.figures.families import score_course, score_histogram
from explorer.services import families, page_files
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets import display, inputs
from explorer.widgets.text import plain, typeset
from models.latents.planes import draw_corners

SHOWN = 10
SIDE = 56
SPHERE = 3
"""Numbers of z from which on the plane is half a sphere."""
WALK = 9
"""Pictures of a walk, both ends included."""


def show(model: LoadedModel) -> None:
    """Shows what a model of two players does: one makes images, one tells them from real ones."""
    if model.problem:
        st.error(f"This model cannot be used: {plain(model.problem)}. Choose another.")
        return
    seed = state.get("draw")
    inputs.button("Draw again", lambda: state.put(draw=(seed + 1) % 1_000_000))
    found = families.judged(model, seed)
    st.markdown("**The generator turns numbers z ~ N(0, I) into images; the discriminator judges**")
    st.caption(
        "Below each image: D, the probability that the discriminator gives it of being real."
    )
    display.row(found.fake[:SHOWN], _scores(found.fake_scores), SIDE)
    if found.real is None:
        st.caption(model_picker.missing_images(model))
    else:
        st.markdown("**Real test images, judged by the same discriminator**")
        display.row(found.real[:SHOWN], _scores(found.real_scores), SIDE)
    _plane(model, seed)
    _walk(model, seed)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Can it tell them apart?**")
        display.chart(score_histogram(found.real_scores, found.fake_scores), "gan-scores")
        st.caption(_apart(found))
    with right:
        st.markdown("**While they learned**")
        _course(model)


def _plane(model: LoadedModel, seed: int) -> None:
    """The plane of codes under the pointer, decoded in the browser."""
    size = model.card.config.model.latent_dim
    st.markdown("**Every spot is a z, decoded where you point**")
    vectors = draw_corners(size, seed).tolist() if size >= SPHERE else None
    z_plane({"url": page_files.decoder_url(model), "vectors": vectors}, "z-plane")
    if vectors is None:
        st.caption("The plane of the latents, from −3 to 3 prior standard deviations.")
    else:
        st.caption(
            typeset(
                f"z has {size} numbers. This is half a sphere through three draws of the prior: "
                f"every z on it is as long as draws are, √{size} = {np.sqrt(size):z.2f}."
            )
        )


def _scores(scores: np.ndarray) -> list[str]:
    return [f"D = {score:z.3f}" for score in scores[:SHOWN]]


def _apart(found: families.Judged) -> str:
    """How often the discriminator is right, in words."""
    fake = float(found.fake_scores.mean())
    text = f"Mean D of {len(found.fake_scores)} new images: {fake:z.3f}"
    if found.real is not None:
        right = ((found.real_scores > 0.5).mean() + (found.fake_scores < 0.5).mean()) / 2
        text += (
            f"; of {len(found.real_scores)} real ones: {found.real_scores.mean():z.3f}. Taking "
            f"D > 0.5 as real it is right about {right:.0%} of both; guessing gives 50 %"
        )
    return text + "."


def _walk(model: LoadedModel, seed: int) -> None:
    """From one z to another, along an arc of the sphere on which draws of N(0, I) lie."""
    st.markdown("**A walk from one z to another**")
    images = families.generated_walk(model, seed, WALK)
    display.row(images, [""] * len(images), SIDE)


def _course(model: LoadedModel) -> None:
    """The mean scores over the epochs, where the training was recorded."""
    course = families.score_course(model.entry)
    if course is None:
        st.caption("The training of this model was not recorded. Train one and come back to it.")
        return
    display.chart(score_course(*course), "gan-course")
    st.caption(
        "Mean D of real and of new images in every epoch. Where nothing tells them apart both "
        "are ½, and the discriminator’s loss is 2 ln 2 = 1.39 nats."
    )
