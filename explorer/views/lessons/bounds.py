"""One sample of z or many: the ELBO of one image, and bounds that are tighter."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures.experiments import bounds_by_samples
from explorer.services import lessons
from explorer.views import model_picker
from explorer.views.lessons import controls
from explorer.widgets import display, pictures
from models.lessons.measurement import Measurement
from models.metrics.statistics import Estimate

SAMPLES = (1, 2, 5, 20, 100)
COUNTED = (1, 100)
"""Numbers of samples that the verdict compares."""


def show() -> Measurement | None:
    """Shows the ELBO of one image from one sample of z, and from many; returns both."""
    chosen = controls.usable_model("bounds", with_image=True)
    if chosen is None:
        return None
    model, point = chosen
    if model.test_images is None:
        st.info(model_picker.missing_images(model))
        return None
    result = lessons.bounds(model, point, SAMPLES, state.get("draw"))
    first, last = result.estimates[0], result.estimates[-1]
    controls.see(
        f"**One sample of z puts the ELBO at {first.elbo.mean:z.2f} ± {first.elbo_deviation:z.2f} "
        f"nats, the mean of {last.samples} at {last.elbo.mean:z.2f} ± {last.elbo_deviation:z.2f}: "
        f"steadier, not higher.** The log of the mean weight rises, from {_mean(first.bound)} to "
        f"{_mean(last.bound)} nats{_ceiling(result.evidence)}."
    )
    left, right = st.columns([1, 5], gap="medium")
    with left:
        is_binary = model.card.config.model.likelihood_properties.is_binary
        caption = f"Image {point}" + (", binarised" if is_binary else "")
        display.picture(pictures.one(result.image), caption, "stretch")
    with right:
        ladders = {
            "ELBO: mean of k log-weights": [
                (r.elbo.mean, r.elbo_deviation) for r in result.estimates
            ],
            "importance-weighted bound: log of the mean of k weights": [
                (r.bound.mean, r.bound_deviation) for r in result.estimates
            ],
        }
        evidence = result.evidence and result.evidence[0]
        display.chart(bounds_by_samples(SAMPLES, ladders, evidence), "bounds")
        st.caption(
            f"Bars: one standard deviation of a single estimate. ± is one standard error of a mean "
            f"over {lessons.WEIGHTS:,} samples."
        )
    return lessons.bound(model, point, COUNTED, state.get("draw"))


def _mean(one: Estimate) -> str:
    return f"{one.mean:z.3f} ± {one.standard_error:z.3f}"


def _ceiling(evidence: tuple[float, float] | None) -> str:
    """What the bound cannot pass, as exactly as it is known."""
    if evidence is None:
        return ""
    value, error = evidence
    return (
        f"; over many draws it cannot pass ln p(x) = {value:z.3f} "
        f"(by quadrature, exact to {max(error, 1e-3):z.3f})"
    )
