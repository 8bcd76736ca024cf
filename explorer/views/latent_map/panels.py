"""Below the map: decode by hand, samples from the prior, the decoded grid, a drawn digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.figures.theme import latent_unit, subscript
from explorer.services.loaded_model import LoadedModel
from explorer.views.latent_map import drawing
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import typeset
from models.latents.codes import Codes
from models.latents.samples import draw_codes, grid_codes

PANELS = {
    "hand": "Decode by hand",
    "prior": "Samples from the prior",
    "grid": "Decoded grid",
    "draw": "Draw a digit",
}
FEW = 20
SAMPLES = 40


@page_queue.fragment
def show(model: LoadedModel) -> None:
    """The chosen panel; it reruns alone, unless the map must show a new drawing."""
    if drawing.refresh(model):
        st.rerun()
    st.divider()
    panel = inputs.segments("panel", "Decoder", PANELS, label_visibility="collapsed")
    {"hand": _by_hand, "prior": _prior, "grid": _grid, "draw": drawing.show}[panel](model)
    state.publish()


def _by_hand(model: LoadedModel) -> None:
    """A slider per latent and the image they decode to."""
    codes = model.codes
    left, right = st.columns([3, 1], gap="medium")
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            point = state.get("point")
            inputs.button(
                "From the selected image",
                lambda: state.put(z=tuple(codes.mean[point].tolist())),
                disabled=point is None,
            )
            inputs.button("Back to the origin", lambda: state.put(z=None))
            if codes.log_variance is not None:
                st.caption(f"z in {latent_unit(True)}")
            more = codes.latent_dim > FEW and st.toggle(f"All {codes.latent_dim} latents")
        limit = float(max(3, np.ceil(np.abs(codes.mean).max())))
        z = inputs.code("z", _dimensions(codes, more), codes.latent_dim, limit)
    with right:
        image = model.decode(z[None])
        display.row(image, ["Decoded mean"])
        _save(lambda: pictures.one(image, 512), "decoded.png")


def _dimensions(codes: Codes, everything: bool) -> list[int]:
    """The latents to show sliders for: all, or those of largest variance, in order of index."""
    count = codes.latent_dim if everything else min(FEW, codes.latent_dim)
    return np.sort(np.argsort(-codes.mean.var(0), kind="stable")[:count]).tolist()


def _prior(model: LoadedModel) -> None:
    """Decoded draws of the prior: what the model believes the data to be."""
    codes, seed = model.codes, state.get("draw")
    with st.container(horizontal=True, vertical_alignment="center"):
        inputs.button("Draw again", lambda: state.put(draw=(seed + 1) % 1_000_000))
        st.caption(
            "Decoded means of z ~ N(0, I)."
            if codes.log_variance is not None
            else "An autoencoder has no prior: z is drawn from a Gaussian fitted to its test codes."
        )
    sheet = pictures.sheet(model.decode(draw_codes(codes, SAMPLES, seed)), 20, 56, 4)
    display.picture(sheet)
    _save(lambda: sheet, "prior.png")


def _grid(model: LoadedModel) -> None:
    """The decoded grid over two latents; the others stay at the selected image, or at 0."""
    codes, point = model.codes, state.get("point")
    x, y = min(state.get("x"), codes.latent_dim), min(state.get("y"), codes.latent_dim)
    side = inputs.slider("side", "Cells per side", 3, 30, width=300)
    held = point is not None and codes.latent_dim > 2
    through = codes.mean[point] if held else np.zeros(codes.latent_dim)
    z = grid_codes(codes, x - 1, y - 1, side, through)
    images = model.decode(z)
    sheet = pictures.sheet(images, side, max(16, 560 // side))
    display.picture(sheet)
    others = f"those of image {point}" if held else "0"
    more = f" The other latents are {others}." if codes.latent_dim > 2 else ""
    st.caption(_axes(codes, z, x, y) + more)
    _save(lambda: sheet, "grid.png")


def _axes(codes: Codes, z: np.ndarray, x: int, y: int) -> str:
    """What the decoded grid spans."""
    has_prior = codes.log_variance is not None
    spans = [
        f"z{subscript(j)} {where}, {z[:, j - 1].min():.2f} to {z[:, j - 1].max():.2f}"
        for j, where in ((x, "across"), (y, "up"))
    ][: codes.latent_dim]
    mass = "the prior" if has_prior else "a Gaussian fitted to the test codes"
    text = f"{'; '.join(spans)} ({latent_unit(has_prior)}). Every cell holds equal mass of {mass}."
    return typeset(text)


def _save(picture: Callable[[], np.ndarray], name: str) -> None:
    """A button that makes the file when it is pressed."""
    st.download_button(
        "Save as PNG",
        lambda: pictures.to_png(picture()),
        name,
        "image/png",
        on_click="ignore",
    )
