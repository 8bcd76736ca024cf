"""Attribute directions: from one class to another, as an arrow on the map and along an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.theme import subscript
from explorer.openings import first_view
from explorer.services import factors
from explorer.services.loaded_model import LoadedModel
from explorer.views.latent_map import latents
from explorer.widgets import display, inputs
from explorer.widgets.text import plain, typeset
from models.latents.directions import Direction


def arrow(model: LoadedModel) -> dict[str, Any] | None:
    """The chosen direction for the map, from one mean code to another; None if none is chosen."""
    chosen = _chosen(model)
    if chosen is None:
        return None
    minus, plus = chosen
    found = factors.direction(model, plus, minus, *_plane(model))
    names = model.card.class_names
    return {
        "from": found.start.tolist(),
        "to": (found.start + found.vector).tolist(),
        "name": f"{names[minus]} → {names[plus]}",
    }


def _chosen(model: LoadedModel) -> tuple[int, int] | None:
    """The two classes of the link, where the model has both."""
    minus, plus = state.get("minus"), state.get("plus")
    present = _present(model)
    return (minus, plus) if minus != plus and {minus, plus} <= set(present) else None


def _present(model: LoadedModel) -> list[int]:
    """The classes that have images."""
    labels = model.codes.labels
    return [] if labels is None else np.unique(labels).tolist()


def _plane(model: LoadedModel) -> tuple[str, int, int]:
    """The plane in which the angle is taken: that of the map; of a t-SNE map, the latents'."""
    x, y = state.get("x") - 1, state.get("y") - 1
    is_possible = x != y and max(x, y) < model.codes.latent_dim
    axes = (x, y) if is_possible else (0, min(1, model.codes.latent_dim - 1))
    is_pca = (state.get("view") or first_view(model.codes.latent_dim)) == "pca"
    return ("pca" if is_pca else "raw", *axes)


def _axis_names(model: LoadedModel) -> list[str]:
    """What the axes of that plane are called."""
    view, *axes = _plane(model)
    return ["PC 1", "PC 2"] if view == "pca" else [f"z{subscript(j + 1)}" for j in axes]


def section(model: LoadedModel) -> None:
    """Chooses a direction, says how sure it is, and moves the selected image along it."""
    present = _present(model)
    if len(present) < 2:
        return
    title = "Directions: from one class to another"
    with st.expander(title, key="directions", on_change="rerun") as expander:
        if expander.open:
            _section(model, present)


def _section(model: LoadedModel, present: list[int]) -> None:
    names = {None: "none", **{label: model.card.class_names[label] for label in present}}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        inputs.option("minus", "From class", names, None, width=150)
        inputs.option("plus", "To class", names, None, width=150)
        strength = inputs.real("strength", "Strength (1 is the whole arrow)", 0.1, width=280)
    chosen = _chosen(model)
    if chosen is None:
        st.caption(
            "Choose two different classes: the arrow from the mean code of one to that of the "
            "other appears on the map, and moves the selected image."
        )
        return
    minus, plus = chosen
    found = factors.direction(model, plus, minus, *_plane(model))
    st.markdown(typeset(_sentence(model, found)))
    images = factors.moved(model, latents.selected(model), found, strength)
    captions = [typeset(f"{value:g}") for value in factors.STRENGTHS]
    captions[factors.STRENGTHS.index(0)] = "0, its code"
    display.row(images[[-1]], [typeset(f"strength {strength:g}")], side=112)
    display.row(images[:-1], captions, side=64)
    point = state.get("point") or 0
    st.caption(
        plain(
            f"Test image {point}, its code moved by these parts of the arrow from "
            f"“{names[minus]}” to “{names[plus]}” and decoded."
        )
    )


def _sentence(model: LoadedModel, found: Direction) -> str:
    """How long the arrow is, where it points, and how sure that is."""
    length = float(np.linalg.norm(found.vector))
    unit = "prior standard deviations" if model.codes.log_variance is not None else "(no unit)"
    text = f"The mean codes are {length:z.2f} {unit} apart"
    if np.isfinite(found.angle):
        x, y = _axis_names(model)
        text += (
            f"; in the plane of {x} and {y} the arrow points to {found.angle:z.0f}° (95 % interval "
            f"{found.low:z.0f}° to {found.high:z.0f}°)"
        )
    if model.codes.latent_dim > 2:
        text += f", and in all latents 95 % of resampled arrows lie within {found.cone:z.0f}° of it"
    return f"{text}; 500 resamplings of the images of both classes."
