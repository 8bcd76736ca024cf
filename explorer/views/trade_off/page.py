"""The trade-off: every run in the rate–distortion plane, one model for every β to slide along."""

from __future__ import annotations

import contextlib

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.browser.beta_slider import component as beta_slider
from explorer.figures.rate_distortion import rate_distortion_plane
from explorer.figures.theme import PALETTE
from explorer.glossary import row
from explorer.services import adapter_model, analysis, catalogue, page_files, rate_distortion
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.services.rate_distortion import Group
from explorer.views import downloads, model_picker
from explorer.views.trade_off import exact_values, scores, sweeps
from explorer.widgets import inputs, links
from explorer.widgets.text import plain, typeset
from explorer.words import GREY, list_of_words, words

SIGMA = {
    "fixed": "Squared error with σ = {sigma:g}: β means a variance of βσ² = {variance:g}.",
    "fitted": "Squared error, σ fitted: β weighs against the best σ of each model.",
    "shared": "Squared error, one learned σ: it adapts to β, so D is in its own σ.",
    "pixel": "Squared error, a learned σ for each pixel: it adapts to β.",
}


def show() -> None:
    """The whole screen."""
    state.load()
    models, _ = catalogue.list_models()
    chosen = inputs.among("runs", models)
    groups = _in_order(rate_distortion.groups(models), chosen)
    if not groups:
        st.info("There is no VAE yet. Train some: `python -m models sweep --betas 0.1,1,10`")
        return
    with st.container(horizontal=True):
        labels = {name: group.label for name, group in groups.items()}
        group = groups[inputs.select("group", "Test images and likelihood", labels, width=330)]
        curves = {name: entry.card.title for name, entry in group.curves.items()}
        curve = inputs.select("curve", "One model for every β", curves, width=300) if curves else ""
    downloads.offer(next(iter(group.entries.values())).card.config.data)
    with st.container():  # there in any case, so that the plane below keeps its place
        if chosen:
            _chosen_runs({name: models[name] for name in chosen}, group.runs)
    _left_out()
    _explore(group, model_picker.open_model(group.curves[curve]) if curve else None, chosen)
    sweeps.show()


def _left_out() -> None:
    """Says which models can have no point in the plane, if there are any."""
    if others := catalogue.without_codes().values():
        kinds = list_of_words(words(entry.card.config.model.family) for entry in others)
        count = f"{len(others)} model{'s' * (len(others) > 1)} ({kinds})"
        st.caption(f"Not in the plane: {count}, for β weighs nothing in them.")


def _chosen_runs(chosen: dict[str, Entry], runs: dict[str, Entry]) -> None:
    """Which runs are marked, which of them cannot be, and the way back to all."""
    titles = {name: f"“{entry.card.title or name}”" for name, entry in chosen.items()}
    marked = [title for name, title in titles.items() if name in runs]
    others = [title for name, title in titles.items() if name not in runs]
    text = f"Marked: {', '.join(marked)}." if marked else "None of the chosen runs is here."
    if others:
        text += (
            f" Not in this plane, because their test images or likelihood differ, or they are "
            f"not VAEs of one β with scores: {', '.join(others)}."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(text))
        inputs.button("Show all runs equally", lambda: state.put(runs=None))


def _in_order(groups: dict[str, Group], chosen: tuple[str, ...]) -> dict[str, Group]:
    """First the group that has most of the chosen runs, then that of the model on the map, if
    somebody has chosen it."""

    def order(key: str) -> tuple[int, bool]:
        marked = [name for name in chosen if name in groups[key].runs]
        is_elsewhere = state.get("model") not in groups[key].entries
        return -len(marked), state.is_default("model") or is_elsewhere

    return {key: groups[key] for key in sorted(groups, key=order)}


@page_queue.fragment
def _explore(group: Group, curve: LoadedModel | None, marked: tuple[str, ...]) -> None:
    """Plane, slider and what follows from them: a click reruns this part alone."""
    runs = group.runs
    some = curve or model_picker.open_model(next(iter(runs.values())))
    measured = None
    if curve is not None:
        with st.spinner("Measuring the curve at 33 values of β…"):
            measured = analysis.rate_curve(curve)
        if measured is None:
            st.warning("The curve needs the test images. " + model_picker.missing_images(curve))
    collapsed, floor = analysis.anchors(some)
    sides = (
        None if measured is None else (measured.betas, measured.distortion, measured.rate.sum(1))
    )
    line = exact_values.line(runs)
    predicted = analysis.collapse_threshold(some)
    threshold = None if predicted is None else predicted.beta
    has_curve = curve.key if measured is not None else ""
    shown = (group.fingerprint, has_curve, collapsed, marked, threshold)
    data = page_files.rate_files(
        shown,
        lambda: rate_distortion_plane(
            group.points,
            sides,
            rate_distortion.seeds(group.cards),
            collapsed,
            floor,
            line,
            marked,
            threshold,
        ),
        curve if measured is not None else None,
    )
    data |= {
        "beta": _beta(measured),
        "colours": list(PALETTE),
        "threshold": page_files.threshold(some),
    }
    beta_slider.beta_slider(data, "rates", _chosen)
    if measured is None:
        st.caption(
            "Train one model for every β: `python -m models train --preset digits-multirate`"
        )
    _explain(some)
    _run(runs)
    _convergence(group, curve if measured is not None else None)
    scores.show(group)
    exact_values.show(runs)
    state.publish()


