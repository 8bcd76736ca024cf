"""One model's diagnosis: the verdict, what it rests on, and whether the decoder uses z."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from explorer.figures.latents import information_bar, kl_per_latent, mean_variance_per_latent
from explorer.glossary import row
from explorer.services import analysis
from explorer.services.loaded_model import LoadedModel
from explorer.views import collapse_interval, downloads, model_picker
from explorer.widgets import display, pictures
from models.latents.samples import draw_codes

if TYPE_CHECKING:  # it imports torch
    from models.metrics.collapse import Diagnosis

FEWEST = 3
SAMPLES = 12
PREDICTION = (
    "β* is computed from the training images and the likelihood alone: the largest eigenvalue of "
    "their covariance, each pixel measured in units of its own noise. Below it a collapsed VAE "
    "always has a small step that pays, whatever its networks; above it it has none, though a "
    "better solution further away may exist."
)
NEAR = 0.9
"""Share of the ceiling above which I(x; z) says more of N than of the codes."""


def show(model: LoadedModel) -> bool:
    """Shows the verdict and what it rests on; returns whether there is one."""
    if not model_picker.accepts(model):
        return False
    count = len(model.codes)
    if count < FEWEST:
        st.info(f"A diagnosis needs at least {FEWEST} test images, got {count}: choose another.")
        return False
    from models.metrics.collapse import ACTIVE_KL, ACTIVE_VARIANCE

    diagnosis = analysis.diagnosis(model)
    _verdict(diagnosis)
    _prediction(model, diagnosis)
    kl, variance = np.array(diagnosis.kl_per_dimension), np.array(diagnosis.mean_variance)
    told, error = diagnosis.mutual_information
    columns = st.columns(3, gap="medium")
    with columns[0]:
        st.markdown("**What each latent costs**")
        display.chart(kl_per_latent(kl, ACTIVE_KL), "kl-per-latent")
    with columns[1]:
        st.markdown("**How far each mean moves**")
        display.chart(mean_variance_per_latent(variance, ACTIVE_VARIANCE), "active-units")
    with columns[2]:
        st.markdown("**What the codes know**")
        display.chart(information_bar(told, error, kl.sum(), diagnosis.ceiling), "information")
        compared = min(count, analysis.COMPARED)
        which = "test images" if compared == count else "first test images"
        text = (
            f"I(x; z) {told:z.2f} ± {error:z.2f} nats, at most ln N = {diagnosis.ceiling:z.2f} of "
            f"the N = {compared:,} {which}, and at most R."
        )
        if told > NEAR * diagnosis.ceiling:
            text += (
                f" That is close to ln N: more images would raise it, and I of the model lies "
                f"anywhere between this and R = {kl.sum():z.2f} nats."
            )
        st.caption(text)
    st.html(
        row("verdict", "rate", "kl", "active", "mu", "information", "beta_star", "error", "nats")
    )
    if model.is_whole:
        _decoder(model, diagnosis)
    else:
        st.caption("Whether a decoder listens to z cannot be told: these codes came without one.")
    return True


def _verdict(diagnosis: Diagnosis) -> None:
    """The verdict in one sentence."""
    verdict, _, numbers = diagnosis.sentence.partition(": ")
    if math.isnan(diagnosis.response):
        numbers = numbers.rpartition(", and ")[0]
    box = {"collapsed": st.error, "not collapsed": st.success}.get(diagnosis.verdict, st.warning)
    box(f"**{verdict}:** {numbers}.")


def _prediction(model: LoadedModel, diagnosis: Diagnosis) -> None:
    """Whether it had to be so: the β of its training against the predicted threshold."""
    threshold = analysis.collapse_threshold(model)
    if threshold is None:
        return
    latents = len(diagnosis.collapsed)
    active = 0 if diagnosis.verdict == "collapsed" else diagnosis.collapsed.count(False)
    sentence = threshold.explain(model.card.config.objective.beta, active, latents)
    st.markdown(f"{sentence}.", help=PREDICTION)
    if model.adapted is None and model.test_images is not None:
        collapse_interval.show(model.card.config)


def _decoder(model: LoadedModel, diagnosis: Diagnosis) -> None:
    """Whether the decoder uses z: decoded samples of the prior beside the mean image."""
    images = model.test_images
    decoded = model.decode(draw_codes(model.codes, SAMPLES, seed=0))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if images is not None:
            mean = images.images.mean(0, keepdims=True)
            display.picture(pictures.one(mean, 104), "Mean test image")
        sheet = pictures.sheet(decoded, SAMPLES // 2, 52, 2)
        display.picture(sheet, f"Decoded means of {SAMPLES} prior samples")
        with st.container(width=400):
            st.markdown("**Does the decoder listen to z?**")
            st.markdown(_listening(diagnosis))
            st.html(row("response"))
            if images is None:
                st.caption(model_picker.missing_images(model))
                downloads.offer(model.card.config.data if model.adapted is None else "")


def _listening(diagnosis: Diagnosis) -> str:
    """How much decoded images differ."""
    text = (
        f"Decoded samples of the prior lie {diagnosis.decoded_distance:z.3f} from their mean image "
        "(root mean square per pixel; white is 1)"
    )
    if math.isnan(diagnosis.response):
        return f"{text}. How far test images lie from theirs is not known here."
    images = f"test images {diagnosis.image_distance:z.3f} from theirs"
    return f"{text}, {images}: **{diagnosis.response:.1%}**."
