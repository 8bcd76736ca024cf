"""The inspector: one test image, what the model makes of it, and its neighbours."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.latents import kl_bars
from explorer.figures.theme import subscript
from explorer.services import page_files
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets import display, inputs
from explorer.widgets.text import plain, typeset
from models.data.image_set import ImageSet
from models.latents.codes import nearest_codes

NEIGHBOURS = 6
FEW = 4
"""Latents that make a short table."""


def show(model: LoadedModel) -> None:
    """The selected test image, or how to select one."""
    codes = model.codes
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point = inputs.number(
            "point", f"Test image (0 to {len(codes) - 1})", len(codes) - 1, width=190
        )
        inputs.button("Random", lambda: state.put(point=_random(len(codes))))
    if point is None:
        st.info("Click a point of the map, type a number, or take a random image.")
        _class_means(model)
        return
    images = model.test_images
    st.subheader(_title(model, point), anchor=False)
    _reconstruction(model, images, point)
    _numbers(model, point)
    _neighbours(model, images, point)


def _random(count: int) -> int:
    return int(np.random.default_rng().integers(count))


def _title(model: LoadedModel, point: int) -> str:
    labels = model.codes.labels
    if labels is None:
        return f"Image {point}"
    return f"Image {point} · class {plain(model.card.class_names[labels[point]])}"


def _class_means(model: LoadedModel) -> None:
    """The mean code of every class, decoded: what lives on the map before anything is touched."""
    key = ("class means", model.key)
    if shots := page_files.built_once(key, lambda: _decoded_means(model)):
        st.markdown("**The mean code of every class, decoded**")
        st.html(shots)


def _decoded_means(model: LoadedModel) -> str:
    decoded, names = model.class_means(), model.card.class_names
    if not decoded:
        return ""
    return display.shots(np.stack(list(decoded.values())), [names[i] for i in decoded], 72)


def _reconstruction(model: LoadedModel, images: ImageSet | None, point: int) -> None:
    """Original, decoded mean and a sample, side by side, all from z = μ."""
    z = model.codes.mean[point : point + 1]
    found = {
        "Decoded mean": model.decode(z),
        "Sample of p(x|z)": model.sample(z, seed=point),
    }
    if images is not None:
        found = {"Original": images.images[point : point + 1]} | found
    display.row(np.concatenate(list(found.values())), list(found))
    if images is None:
        st.caption(model_picker.missing_images(model))


def _numbers(model: LoadedModel, point: int) -> None:
    """D, R and −ELBO of this image; μ, σ and KL of every dimension."""
    codes = model.codes
    table = {"μ": codes.mean[point]}
    if codes.rate is None:
        line = f"**D** {codes.distortion[point]:.1f} nats. An autoencoder has no σ and no KL."
        st.markdown(typeset(line))
    else:
        rate = codes.rate[point]
        line = (
            f"**D** {codes.distortion[point]:.1f} + **R** {rate.sum():.1f} "
            f"= **−ELBO** {codes.distortion[point] + rate.sum():.1f} nats"
        )
        st.markdown(typeset(line))
        table |= {"σ": np.exp(0.5 * codes.log_variance[point]), "KL, nats": rate}
        if codes.latent_dim > 2:
            chart = kl_bars(rate, codes.rate.mean(0))
            st.plotly_chart(chart, key="kl", config={"displaylogo": False})
    (_few if codes.latent_dim <= FEW else _many)(table)


def _few(table: dict[str, np.ndarray]) -> None:
    """A row per latent, as text: sent several times as fast as a table that can be sorted."""
    lines = [" | ".join(["latent", *table]), "|".join(["---", *["---:"] * len(table)])]
    for index, values in enumerate(zip(*table.values(), strict=True)):
        numbers = [typeset(f"{value:.3f}") for value in values]
        lines.append(" | ".join([f"z{subscript(index + 1)}", *numbers]))
    st.markdown("\n".join(lines))


def _many(table: dict[str, np.ndarray]) -> None:
    """A row per latent, in a table that scrolls and can be sorted."""
    latents = np.arange(1, len(table["μ"]) + 1)
    st.dataframe(
        {"latent": latents} | {name: values.astype(float) for name, values in table.items()},
        hide_index=True,
        height=35 * (FEW + 1) + 3,
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in table},
    )


def _neighbours(model: LoadedModel, images: ImageSet | None, point: int) -> None:
    """The nearest test images in latent space, by Euclidean distance of μ."""
    codes, names = model.codes, model.card.class_names
    found, distance = nearest_codes(codes.mean, codes.mean[point], NEIGHBOURS + 1)
    keep = found != point
    found, distance = found[keep][:NEIGHBOURS], distance[keep][:NEIGHBOURS]
    pixels = model.decode(codes.mean[found]) if images is None else images.images[found]
    shown = "decoded" if images is None else "originals"
    st.markdown(f"**Nearest in latent space** ({shown}; distance Δ of the means)")
    captions = [
        (f"{names[codes.labels[i]]} · " if codes.labels is not None else "") + f"Δ {d:.2f}"
        for i, d in zip(found, distance, strict=True)
    ]
    display.row(pixels, captions, 56)
