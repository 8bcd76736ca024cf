"""A diffusion model at work: an image noised and denoised, noise turned into images, the plane of
x_T and walks in it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.figures.diffusion import noise_plane
from explorer.services import noise_images
from explorer.services.loaded_model import LoadedModel
from explorer.services.noise_images import Making
from explorer.views import model_picker
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import plain
from models.latents.noise_plane import draw_noise, plane_noise, slerp

SIDE = 104
"""Longer side of a picture, in pixels, about."""
SMALL_SIDE = 56
DRAWN = 10
FOLLOWED = 3
"""Noise images whose way is shown; they span the plane."""
SHOWN = 9
"""Times at which they are shown, both ends included, and pictures of a walk."""
STEPS = (1, 2, 5, 10, 15, 25, 50, 100, 200)
GRID = np.linspace(-0.5, 1.5, 9)
"""Places of the plane, each way."""
CORNERS = (56, 60, 20)
"""Where the three noise images lie among the places: (0, 0), (1, 0) and (0, 1)."""
MAX_PINS = 6
NOT_LONG = 0.4
"""Seconds that the page waits before it shows how far the work is."""
TICK_SECONDS = 0.4


def show(model: LoadedModel) -> None:
    """Shows what a model that makes images from noise does."""
    if model.problem:
        st.error(f"This model cannot be used: {plain(model.problem)}. Choose another.")
        return
    _one_image(model)
    st.divider()
    shape = model.card.config.model.image_shape
    noise = draw_noise(DRAWN, shape, state.get("draw"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = model.network.noise_steps
        allowed = [steps for steps in STEPS if steps <= most]
        steps = inputs.notches("ddim-steps", "Steps from noise to image", allowed, width=420)
        seed = (state.get("draw") + 1) % 1_000_000
        inputs.button("Draw other noise", lambda: state.put(draw=seed))
    _new_images(model, noise, steps)
    st.divider()
    _plane(model, noise[:FOLLOWED], steps)


# --- one image, noised and denoised --------------------------------------------------------------


def _one_image(model: LoadedModel) -> None:
    """A test image with the noise of step t, and what the network says of it."""
    st.markdown("**One image: noise is added, and the network guesses the noise**")
    levels = _levels(model)
    if levels is None:
        st.caption(model_picker.missing_images(model))
        return
    last, most = len(levels) - 1, model.network.noise_steps
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point = inputs.number(
            "point", f"Test image (0 to {last})", last, width=190, placeholder="0"
        )
        time = inputs.slider(
            "noise-step", f"Noise step t (of {most})", 1, most, width=420,
            help="At t = 1 there is hardly any noise, at the last step nothing else.",
        )  # fmt: skip
    image = levels[point or 0]
    noise = draw_noise(1, image.shape, state.get("draw"))[0]
    found = noise_images.noised(model, image, noise, time)
    names = ("image x₀", "noise ε", "noisy image xₜ", "guessed noise ε̂", "guessed image x̂₀")
    shown = np.stack([2 * image - 1, found.noise, found.noisy, found.guess, found.clean])
    display.row((shown + 1) / 2, names, SIDE)
    st.caption(
        f"xₜ = {found.image_share:z.2f} x₀ + {found.noise_share:z.2f} ε. The guess ε̂ has a mean "
        f"squared error of {found.error:z.3f} a pixel; an answer of 0 has about 1. From it follows "
        f"x̂₀ = (xₜ − {found.noise_share:z.2f} ε̂) / {found.image_share:z.2f}. Pixels go from −1, "
        "black, to 1, white; what lies beyond is shown black or white."
    )


def _levels(model: LoadedModel) -> np.ndarray | None:
    """Test images in [0, 1]: all of them, or those that ship."""
    if model.test_images is not None:
        return model.test_images.images
    shipped = model.shipped_levels
    return None if shipped is None else shipped.astype(np.float32) / 255


# --- images from noise ---------------------------------------------------------------------------


def _new_images(model: LoadedModel, noise: np.ndarray, steps: int) -> None:
    """Noise turned into images by DDIM, step by step."""
    st.markdown("**New images: noise is removed step by step**")
    shown = np.unique(np.linspace(0, steps, SHOWN).round().astype(int)).tolist()
    made = _finished(model, noise, steps, "new-images", shown)
    if made is None:
        return
    times = ", ".join(map(str, made.moments))
    for images, caption in (
        (made.noisy, f"The noisy images xₜ of three draws, a row each, at t = {times}"),
        (made.clean, "What the network takes each for: x̂₀ at the same t"),
    ):
        rows = images[:, :FOLLOWED].swapaxes(0, 1).reshape(-1, *noise.shape[1:])
        sheet = pictures.sheet((rows + 1) / 2, len(made.moments), SMALL_SIDE, 3)
        display.picture(sheet, caption)
    sheet = pictures.sheet(made.images, DRAWN, SMALL_SIDE, 3)
    display.picture(sheet, f"All {DRAWN} new images; the first three are those above")
    st.caption(
        f"{DRAWN} images in {_times(steps)} took {made.seconds:z.2f} s. The sampler is "
        "deterministic (DDIM, η = 0, with a second-order step): the noise at the start alone "
        "decides the image: it is the image’s latent, and has as many numbers."
    )


def _times(steps: int) -> str:
    return "1 evaluation of the network" if steps == 1 else f"{steps} evaluations of the network"


def _finished(
    model: LoadedModel, noise: np.ndarray, steps: int, name: str, shown: Sequence[int] = ()
) -> Making | None:
    """The images of noise, or None with what there is of them: progress, or why there are none."""
    cancelled = st.session_state.setdefault("cancelled-noise", set())
    if name in cancelled:
        inputs.button("Go on", lambda: cancelled.discard(name), key=f"go-on-{name}")
        return None
    made = noise_images.make(model, noise, steps, shown)
    if not made.wait(NOT_LONG):
        page_queue.fragment(_follow, run_every=TICK_SECONDS)(made, name)
        return None
    if made.images is None:
        noise_images.forget(made)
        st.error(f"No images could be made: {plain(made.problem or 'it was cancelled elsewhere')}.")
        return None
    return made


def _follow(made: Making, name: str) -> None:
    """A bar until it ends; then the page is shown again."""
    if made.wait(0):
        st.rerun()

    def cancel() -> None:
        noise_images.forget(made)
        st.session_state["cancelled-noise"].add(name)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, made.share), f"Removing noise: {made.share:.0%}")
        inputs.button("Cancel", cancel, key=f"cancel-{name}")


# --- the plane of x_T ----------------------------------------------------------------------------


def _plane(model: LoadedModel, corners: np.ndarray, steps: int) -> None:
    """The plane through three noise images, decoded; pins in it, and walks from pin to pin."""
    st.markdown("**The latent space: a plane through the noise of the first three images**")
    pins = state.get("noise-pins") or CORNERS[:2]
    places = np.array([(u, v) for v in GRID[::-1] for u in GRID])
    grid = plane_noise(corners, places)
    made = _finished(model, grid, steps, "plane")
    if made is not None:
        _chart(made, pins, steps)
    if len(pins) < 2:
        st.caption("Click a second picture to walk from the first to it.")
        return
    legs = [slerp(grid[a], grid[b], SHOWN) for a, b in pairwise(pins)]
    walk = _finished(model, np.concatenate(legs), steps, "walk")
    if walk is not None:
        sheet = pictures.sheet(walk.images, SHOWN, SMALL_SIDE, 3)
        names = " → ".join("ABCDEF"[: len(pins)])
        display.picture(sheet, f"The walk {names} along arcs, a row for each")
        st.caption(
            "Halfway on a straight line between two noise images is too little noise: its standard "
            "deviation is 0.71, not 1. An arc (slerp) keeps it, and so does the plane."
        )


def _chart(made: Making, pins: Sequence[int], steps: int) -> None:
    side = len(GRID)
    sheet = pictures.sheet(made.images, side, SMALL_SIDE)
    source = "data:image/png;base64," + base64.b64encode(pictures.to_png(sheet)).decode()
    figure = noise_plane(source, side, pins, CORNERS)
    display.chart(figure, "noise-plane", lambda place: _pin(place, pins))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Click a picture to pin it, up to {MAX_PINS}. Frames: the first three images above. "
            f"{side * side} images in {_times(steps)} took {made.seconds:z.2f} s."
        )
        inputs.button("Remove the pins", lambda: state.put(**{"noise-pins": None}))


def _pin(place: int, pins: Sequence[int]) -> None:
    """Adds a pin; the first one set replaces those that were there to begin with."""
    own = () if state.get("noise-pins") is None else tuple(pins)
    if place not in own and len(own) < MAX_PINS:
        state.put(**{"noise-pins": (*own, place)})
