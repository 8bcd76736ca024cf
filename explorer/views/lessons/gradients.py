"""Two estimators of one gradient: reparameterised, and by the score function."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures.experiments import mean_by_samples, variance_by_samples
from explorer.services import lessons
from explorer.views.lessons import controls
from explorer.widgets import display, inputs

AVERAGED = (1, 2, 4, 8, 16, 32, 64, 128)


def show() -> None:
    """Shows the reparameterised gradient against that of the score function."""
    with controls.row("gradients"):
        mean = inputs.real("mean", "μ", 0.05, width=220)
        deviation = inputs.real("deviation", "σ", 0.05, width=220)
        target = inputs.real("target", "a", 0.05, width=220)
        by = inputs.segments("by", "Gradient by", {"mean": "μ", "deviation": "σ"})
        controls.draw_again()
    result = lessons.gradients(mean, deviation, target, by, AVERAGED, state.get("draw"))
    letter = {"mean": "μ", "deviation": "σ"}[by]
    first, second, third = result.variances
    ratio = result.variances[second] / result.variances[first]
    less = result.variances[third] / result.variances[first]
    controls.see(
        f"**∂/∂{letter} of E[(z − a)²] is {result.exact:z.2f}: all three estimates scatter around "
        "it, but to be as precise as one reparameterised sample, the score function needs "
        f"{ratio:,.1f} samples, with a baseline {less:,.1f}.** Each line falls like 1/n."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        measured = {name: values.variance for name, values in result.measured.items()}
        exact = {
            name: [value / count for count in AVERAGED] for name, value in result.variances.items()
        }
        display.chart(variance_by_samples(AVERAGED, measured, exact), "gradient-variance")
        st.caption(f"Lines: closed form. Dots: variance over {lessons.REPEATS:,} repeats.")
    with right:
        means = {name: values.mean for name, values in result.measured.items()}
        display.chart(mean_by_samples(AVERAGED, means, result.exact), "gradient-mean")
        st.caption("Their mean ± two standard errors. Dashed: the true gradient.")
