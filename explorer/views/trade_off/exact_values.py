"""The exact truth beside the estimates: the linear VAE's closed form, integrals over the plane."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.latents import kl_bars
from explorer.services import cache
from explorer.widgets import inputs
from models.storage.checkpoint import Checkpoint
from models.theory.linear_vae import linear_curve, linear_optimum

BETAS = np.geomspace(1e-3, 1e3, 200)


def is_linear(checkpoint: Checkpoint) -> bool:
    """Whether its best state is known in closed form: linear, Gaussian pixels of given σ."""
    model = checkpoint.card.config.model
    return (
        model.network == "mlp" and not model.hidden and model.likelihood_properties.sigma == "fixed"
    )


def line(runs: dict[str, Checkpoint]) -> tuple[np.ndarray, np.ndarray] | None:
    """R and D of the best linear VAE, if the runs have a linear one and its images are here."""
    for checkpoint in runs.values():
        if is_linear(checkpoint):
            eigenvalues = cache.eigenvalues(checkpoint)
            model = checkpoint.card.config.model
            if eigenvalues is not None:
                return linear_curve(eigenvalues, model.latent_dim, model.sigma, BETAS)
    return None


def show(runs: dict[str, Checkpoint]) -> None:
    """What is exactly known of the run that was clicked, or of the first."""
    name = state.get("run") if state.get("run") in runs else next(iter(runs), None)
    if name is None:
        return
    checkpoint = runs[name]
    with st.expander(f"The exact truth about “{inputs.plain(checkpoint.card.title or name)}”"):
        if is_linear(checkpoint):
            _closed_form(checkpoint)
        if st.toggle("What the codes tell of the images", key=f"information-{name}"):
            _information(checkpoint)
        if _has_evidence(checkpoint) and st.toggle(
            f"ln p(x) of {cache.EVIDENCE} binarised test images", key=f"evidence-{name}"
        ):
            _evidence(checkpoint)


def _has_evidence(checkpoint: Checkpoint) -> bool:
    model = checkpoint.card.config.model
    is_flat = model.latent_dim == 2 and model.likelihood_properties.is_binary
    return is_flat and cache.originals(checkpoint) is not None


def _closed_form(checkpoint: Checkpoint) -> None:
    """Predicted against trained KL per dimension."""
    eigenvalues, config = cache.eigenvalues(checkpoint), checkpoint.card.config
    if eigenvalues is None:
        return
    latent_dim, sigma = config.model.latent_dim, config.model.sigma
    best = linear_optimum(eigenvalues, latent_dim, sigma, config.objective.beta)
    trained = np.sort(checkpoint.codes.rate.mean(0))[::-1]
    sentence = (
        f"Closed form for the training images: {best.active} of {latent_dim} latents active, "
        f"R {best.rate:.2f}, D {best.distortion:.2f} nats. Trained, on the test images: "
        f"R {trained.sum():.2f} nats."
    )
    st.markdown(inputs.typeset(sentence))
    chart = kl_bars(trained, best.rate_per_dimension, ("trained", "closed form"))
    st.plotly_chart(chart, key="closed-form", config={"displaylogo": False})


def _information(checkpoint: Checkpoint) -> None:
    """Mean KL = I(x; z) + KL(q(z) ‖ p), and KL(q ‖ p) = TC + Σ KL of each latent."""
    found, exact = cache.information(checkpoint)
    rate = float(checkpoint.codes.rate.sum(1).mean())
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
    count = len(checkpoint.codes)
    holes = f"{100 * found.holes.mean:.1f} %"
    st.markdown(f"Over {count:,} test codes, {how}; ln N = {found.ceiling:.2f} nats.")
    st.markdown("\n".join(["| | nats |", "|---|---|", *lines]))
    st.markdown(f"Prior mass in holes, where q(z) is below a tenth of p(z): {holes}.")


def _line(name: str, value: float, error: float | None, exact: bool) -> str:
    spread = "" if exact or error is None else f" ± {error:.3f}"
    return inputs.typeset(f"| {inputs.plain(name)} | {value:.3f}{spread} |")


def _evidence(checkpoint: Checkpoint) -> None:
    """The ELBO, a tighter bound and the truth, on the same images."""
    try:
        found = cache.evidence(checkpoint)
    except ValueError as error:
        st.info(f"It cannot be integrated: {inputs.plain(str(error))}.")
        return
    lines = [_line(name, *one, False) for name, one in found.items()]
    st.markdown("\n".join(["| mean over images | nats |", "|---|---|", *lines]))
