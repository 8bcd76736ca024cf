"""Exact values beside the estimates: the linear VAE's closed form, integrals over the plane."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.latents import kl_bars
from explorer.services import analysis
from explorer.services.loaded_model import LoadedModel
from explorer.widgets.text import plain, typeset
from models.theory.linear_vae import linear_curve, linear_optimum

BETAS = np.geomspace(1e-3, 1e3, 200)


def is_linear(model: LoadedModel) -> bool:
    """Whether its best state is known in closed form: linear, Gaussian pixels of given σ."""
    config = model.card.config.model
    is_linear = config.network == "mlp" and not config.hidden
    return is_linear and config.likelihood_properties.sigma == "fixed"


def line(runs: dict[str, LoadedModel]) -> tuple[np.ndarray, np.ndarray] | None:
    """R and D of the best linear VAE, if the runs have a linear one and its images are here."""
    for model in runs.values():
        if is_linear(model):
            eigenvalues = analysis.eigenvalues(model)
            config = model.card.config.model
            if eigenvalues is not None:
                return linear_curve(eigenvalues, config.latent_dim, config.sigma, BETAS)
    return None


def show(runs: dict[str, LoadedModel]) -> None:
    """What is exactly known of the run that was clicked, or of the first."""
    name = state.get("run") if state.get("run") in runs else next(iter(runs), None)
    if name is None:
        return
    model = runs[name]
    with st.expander(f"Exact values for “{plain(model.card.title or name)}”"):
        if is_linear(model):
            _closed_form(model)
        if st.toggle("What the codes tell about the images", key=f"information-{name}"):
            _information(model)
        if _has_evidence(model) and st.toggle(
            f"ln p(x) of {analysis.EVIDENCE} binarised test images", key=f"evidence-{name}"
        ):
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
        f"R {best.rate:.2f}, D {best.distortion:.2f} nats. Trained, on the test images: "
        f"R {trained.sum():.2f} nats."
    )
    st.markdown(typeset(sentence))
    chart = kl_bars(trained, best.rate_per_dimension, ("trained", "closed form"))
    st.plotly_chart(chart, key="closed-form", config={"displaylogo": False})


def _information(model: LoadedModel) -> None:
    """Mean KL = I(x; z) + KL(q(z) ‖ p), and KL(q ‖ p) = TC + Σ KL of each latent."""
    found, exact = analysis.information(model)
    rate = float(model.codes.rate.sum(1).mean())
    each = sum(one.mean for one in found.kl_per_dimension)
    rows = [
        ("mean KL of the posteriors, R", rate, None),
        ("I(x; z), at most ln N", *found.mutual_information),
        ("KL(q(z) ‖ p(z))", *found.aggregate_kl),
        ("total correlation of q(z)", *found.total_correlation),
        ("Σ KL(q(z_j) ‖ p(z_j))", each, None),
    ]
    how = "by quadrature" if exact else "all codes against all, ± one standard error"
    lines = [_line(*row, exact) for row in rows]
    count = len(model.codes)
    holes = f"{100 * found.holes.mean:.1f} %"
    st.markdown(f"Over {count:,} test codes, {how}; ln N = {found.ceiling:.2f} nats.")
    st.markdown("\n".join(["| | nats |", "|---|---|", *lines]))
    st.markdown(f"Prior mass in holes, where q(z) is below a tenth of p(z): {holes}.")


def _line(name: str, value: float, error: float | None, exact: bool) -> str:
    spread = "" if exact or error is None else f" ± {error:.3f}"
    return typeset(f"| {plain(name)} | {value:.3f}{spread} |")


def _evidence(model: LoadedModel) -> None:
    """Shows the ELBO, a tighter bound and the exact value, on the same images."""
    try:
        found = analysis.evidence(model)
    except ValueError as error:
        st.info(f"It cannot be integrated: {plain(str(error))}.")
        return
    lines = [_line(name, *one, False) for name, one in found.items()]
    st.markdown("\n".join(["| mean over images | nats |", "|---|---|", *lines]))
