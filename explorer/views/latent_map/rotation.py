"""The rotation slider: each score of a code as it turns in the plane of two latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from explorer.figures import factors as figures
from explorer.figures.theme import subscript
from explorer.services import factors
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import display, inputs
from models.metrics.disentanglement.rotation import ANGLES


def of_model(model: LoadedModel) -> None:
    """Turns the codes of a model in the plane of its two latents with the largest KL."""
    order, _ = factors.in_order(model)
    if len(order) < 2:
        st.caption("A turn needs two latents.")
        return
    first, second = int(order[0]), int(order[1])
    names = f"z{subscript(first + 1)} and z{subscript(second + 1)}"
    st.caption(
        f"The first {min(factors.TURNED, len(model.codes)):,} codes, turned in the plane of "
        f"{names}, the latents with the largest KL. The decoder could undo the turn exactly, so "
        "the model is as good at every angle."
    )
    _show(factors.turned(model, first, second), "rotation-model")


def of_perfect_code() -> None:
    """Turns a code of two latents that are two factors."""
    st.caption(
        "Two latents that are two factors, uniform and independent; the classes of the probes are "
        "the halves of the first factor."
    )
    _show(factors.turned_perfect(), "rotation-perfect")


def _show(scores: Mapping[str, Sequence[float]], key: str) -> None:
    """The curves, and the numbers at the angle of the slider."""
    angle = inputs.notches("turn", "Turned by (degrees)", ANGLES)
    place = ANGLES.index(angle)
    named = {factors.NAMES[name]: values for name, values in scores.items()}
    display.chart(figures.turned(ANGLES, named, angle), key)
    st.markdown(_table(named, angle, place))
    st.caption(
        "What asks for one factor in one latent falls as the code turns; what reads all latents "
        "together (InfoE, the linear probe) does not."
    )


def _table(named: Mapping[str, Sequence[float]], angle: int, place: int) -> str:
    """The scores as they were, and turned, unless that is the same."""
    turned = [0] if angle == 0 else [0, place]
    titles = ["at 0°", f"at {angle}°"][: len(turned)]
    rows = [["score (0 to 1)", *titles], ["---"] * (1 + len(turned))]
    rows += [[name, *(f"{values[k]:z.2f}" for k in turned)] for name, values in named.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