def _beta(measured: object | None) -> float:
    """The β of the link, within what the curve has."""
    if measured is None:
        return state.get("beta")
    return float(np.clip(state.get("beta"), measured.betas[0], measured.betas[-1]))


def _chosen() -> None:
    """The slider came to rest, or a run was clicked; what no slider can say is passed over."""
    with contextlib.suppress(ValueError):
        beta, run = beta_slider.chosen("rates")
        state.put(beta=float(f"{beta:.4g}"), run=run or state.get("run"))


def _explain(model: LoadedModel) -> None:
    """What is drawn, in two sentences; what β means under squared error."""
    st.caption(
        "Down is a better image, left a cheaper code; along a dotted line −ELBO is the same. The "
        "orange tangent has slope −β: the best model for β touches it and nothing lies below. "
        "Scores of the test set, weight 1, z sampled; ± one standard error over images."
    )
    st.html(
        row(
            "distortion", "rate", "negative_elbo", "nats", "error", "beta", "beta_star", "tangent",
            "entropy_floor", "likelihood",
        )
    )  # fmt: skip
    config = model.card.config.model
    if config.likelihood_properties.is_binary:
        st.caption(GREY)
    source = config.likelihood_properties.sigma
    if source in SIGMA:
        variance = model.card.config.objective.beta * config.sigma**2
        st.caption(SIGMA[source].format(sigma=config.sigma, variance=variance))


def _run(runs: dict[str, Entry]) -> None:
    """The run that was clicked: its scores, the way to its map."""
    if not runs:
        return
    offered = catalogue.offered(state.get("run") or "", lambda entry: entry.id in runs)
    titles = {name: f"{entry.card.title or name}" for name, entry in offered.items()}
    labels = {None: "Click a point, or choose here"} | titles
    name = inputs.option("run", "Model in the plane", labels, None, width=420)
    if name not in runs:
        return
    one = rate_distortion.point(name, runs[name].card)
    total = one.distortion + one.rate
    with st.container(horizontal=True, vertical_alignment="center"):
        scores = typeset(
            f"D {one.distortion:z.2f} ± {one.distortion_error:z.2f} + "
            f"R {one.rate:z.2f} ± {one.rate_error:z.2f} = −ELBO {total:z.2f} nats"
        )
        st.markdown(f"**{plain(one.title)}** · β = {one.beta:g} · {scores}")
        links.open_map(name)
    if name == adapter_model.ID and (notes := model_picker.open_model(runs[name]).notes):
        st.caption(plain(notes))


def _convergence(group: Group, curve: LoadedModel | None) -> None:
    """Whether neighbours in β can both be optimal; where not, which is to blame.

    It is checked when it is asked for: it needs the codes of every run.
    """
    if not group.has_series and curve is None:
        return
    title = "Have they converged? β ≤ −ΔD/ΔR ≤ β′ between neighbours"
    with st.expander(title, key="converged", on_change="rerun") as expander:
        if expander.open:
            for names in group.series:
                _one_series([group.runs[name] for name in names])
            if curve is not None:
                _one_curve(curve)


def _one_series(entries: list[Entry]) -> None:
    """What contradicts that all models of a series are optimal."""
    betas, sentences = page_files.built_once(
        ("converged", *((entry.id, entry.changed) for entry in entries)), lambda: _checked(entries)
    )
    span = f"β = {betas[0]:g} to {betas[-1]:g}, {len(betas)} models like “{entries[0].card.title}”"
    _list(span, sentences)


def _one_curve(curve: LoadedModel) -> None:
    """What contradicts that one model is optimal at every β."""
    found = analysis.curve_bounds(curve)
    if found is None:
        st.caption("The curve is checked where its test images are on this machine.")
        return
    betas, bounds = found
    span = f"β = {betas[0]:g} to {betas[-1]:g}, {len(betas)} points of “{curve.card.title}”"
    _list(span, rate_distortion.verdicts(betas, bounds))


def _list(span: str, sentences: list[str]) -> None:
    """What was compared, and each contradiction that was found."""
    st.markdown(f"**{plain(span)}**")
    for sentence in sentences or ["No pair contradicts that all are optimal."]:
        st.markdown(f"- {plain(sentence)}")


def _checked(entries: list[Entry]) -> tuple[list[float], list[str]]:
    """The values of β of a series, and a sentence for each contradiction."""
    by_beta = {entry.card.config.objective.beta: entry for entry in reversed(entries)}
    models = [model_picker.open_model(entry) for entry in by_beta.values()]
    betas, bounds = rate_distortion.check([model.checkpoint for model in models])
    return betas, rate_distortion.verdicts(betas, bounds)
