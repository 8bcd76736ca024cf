"""β and q(z|x): one image's posterior under models that differ in β alone."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import streamlit as st

from explorer.figures.experiments import posterior_ellipses, posterior_intervals
from explorer.figures.lessons import lines
from explorer.figures.theme import latent_unit, subscript
from explorer.services import catalogue, lessons
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.views.lessons import controls, single
from explorer.widgets import display, pictures
from models.cli.arguments import to_arguments
from models.lessons.measurement import Measurement
from models.runs.comparison import has_plain_beta

KL_TITLES = ("μ or σ (prior standard deviations)", "KL to N(0, 1), nats per latent")
SHOWN = 10
"""Models, and latents if they are not two, that are compared at once."""


def show() -> Measurement | None:
    """Shows the forces on the codes of a model, and one image's posterior under models that differ
    in β alone; returns the forces, where the test images are here."""
    chosen = controls.usable_model("posteriors", with_image=True, with_seed=False)
    if chosen is None:
        return None
    model, point = chosen
    found = single.forces(model)
    display.chart(lines(*lessons.kl_by_parameter(), *KL_TITLES), "kl-by-parameter")
    _compare(model, point)
    return found


def _compare(model: LoadedModel, point: int) -> None:
    """The posteriors of one image."""
    is_own = model.adapted is not None
    models = {"this model": model} if is_own else _models_by_beta(model)
    if is_own:
        st.info("A custom model is shown alone: no other model here was trained like it.")
    elif len(models) < 2:
        st.info("No other model differs from this one in β alone. Train one:")
        st.code(_command(model), language=None, wrap_lines=True)
    codes = [one.codes for one in models.values()]
    mean = np.stack([one.mean[point] for one in codes])
    deviation = np.exp(0.5 * np.stack([one.log_variance[point] for one in codes]))
    names = list(models)
    values = [
        f"{name}: σ {spread.mean():z.2f}, KL {one.rate[point].sum():z.2f} nats"
        for name, spread, one in zip(names, deviation, codes, strict=True)
    ]
    controls.see(
        f"**{'; '.join(values)}.** With larger β it costs more to differ from the prior "
        "(centre 0, σ 1). Compare the distance of the mean from 0 and the size of σ, not the "
        "direction: each model may rotate its latent space."
    )
    left, right = st.columns([1, 4], gap="medium")
    with left:
        shot, caption = _shot(model, point)
        display.picture(shot, caption, "stretch")
    with right:
        _posteriors(mean, deviation, names)


def _posteriors(mean: np.ndarray, deviation: np.ndarray, names: list[str]) -> None:
    """Ellipses in two dimensions, intervals in others."""
    if mean.shape[1] == 2:
        titles = tuple(f"z{subscript(j)} ({latent_unit(True)})" for j in (1, 2))
        chart = posterior_ellipses(mean, deviation, names, titles)
        caption = "Ellipses: one standard deviation of q(z|x), to scale."
    else:
        chart = posterior_intervals(mean[:, :SHOWN], deviation[:, :SHOWN], names)
        caption = "Grey band: one standard deviation of the prior."
        if mean.shape[1] > SHOWN:
            caption += f" The first {SHOWN} of {mean.shape[1]} latents."
    display.chart(chart, "posteriors")
    st.caption(caption)


def _shot(model: LoadedModel, point: int) -> tuple[np.ndarray, str]:
    """The image, or its decoded code where the image is not on this machine."""
    images = model.test_images
    if images is None:
        z = model.codes.mean[point : point + 1]
        return pictures.one(model.decode(z)), f"Image {point}, decoded"
    return pictures.one(images.images[point : point + 1]), f"Image {point}"


def _command(model: LoadedModel) -> str:
    """How to train the same model with a β four times as large."""
    config = model.card.config
    beta = 4 * config.objective.beta or 1.0
    other = replace(config, objective=replace(config.objective, beta=beta))
    return "python -m models " + shlex.join(to_arguments(other, f"β = {beta:g}"))


def _models_by_beta(mine: LoadedModel) -> dict[str, LoadedModel]:
    """Finds the models of the same data and network that were trained with plain β, by β."""
    usable, _ = catalogue.list_models()
    ours = mine.card.config
    by_beta = {ours.objective.beta: mine.entry} if has_plain_beta(mine.card) else {}
    for entry in usable.values():
        config = entry.card.config
        same = entry.card.data_fingerprint == mine.card.data_fingerprint
        if same and config.model == ours.model and has_plain_beta(entry.card):
            by_beta.setdefault(config.objective.beta, entry)
    named = {f"β = {beta:g}": by_beta[beta] for beta in sorted(by_beta)}
    named |= {} if mine.entry in by_beta.values() else {"this model": mine.entry}
    others = [name for name, one in named.items() if one is not mine.entry]
    kept = others[:: -(-len(others) // (SHOWN - 1)) or 1]
    shown = {
        name: mine if one is mine.entry else model_picker.open_model(one)
        for name, one in named.items()
        if one is mine.entry or name in kept
    }
    return {name: one for name, one in shown.items() if len(one.codes) == len(mine.codes)}
