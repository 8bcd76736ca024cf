"""Exact values beside the estimates: the linear VAE's closed form, integrals over the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.latents import kl_bars
from explorer.glossary import row
from explorer.services import analysis
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.widgets import display
from explorer.widgets.text import plain, typeset
from models.metrics.statistics import Estimate
from models.storage.card import Card
from models.theory.linear_vae import linear_curve, linear_optimum

if TYPE_CHECKING:  # they import torch
    from models.metrics.information import Information
    from models.metrics.population import Population

FEWEST = 20
"""Codes that bound anything about their model."""
NEAR = 0.9
"""Share of ln N above which I says more of N than of the codes."""
BETAS = np.geomspace(1e-3, 1e3, 200)


def is_linear(card: Card) -> bool:
    """Whether its best state is known in closed form: linear, Gaussian pixels of given σ."""
    config = card.config.model
    is_linear = config.network == "mlp" and not config.hidden
    return is_linear and config.likelihood_properties.sigma == "fixed"


def line(runs: dict[str, Entry]) -> tuple[np.ndarray, np.ndarray] | None:
    """R and D of the best linear VAE, if the runs have a linear one and its images are here."""
    for entry in runs.values():
        if is_linear(entry.card):
            model = model_picker.open_model(entry)
            eigenvalues = analysis.eigenvalues(model)
            config = model.card.config.model
            if eigenvalues is not None:
                return linear_curve(eigenvalues, config.latent_dim, config.sigma, BETAS)
    return None


def show(runs: dict[str, Entry]) -> None:
    """What is exactly known of the run that was clicked, or of the first."""
    name = state.get("run") if state.get("run") in runs else next(iter(runs), None)
    if name is None:
        return
    of_model(model_picker.open_model(runs[name]))


def of_model(model: LoadedModel) -> None:
    """What is exactly known of one model: each a press away, for it takes a moment."""
    name = model.entry.id
    if not model.card.config.model.capabilities.has_rate:
        return
    st.markdown(f"**Exact values for “{plain(model.card.title or name)}”**")
    with st.container(horizontal=True):
        tells = st.toggle("What the codes tell, and holes", key=f"information-{name}")
        integrates = _has_evidence(model) and st.toggle(
            f"ln p(x) of {analysis.EVIDENCE} binarised test images", key=f"evidence-{name}"
        )
    if is_linear(model.card):
        _closed_form(model)
    if tells:
        _information(model)
    if integrates:
        _evidence(model)


def _has_evidence(model: LoadedModel) -> bool:
    config = model.card.config.model
    is_flat = config.latent_dim == 2 and config.likelihood_properties.is_binary
    return is_flat and model.test_images is not None


def _closed_form(model: LoadedModel) -> None:
    """Predicted against trained KL per dimension."""
    eigenvalues, config = analysis.eigenvalues(model), model.card.config
    if eigenvalues is None:
        return
    latent_dim, sigma = config.model.latent_dim, config.model.sigma
    best = linear_optimum(eigenvalues, latent_dim, sigma, config.objective.beta)
    trained = np.sort(model.codes.rate.mean(0))[::-1]
    sentence = (
        f"Closed form for the training images: {best.active} of {latent_dim} latents active, "
        f"R {best.rate:z.2f}, D {best.distortion:z.2f} nats. Trained, on the test images: "
        f"R {trained.sum():z.2f} nats."
    )
    st.markdown(typeset(sentence))
    names = "trained, test images", "closed form, training images"
    chart = kl_bars(trained, best.rate_per_dimension, names)
    display.chart(chart, "closed-form")


def _information(model: LoadedModel) -> None:
    """Mean KL = I(x; z) + KL(q(z) ‖ p), and KL(q ‖ p) = TC + Σ KL of each latent."""
    of_codes, is_exact = analysis.information(model)
    of_model = analysis.population(model)
    count, rate = len(model.codes), model.codes.rate.sum(1).astype(np.float64)
    each = sum(one.mean for one in of_codes.kl_per_dimension)
    bounds = of_model or [None] * 5
    known = [one._replace(standard_error=0.0) if is_exact else one for one in of_codes[:3]]
    holes = of_codes.holes
    rows = [
        ("mean KL of the posteriors, R", f"{rate.mean():z.2f}", _interval(rate)),
        ("I(x; z), at most ln N", _nats(known[0]), _between(bounds[0])),
        ("KL(q(z) ‖ p(z))", _nats(known[1]), _between(bounds[1])),
        ("total correlation of q(z)", _nats(known[2]), _between(bounds[2])),
        ("Σⱼ KL(q(zⱼ) ‖ p(zⱼ))", f"{each:z.2f}", _between(bounds[3])),
        ("prior mass in holes, q(z) < p(z)/10", f"{holes.mean:.1%}", _between(bounds[4], ".1%")),
    ]
    lines = [typeset(f"| {plain(name)} | {codes} | {model} |") for name, codes, model in rows]
    head = [f"| nats | these {count:,} codes | the model, between |", "|---|---|---|"]
    st.markdown("\n".join([*head, *lines]))
    st.html(row("rate", "information", "aggregate_kl", "total_correlation", "holes", "nats"))
    st.caption(_explained(of_codes, of_model, is_exact, count))


def _nats(one: Estimate) -> str:
    error = f" ± {one.standard_error:z.2f}" if one.standard_error else ""
    return f"{one.mean:z.2f}{error}"


def _between(bounds: tuple[float, float] | None, form: str = ".2f") -> str:
    return "–" if bounds is None else f"{bounds[0]:{form}} and {bounds[1]:{form}}"


def _interval(values: np.ndarray) -> str:
    """A mean over images ± two standard errors."""
    if len(values) < FEWEST:
        return "–"
    half = 2 * values.std(ddof=1) / np.sqrt(len(values))
    return _between((values.mean() - half, values.mean() + half))


def _explained(
    of_codes: Information, of_model: Population | None, is_exact: bool, count: int
) -> str:
    """How the two columns were found, and what these codes cannot tell."""
    parts = of_codes.mutual_information, of_codes.aggregate_kl, of_codes.total_correlation
    error = max(0.001, *(one.standard_error for one in parts))
    how = (
        f"by quadrature, refined until halving its step changed no value by more than {error:z.3f}"
        if is_exact
        else "all against all, ± one standard error of the draws"
    )
    text = (
        f"Left: q(z) is the mean of these {count:,} test posteriors, {how}. Right: other images "
        "would give other codes; bounds for the model that made them, two standard errors "
        "included. "
    )
    if of_model is None:
        return text + f"Fewer than {FEWEST} codes bound nothing."
    if of_codes.mutual_information.mean > NEAR * of_codes.ceiling:
        text += (
            f"I of N codes is at most ln N = {of_codes.ceiling:z.2f} nats, and here it is close to "
            f"that: {count:,} codes hardly overlap, and cannot tell more than these bounds. "
        )
    return text + "More images would lower the holes of q(z)."


def _evidence(model: LoadedModel) -> None:
    """Shows the ELBO, a tighter bound and the exact value, on the same images."""
    try:
        found = analysis.evidence(model)
    except ValueError as error:
        st.info(f"It cannot be integrated: {plain(str(error))}.")
        return
    rows = [
        ("ELBO", found.elbo),
        (f"importance-weighted bound, k = {analysis.EVIDENCE_SAMPLES}", found.bound),
        ("ln p(x), by quadrature", found.exact),
        ("ln p(x) − ELBO", found.gaps[0]),
        ("ln p(x) − importance-weighted bound", found.gaps[1]),
    ]
    lines = [typeset(f"| {plain(name)} | {_nats(one)} |") for name, one in rows]
    st.markdown("\n".join(["| mean over images | nats |", "|---|---|", *lines]))
    st.html(row("negative_elbo", "iw_bound", "log_evidence", "error", "nats"))
    st.caption(
        "± is one standard error over the images; the differences are paired by image. The "
        f"quadrature was refined until its own error was at most {max(found.error, 1e-3):z.3f} "
        "nats for any image."
    )
