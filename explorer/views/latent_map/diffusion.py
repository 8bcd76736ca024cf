"""Diffusion in the latent plane: draws flow from N(0, I) to the codes, decoded on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from explorer.figures import diffusion as figures
from explorer.figures.theme import latent_unit
from explorer.services import latent_diffusion
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import display, pictures

if TYPE_CHECKING:  # it imports torch
    from models.training.latent_diffusion import LatentFlow

FOLLOWED = 6
"""Draws that are numbered and decoded on their way."""
SHOWN = 9
"""Times at which they are decoded."""
SIDE = 56
"""Longer side of a decoded image, in pixels, about."""


def section(model: LoadedModel) -> None:
    """Shows a small diffusion model of 2-D codes at work; closed, it costs nothing."""
    if model.codes.latent_dim != 2 or len(model.codes) < 2:
        return
    title = "Diffusion: from noise to the codes"
    with st.expander(title, key="diffusion", on_change="rerun") as expander:
        if expander.open:
            _section(model)


def _section(model: LoadedModel) -> None:
    found = latent_diffusion.flow(model)
    has_prior = model.card.config.model.capabilities.has_prior
    st.markdown(
        f"A diffusion model learned these codes as its data. At step t = {found.noise_steps} all "
        "is noise, N(0, I); each step back to t = 0 removes a little of it. Press **Play** or move "
        "the slider: the draws follow the arrows to where the codes are."
    )
    titles = tuple(f"z{digit}, {latent_unit(has_prior)}" for digit in "₁₂")
    shown = figures.latent_flow(
        found.times.tolist(), found.points, found.noised, found.grid, found.arrows,
        titles, FOLLOWED, has_prior,
    )  # fmt: skip
    display.chart(shown, "latent-diffusion")
    st.caption(
        f"Blue: {found.points.shape[1]} draws; orange: the first {FOLLOWED} of them, numbered. "
        "Arrows: the score, the direction in which noisy codes become more likely, longer where it "
        "is stronger. Grey: the codes with the noise of step t, √ᾱₜ z + √(1 − ᾱₜ) ε. The network "
        f"guesses ε with a mean squared error of {found.noise_error:z.2f} per number; an answer of "
        "0 has 1."
    )
    if model.problem:
        return
    _decoded(model, found)


def _decoded(model: LoadedModel, found: LatentFlow) -> None:
    """The numbered draws as images, from noise on the left to a code on the right."""
    frames = np.linspace(0, len(found.times) - 1, SHOWN).round().astype(int)
    codes = found.points[frames, :FOLLOWED].transpose(1, 0, 2)  # (draw, time, Z)
    images = model.decode(codes.reshape(-1, codes.shape[-1]))
    times = ", ".join(str(found.times[frame]) for frame in frames)
    sheet = pictures.sheet(images, SHOWN, SIDE)
    display.picture(
        sheet, f"The draws 1 to {FOLLOWED}, a row each, decoded at t = {times}: each point of the "
        "plane decodes to an image, so the early ones look like images too.",
    )  # fmt: skip
