"""KL in both directions: a Gaussian against the prior."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures.experiments import densities, divergence_curves
from explorer.services import lessons
from explorer.views.lessons import controls
from explorer.widgets import display, inputs
from explorer.widgets.text import typeset

DRAWS = (10, 100, 1000, 10_000, 100_000)


def show() -> None:
    """Shows N(μ, σ²) against the prior: densities, both divergences, and samples of each."""
    with controls.row("divergences"):
        mean = inputs.real("mean", "μ of q", 0.05, width=260)
        deviation = inputs.real("deviation", "σ of q", 0.05, width=260)
        labels = {count: f"{count:,}" for count in DRAWS}
        samples = inputs.select("samples", "Samples", labels, width=130)
        controls.draw_again()
    result = lessons.divergences(mean, deviation, samples, state.get("draw"))
    names = ("KL(q ‖ p)", "KL(p ‖ q)")
    values = [
        f"{name} = {exact:z.3f} nats, by samples {estimate:z.3f} ± {error:z.3f}"
        for name, exact, (estimate, error) in zip(names, result.exact, result.sampled, strict=True)
    ]
    controls.see(
        f"**{values[0]}; {values[1]}.** Make σ small: KL(q ‖ p), which a VAE pays, grows like "
        "−ln σ; KL(p ‖ q) grows like 1/σ², because p has samples where q is almost zero."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        curves = (typeset(f"q = N({mean:z.2f}, {deviation:z.2f}²)"), "p = N(0, 1)")
        shown = dict(zip(curves, result.densities, strict=True))
        display.chart(densities(result.z, shown), "densities")
    with right:
        highest = max(4.0, 1.3 * max(result.exact))
        both = dict(zip(names, result.curves, strict=True))
        chart = divergence_curves(result.grid, both, deviation, result.sampled, highest)
        display.chart(chart, "divergences")
        st.caption("Lines: closed form. Dots: samples at this σ, ± two standard errors.")
