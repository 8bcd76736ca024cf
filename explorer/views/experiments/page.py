"""Little experiments with known answers: each a live plot and one sentence of what to see."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.figures.lessons import (
    bounds_by_samples,
    densities,
    divergence_curves,
    falling_variances,
    means_around_truth,
    posterior_ellipses,
    posterior_intervals,
)
from explorer.figures.theme import latent_unit, subscript
from explorer.services import catalogue, lessons, warm_up
from explorer.services.loaded_model import LoadedModel
from explorer.views import model_picker
from explorer.views.latent_map import inspector
from explorer.widgets import inputs, pictures
from models.cli.arguments import to_arguments
from models.runs.same import has_plain_beta

EXPERIMENTS = {
    "kl": "KL, both ways",
    "gradient": "Two gradients",
    "samples": "One sample or many",
    "beta": "β and q(z|x)",
}
DRAWS = (10, 100, 1000, 10_000, 100_000)
AVERAGED = (1, 2, 4, 8, 16, 32, 64, 128)
RUNGS = (1, 2, 5, 20, 100)
SHOWN = 10
"""Models, and latents if they are not two, that are compared at once."""


def show() -> None:
    """The whole screen."""
    state.load()
    _experiment()
    warm_up.start()


@page_queue.fragment
def _experiment() -> None:
    hidden = {"label_visibility": "collapsed"}
    chosen = inputs.segments("experiment", "Experiment", EXPERIMENTS, **hidden)
    {"kl": _kl, "gradient": _gradient, "samples": _samples, "beta": _beta}[chosen]()
    state.publish()


def _see(sentence: str) -> None:
    """The one sentence."""
    st.markdown(inputs.typeset(sentence))


def _again() -> None:
    """A button for other random numbers."""
    seed = (state.get("draw") + 1) % 1_000_000
    inputs.button("Draw again", lambda: state.put(draw=seed))


def _kl() -> None:
    """N(μ, σ²) against the prior: densities, both divergences, and samples of each."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mean = inputs.real("mean", "μ of q", 0.05, width=260)
        deviation = inputs.real("deviation", "σ of q", 0.05, width=260)
        labels = {count: f"{count:,}" for count in DRAWS}
        samples = inputs.select("samples", "Samples", labels, width=130)
        _again()
    found = lessons.divergences(mean, deviation, samples, state.get("draw"))
    names = ("KL(q ‖ p)", "KL(p ‖ q)")
    said = [
        f"{name} = {exact:.3f} nats, by samples {found_mean:.3f} ± {error:.3f}"
        for name, exact, (found_mean, error) in zip(names, found.exact, found.sampled, strict=True)
    ]
    _see(
        f"**{said[0]}; {said[1]}.** Make σ small: KL(q ‖ p), which a VAE pays, grows like −ln σ; "
        "KL(p ‖ q) like 1/σ², for then p has samples where q has next to none."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        curves = (inputs.typeset(f"q = N({mean:.2f}, {deviation:.2f}²)"), "p = N(0, 1)")
        shown = dict(zip(curves, found.densities, strict=True))
        inputs.chart(densities(found.z, shown), "densities")
    with right:
        highest = max(4.0, 1.3 * max(found.exact))
        both = dict(zip(names, found.curves, strict=True))
        chart = divergence_curves(found.grid, both, deviation, found.sampled, highest)
        inputs.chart(chart, "divergences")
        st.caption("Lines: closed form. Dots: samples at this σ, ± two standard errors.")


def _gradient() -> None:
    """The reparameterised gradient against the score function's."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mean = inputs.real("mean", "μ", 0.05, width=220)
        deviation = inputs.real("deviation", "σ", 0.05, width=220)
        target = inputs.real("target", "a", 0.05, width=220)
        by = inputs.segments("by", "Gradient by", {"mean": "μ", "deviation": "σ"})
        _again()
    found = lessons.gradients(mean, deviation, target, by, AVERAGED, state.get("draw"))
    letter = {"mean": "μ", "deviation": "σ"}[by]
    first, second, third = found.variances
    ratio = found.variances[second] / found.variances[first]
    less = found.variances[third] / found.variances[first]
    _see(
        f"**∂/∂{letter} of E[(z − a)²] is {found.exact:.2f}: all three estimates scatter around "
        f"it, but to be as steady as one reparameterised sample the score function needs "
        f"{ratio:,.1f} samples, with a baseline {less:,.1f}.** Each line falls like 1/n."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        measured = {name: values.variance for name, values in found.measured.items()}
        exact = {
            name: [value / count for count in AVERAGED] for name, value in found.variances.items()
        }
        inputs.chart(falling_variances(AVERAGED, measured, exact), "gradient-variance")
        st.caption(f"Lines: closed form. Dots: variance over {lessons.REPEATS:,} repeats.")
    with right:
        means = {name: values.mean for name, values in found.measured.items()}
        inputs.chart(means_around_truth(AVERAGED, means, found.exact), "gradient-mean")
        st.caption("Their mean ± two standard errors. Dashed: the true gradient.")


def _image(model: LoadedModel) -> int:
    """The number of a test image: the selected one, or the first."""
    last = len(model.codes) - 1
    label = f"Test image (0 to {last})"
    point = inputs.number("point", label, last, width=190, placeholder="0")
    return point or 0


def _samples() -> None:
    """The ELBO of one image from one sample of z, and from many."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = model_picker.show("model")
        if model is None:
            return
        point = _image(model)
        _again()
    if not model_picker.accepts(model):
        return
    if model.test_images is None:
        st.info(inspector.where_originals(model))
        return
    found = lessons.bounds(model, point, RUNGS, state.get("draw"))
    first, last = found.estimates[0], found.estimates[-1]
    _see(
        f"**One sample of z puts the ELBO at {first.elbo.mean:.2f} ± {first.elbo_deviation:.2f} "
        f"nats, the mean of {last.samples} at {last.elbo.mean:.2f} ± {last.elbo_deviation:.2f}: "
        f"steadier, not higher.** The log of the mean weight rises, from {first.bound.mean:.2f} to "
        f"{last.bound.mean:.2f} nats{_ceiling(found.evidence)}."
    )
    left, right = st.columns([1, 5], gap="medium")
    with left:
        is_binary = model.card.config.model.likelihood_properties.is_binary
        caption = f"Image {point}" + (", binarised" if is_binary else "")
        inputs.picture(pictures.one(found.image), caption, "stretch")
    with right:
        ladders = {
            "ELBO: mean of k log-weights": [
                (r.elbo.mean, r.elbo_deviation) for r in found.estimates
            ],
            "importance-weighted bound: log of the mean of k weights": [
                (r.bound.mean, r.bound_deviation) for r in found.estimates
            ],
        }
        inputs.chart(bounds_by_samples(RUNGS, ladders, found.evidence), "bounds")
        st.caption(
            f"Bars: one standard deviation of a single estimate. {lessons.WEIGHTS:,} samples."
        )


def _ceiling(evidence: float | None) -> str:
    return "" if evidence is None else f"; it cannot pass ln p(x) = {evidence:.2f}"


def _beta() -> None:
    """One image's posterior under models that differ in β alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = model_picker.show("model")
        if model is None:
            return
        point = _image(model)
    if not model_picker.accepts(model):
        return
    is_own = model.adapted is not None
    models = {"this model": model} if is_own else _kin(model)
    if is_own:
        st.info("A model of your own is shown alone: nothing here was trained like it.")
    elif len(models) < 2:
        st.info("No other model differs from this one in β alone. Train one:")
        st.code(_command(model), language=None, wrap_lines=True)
    codes = [one.codes for one in models.values()]
    mean = np.stack([one.mean[point] for one in codes])
    deviation = np.exp(0.5 * np.stack([one.log_variance[point] for one in codes]))
    names = list(models)
    said = [
        f"{name}: σ {spread.mean():.2f}, KL {one.rate[point].sum():.2f} nats"
        for name, spread, one in zip(names, deviation, codes, strict=True)
    ]
    _see(
        f"**{'; '.join(said)}.** The larger β, the dearer it is to differ from the prior "
        "(centre 0, σ 1): watch the mean’s distance from 0 and the size of σ, not the direction, "
        "for models are turned against each other at will."
    )
    left, right = st.columns([1, 4], gap="medium")
    with left:
        shot, caption = _shot(model, point)
        inputs.picture(shot, caption, "stretch")
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
    inputs.chart(chart, "posteriors")
    st.caption(caption)


def _shot(model: LoadedModel, point: int) -> tuple[np.ndarray, str]:
    """The image, or what is decoded from its code where it is not here."""
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


def _kin(mine: LoadedModel) -> dict[str, LoadedModel]:
    """The model among those of the same data and network that were trained with plain β, by β."""
    usable, _ = catalogue.list_models()
    found = {mine.card.config.objective.beta: mine} if has_plain_beta(mine.card.config) else {}
    for other in map(LoadedModel, usable.values()):
        config, ours = other.card.config, mine.card.config
        same = other.card.data_fingerprint == mine.card.data_fingerprint
        same = same and config.model == ours.model and len(other.codes) == len(mine.codes)
        if same and has_plain_beta(config):
            found.setdefault(config.objective.beta, other)
    named = {f"β = {beta:g}": found[beta] for beta in sorted(found)}
    named |= {} if any(one is mine for one in found.values()) else {"this model": mine}
    others = [name for name, one in named.items() if one is not mine]
    kept = others[:: -(-len(others) // (SHOWN - 1)) or 1]
    return {name: one for name, one in named.items() if one is mine or name in kept}
