"""The loss doctor: anyone's loss as D + βR, and where it lands."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures.lessons import place_in_plane
from explorer.services import lessons, loss_doctor
from explorer.services.loss_doctor import Finding
from explorer.views.lessons import controls
from explorer.widgets import display, inputs
from explorer.widgets.text import plain, typeset
from models.lessons.loss_code import MAX_LETTERS, Recognised, recognise
from models.lessons.measurement import Measurement
from models.theory.loss_scale import SQUARED, LossForm, weight_for

EXAMPLES: dict[str, LossForm] = {
    "As it should be: sums over pixels and latents": LossForm("bce"),
    "Squared error by its default, the mean": LossForm("mse", pixels="mean"),
    "Cross-entropy by its default, the mean": LossForm("bce", pixels="mean"),
    "One side summed over the batch": LossForm("mse", pixels="mean", kl_batch="sum"),
    "KL averaged over latents": LossForm("bce", kl_latents="mean"),
    "KL without its ½": LossForm("bce", half=False),
    "A weight copied from other images": LossForm("mse", pixels="mean", weight=0.00025),
}
"""Losses that are found in public code, most of them by mistake."""
SETTINGS = {
    "loss": "likelihood", "loss-pixels": "pixels", "loss-batch": "batch",
    "kl-latents": "kl_latents", "kl-batch": "kl_batch", "kl-weight": "weight",
}  # fmt: skip
"""Attributes of a loss by the settings that hold them; `kl-half` besides."""
REDUCTIONS = {"sum": "sum", "mean": "mean"}
PASTED = "loss-code"


def stand_alone() -> None:
    """Shows the doctor by itself."""
    st.markdown("## Which β is my loss?")
    st.markdown(
        "Every loss of a VAE is D + βR, in nats, for some β, whether its author knew it or not. "
        "Choose yours, or paste its code."
    )
    show()


def show() -> Measurement | None:
    """Shows the form of a loss and what it amounts to; returns the measurement of the lesson."""
    with controls.row("loss-examples"):
        for place, (name, form) in enumerate(EXAMPLES.items()):
            inputs.button(name, lambda form=form: _set(form), key=f"loss-example-{place}")
    _paste()
    left, right = st.columns([2, 3], gap="large")
    with left:
        _form()
    form = chosen_form()
    data, latents, batch = (state.get(n) for n in ("loss-data", "loss-latents", "loss-images"))
    found = loss_doctor.examine(form, data, state.get("loss-numbers"), latents, batch)
    with right:
        _diagnosis(form, found, latents, batch)
    return lessons.loss(found.pixels, latents, batch, _gaussian_threshold(form, found))


def _gaussian_threshold(form: LossForm, found: Finding) -> float | None:
    return found.threshold if form.likelihood == SQUARED else None


def chosen_form() -> LossForm:
    """The loss that the settings describe."""
    values = {name: state.get(setting) for setting, name in SETTINGS.items()}
    return LossForm(**values, half=state.get("kl-half") == "yes")


def _set(form: LossForm) -> None:
    """Takes a loss over into the settings."""
    values = {setting: getattr(form, name) for setting, name in SETTINGS.items()}
    state.put(**values, **{"kl-half": "yes" if form.half else "no"})


def _form() -> None:
    """The choices that make a loss, and the images it is for."""
    kinds = {"mse": "squared error", "bce": "binary cross-entropy"}
    with st.container(key="lesson-inputs-loss"):
        inputs.segments("loss", "Reconstruction", kinds)
        with st.container(horizontal=True):
            inputs.segments("loss-pixels", "over pixels", REDUCTIONS)
            inputs.segments("loss-batch", "over the batch", REDUCTIONS)
        with st.container(horizontal=True):
            inputs.segments("kl-latents", "KL over latents", REDUCTIONS)
            inputs.segments("kl-batch", "KL over the batch", REDUCTIONS)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            inputs.quantity("kl-weight", "Factor of the KL", 1.0, format="%.6g", width=150)
            inputs.segments("kl-half", "KL has its ½", {"yes": "yes", "no": "no"})
        with st.container(horizontal=True, vertical_alignment="bottom"):
            data = inputs.select("loss-data", "Images", loss_doctor.data_choices(), width=170)
            if data == loss_doctor.OTHER:
                _whole("loss-numbers", "Pixels × channels", 10_000_000)
            _whole("loss-latents", "Latents", 1024)
            _whole("loss-images", "Batch size", 100_000)


def _whole(name: str, label: str, most: int) -> None:
    """Asks for a whole number from 1 on."""
    inputs.whole(name, label, 1, most, width=130)


def _paste() -> None:
    """A field for code, which is read and not run."""
    with controls.row("loss-code"), st.expander("Paste the code of a loss"):
        st.text_area(
            "Lines of PyTorch or Keras with the reconstruction and the KL. They are read, not run.",
            key=PASTED, height=150, max_chars=MAX_LETTERS,
        )  # fmt: skip
        inputs.button("Read it", _read, key="read-loss")
        if problem := st.session_state.get("loss_problem"):
            st.error(plain(problem))
        for note in st.session_state.get("loss_notes", ()):
            st.markdown(f"- {note}")


def _read() -> None:
    """Reads the pasted code into the settings."""
    memory = st.session_state
    memory.loss_problem, memory.loss_notes = "", ()
    try:
        found: Recognised = recognise(memory.get(PASTED, ""))
        state.parse("kl-weight", found.form.weight)
    except ValueError as error:
        text = str(error) or "the factor of the KL is too large"
        memory.loss_problem = f"{text[0].upper()}{text[1:]}."
        return
    memory.loss_notes = found.notes
    _set(found.form)


def _diagnosis(form: LossForm, found: Finding, latents: int, batch: int) -> None:
    """What the loss amounts to, in sentences, and its place in the plane."""
    beta, sigma, _ = found.scale
    what = "binary cross-entropy" if sigma is None else "a Gaussian likelihood with σ = 1"
    same = ""
    if sigma:
        same = f" The same loss has β = 1 with σ = {sigma:.3g} grey levels (1 = white)."
    st.markdown(typeset(f"**This loss is D + βR with β = {beta:.4g}**, for {what}.{same}"))
    if found.threshold is not None:
        st.markdown(typeset(_against(beta, found.threshold)))
    else:
        st.caption("For other images the threshold of collapse is not known here.")
    one = weight_for(form, 1.0, found.pixels, latents, batch)
    st.markdown(
        f"For β = 1, with {found.pixels:,} pixels, {latents} latents and batches of {batch:,}, "
        f"the factor of the KL would be **{one:.6g}**."
    )
    if "answers" in (state.get("hide") or ()):
        return
    if found.place is None:
        if found.threshold is not None:
            st.caption("No multi-rate model of these images is here to tell R and D.")
        return
    rate, distortion, curve, source = found.place
    st.markdown(typeset(f"It lands at R = {rate:z.2f}, D = {distortion:z.2f} nats per image."))
    chart = place_in_plane(*curve, (rate, distortion), f"β = {beta:.3g}")
    display.chart(chart, "loss-plane")
    st.caption(f"Curve: {plain(source)}.")


def _against(beta: float, threshold: float) -> str:
    """β against β*, in words."""
    if threshold <= 0:
        return "These images do not differ: whatever β is, there is nothing to encode."
    ratio = beta / threshold
    if beta > threshold:
        return (
            f"**It is predicted to collapse:** β is {ratio:.3g} times β* = {threshold:.3g}, above "
            "which these images leave nothing worth encoding."
        )
    return (
        f"It need not collapse: β is {ratio:.3g} times β* = {threshold:.3g}, the threshold of "
        "these images."
    )
