"""Posterior collapse: one model's diagnosis, and remedies trained beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.figures.latents import information_bar, kl_film, latent_kl, mean_variances
from explorer.jobs.queue import Job, JobError
from explorer.services import analysis, remedy_runs, run_folders, warm_up
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import Film, Trial
from explorer.views import model_picker
from explorer.views.latent_map import inspector
from explorer.widgets import inputs, pictures
from models.latents.neighbours import draw_codes
from models.training.remedies import NO_REMEDY, Strengths, remedies

if TYPE_CHECKING:  # it imports torch
    from models.metrics.collapse import Diagnosis

FEWEST = 3
SAMPLES = 12
IN_A_ROW = 10
NEAR = 0.9
"""Share of the ceiling above which I(x; z) says more of N than of the codes."""
TICK_SECONDS = 1.0
START_SECONDS = 5
"""Of a training's process: imports, data, and the scores at its end."""


def show() -> None:
    """The whole screen."""
    state.load()
    model = model_picker.show("collapsed")
    if model is not None and _diagnose(model):
        if model.adapted is None:
            _follow(model)
        else:
            st.caption("Remedies are training runs, and a custom model is trained elsewhere.")
    state.publish()
    warm_up.start()


def _diagnose(model: LoadedModel) -> bool:
    """The verdict and what it rests on; whether there is one."""
    if not model_picker.accepts(model):
        return False
    count = len(model.codes)
    if count < FEWEST:
        st.info(f"A diagnosis needs at least {FEWEST} test images, got {count}: choose another.")
        return False
    from models.metrics.collapse import ACTIVE_KL, ACTIVE_VARIANCE

    found = analysis.diagnosis(model)
    _say(found)
    kl, variance = np.array(found.kl_per_dimension), np.array(found.mean_variance)
    told, error = found.mutual_information
    columns = st.columns(3, gap="medium")
    with columns[0]:
        st.markdown("**What each latent costs**")
        inputs.chart(latent_kl(kl, ACTIVE_KL), "kl-per-latent")
    with columns[1]:
        st.markdown("**How far each mean moves**")
        inputs.chart(mean_variances(variance, ACTIVE_VARIANCE), "active-units")
    with columns[2]:
        st.markdown("**What the codes know**")
        inputs.chart(information_bar(told, error, kl.sum(), found.ceiling), "information")
        text = (
            f"I(x; z) {told:.2f} ± {error:.2f} nats, at most ln N = {found.ceiling:.2f} of the "
            f"N = {count:,} test images, and at most R."
        )
        if told > NEAR * found.ceiling:
            text += " So near to ln N, more images would raise it."
        st.caption(text)
    _decoder(model, found)
    return True


def _say(found: Diagnosis) -> None:
    """The verdict in one sentence."""
    verdict, _, numbers = found.sentence.partition(": ")
    if math.isnan(found.response):
        numbers = numbers.rpartition(", and ")[0]
    box = {"collapsed": st.error, "not collapsed": st.success}.get(found.verdict, st.warning)
    box(f"**{verdict}:** {numbers}.")


def _decoder(model: LoadedModel, found: Diagnosis) -> None:
    """Whether the decoder listens: decoded samples of the prior beside the mean image."""
    images = model.test_images
    decoded = model.decode(draw_codes(model.codes, SAMPLES, seed=0))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if images is not None:
            mean = images.images.mean(0, keepdims=True)
            inputs.picture(pictures.one(mean, 104), "Mean test image")
        sheet = pictures.sheet(decoded, SAMPLES // 2, 52, 2)
        inputs.picture(sheet, f"{SAMPLES} samples of the prior, decoded")
        with st.container(width=400):
            st.markdown("**Does the decoder listen to z?**")
            st.markdown(_listening(found))
            if images is None:
                st.caption(inspector.where_originals(model))


def _listening(found: Diagnosis) -> str:
    """How much decoded images differ."""
    text = (
        f"Decoded samples of the prior lie {found.decoded_distance:.3f} from their mean image "
        "(root mean square per pixel; white is 1)"
    )
    if math.isnan(found.response):
        return f"{text}. How far test images lie from theirs is not known here."
    return f"{text}, test images {found.image_distance:.3f} from theirs: **{found.response:.1%}**."


# --- remedies ------------------------------------------------------------------------------------


def _follow(model: LoadedModel) -> None:
    """The remedies, looked at again and again while one is being trained."""
    st.divider()
    is_live = any(trial.is_live for trial in _trials(model))
    every = TICK_SECONDS if is_live else None
    page_queue.fragment(_remedies, run_every=every)(model, is_live)


def _trials(model: LoadedModel) -> list[Trial]:
    config = model.card.config
    strengths = Strengths(
        warmup_percent=state.get("warmup-percent"),
        cycles=state.get("cycles"),
        free_bits=state.get("free-bits"),
        capacity=state.get("capacity"),
        beta_divisor=state.get("beta-divisor"),
    )
    return remedy_runs.look(remedies(config, remedy_runs.total_steps(model.entry), strengths))


def _remedies(model: LoadedModel, was_live: bool) -> None:
    """Controls, table, reconstructions and films; the page starts anew when training ends."""
    found = _trials(model)
    if any(trial.is_live for trial in found) != was_live:
        st.rerun()
    steps = remedy_runs.total_steps(model.entry)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### Remedies")
        with st.popover("Strengths"):
            _strengths()
        _buttons(model, found)
    st.caption(
        f"Same seed, data, network and {steps:,} steps as the model above, one thing changed at a "
        "time. −ELBO = D + R has weight 1, whatever β was in training. Nats per image, ± one "
        "standard error."
    )
    _progress(found)
    finished = [(trial, LoadedModel(trial.entry)) for trial in found if trial.entry]
    tried = [(trial, after) for trial, after in finished if trial.remedy.name != NO_REMEDY]
    _table(model, found)
    _conclusion(tried)
    _reconstructions(model, tried)
    _films(found)
    state.publish()


def _strengths() -> None:
    """Sliders for how much of each remedy."""
    inputs.slider("warmup-percent", "KL warm-up: share of the training, %", 1, 100)
    inputs.slider("cycles", "Cycles", 2, 20)
    inputs.real("free-bits", "Free nats for every latent", 0.05)
    inputs.real("capacity", "Capacity, nats", 0.5)
    inputs.slider("beta-divisor", "Smaller β: β divided by", 2, 50)


def _buttons(model: LoadedModel, found: Sequence[Trial]) -> None:
    """Train what is missing, or cancel what is being trained."""
    live = [trial for trial in found if trial.is_live]
    missing = [trial for trial in found if not trial.entry and not trial.is_live]
    if live:
        inputs.button("Cancel", lambda: _try(remedy_runs.cancel, live))
    if not missing:
        return
    if model.test_images is None:
        st.caption(inspector.where_originals(model))
        return
    seconds = len(missing) * (model.card.seconds + START_SECONDS)
    title = model.card.title or model.entry.id
    label = "Train the remedies" if len(missing) == len(found) else "Train the others"
    inputs.button(label, lambda: _try(remedy_runs.train, missing, title), type="primary")
    noun = "training" if len(missing) == 1 else "trainings"
    st.caption(f"{len(missing)} {noun}, about {_duration(seconds)}")


def _try(action, *arguments) -> None:
    """An action on jobs; why it cannot be done is said by the next run."""
    try:
        action(*arguments)
    except JobError as error:
        st.session_state.jobs_problem = str(error)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _progress(found: Sequence[Trial]) -> None:
    """A bar over all that was asked for, and why something has failed."""
    if problem := st.session_state.pop("jobs_problem", ""):
        st.error(inputs.plain(problem))
    for trial in found:
        if trial.job and trial.job.reason and not trial.entry:
            sentence = f"{trial.remedy.name} failed: {trial.job.reason}."
            st.error(inputs.plain(sentence))
    live = [trial.job for trial in found if trial.is_live]
    if live:
        done = len([trial for trial in found if trial.entry])
        share = (done + sum(job.share for job in live)) / (done + len(live))
        st.progress(min(1.0, share), inputs.plain(_doing(found, live)))


def _doing(found: Sequence[Trial], live: Sequence[Job]) -> str:
    """What is being done, how far it is, and what waits."""
    running = [trial for trial in found if trial.is_live and trial.job.state == "running"]
    texts = [f"{trial.remedy.name}: {trial.job.text}" for trial in running]
    left = [trial.job.seconds_left for trial in running if trial.job.seconds_left is not None]
    texts += [f"about {_duration(max(left))} left"] if left else []
    waiting = len(live) - len(running)
    texts += [f"{waiting} wait"] if waiting else []
    return "; ".join(texts)


def _state(trial: Trial) -> str:
    """Where a remedy without a model stands."""
    job = trial.job
    if job is None:
        return "begun" if trial.run else "not trained yet"
    if job.state == "queued":
        return "waiting"
    return f"{job.share:.0%} trained" if job.is_live else job.state


def _table(model: LoadedModel, found: Sequence[Trial]) -> None:
    """Before and after, a row for each."""
    rows = [_row("before", "", model, model)]
    for trial in found:
        name, change = trial.remedy.name, trial.remedy.change
        if name == NO_REMEDY:
            continue
        if trial.entry:
            rows.append(_row(name, change, LoadedModel(trial.entry), model))
        else:
            rows.append([f"**{name}**", change, *["–"] * 5, _state(trial)])
    header = ["", "what is changed", "D", "R", "−ELBO", "active", "I(x; z)", "verdict"]
    st.table(dict(zip(header, zip(*rows, strict=True), strict=True)), hide_index=True)
    if any("†" in row[2] for row in rows):
        st.caption(
            "† Another likelihood: its D is in other units, for grey levels under a Gaussian have "
            "a density, which may exceed 1. Compare R, active latents and I(x; z)."
        )


def _row(name: str, change: str, shown: LoadedModel, before: LoadedModel) -> list[str]:
    """The test-set scores of one model."""
    scores, found = shown.card.metrics, analysis.diagnosis(shown)
    other = shown.card.config.model.likelihood != before.card.config.model.likelihood
    mark = "\N{NO-BREAK SPACE}†" if other else ""
    active = found.collapsed.count(False)
    return [
        f"**{name}**",
        change,
        inputs.score(scores.get("distortion")) + mark,
        inputs.score(scores.get("rate")),
        inputs.score(scores.get("negative_elbo")) + mark,
        f"{active} of {len(found.collapsed)}",
        inputs.score(found.mutual_information),
        found.verdict,
    ]


def _conclusion(tried: Sequence[tuple[Trial, LoadedModel]]) -> None:
    """What was measured, in one sentence."""
    if not tried:
        return
    verdicts = {trial.remedy.name: analysis.diagnosis(model).verdict for trial, model in tried}
    groups = [
        f"**{verdict}:** {', '.join(name for name in verdicts if verdicts[name] == verdict)}"
        for verdict in sorted(set(verdicts.values()), key=list(verdicts.values()).index)
    ]
    st.markdown(f"Measured after the last step — {'; '.join(groups)}.")


def _reconstructions(model: LoadedModel, tried: Sequence[tuple[Trial, LoadedModel]]) -> None:
    """The same test images through every model, decoded from the means of their codes."""
    st.markdown("**The same test images, reconstructed by each**")
    images, row = model.test_images, _one_of_each(model)
    shown = [("before", model.decode(model.codes.mean[row]))]
    if images is not None:
        shown.insert(0, ("originals", images.images[row]))
    shown += [(t.remedy.name, m.decode(m.codes.mean[row])) for t, m in tried]
    with st.container(gap="xxsmall"):
        for name, pixels in shown:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                with st.container(width=110):
                    st.markdown(name)
                inputs.picture(pictures.sheet(pixels, len(row), 48, 2))


def _one_of_each(model: LoadedModel) -> np.ndarray:
    """The first test image of every class, at most `IN_A_ROW`; without classes the first ones."""
    labels = model.codes.labels
    firsts = np.arange(len(model.codes)) if labels is None else np.unique(labels, True)[1]
    return firsts[:IN_A_ROW]


def _films(found: Sequence[Trial]) -> None:
    """KL of every latent over the steps, small and side by side."""
    films = [(trial, remedy_runs.film(trial.run)) for trial in found]
    films = [(trial, film) for trial, film in films if film is not None]
    if not films:
        return
    st.markdown("**KL over the training, a line for every latent, and below it the KL’s weight**")
    weights = [
        run_folders.kl_weights(trial.remedy.config, remedy_runs.steps_of(trial))
        for trial, _ in films
    ]
    highest = max(film.kl.max() for _, film in films), max(w.max() for _, w in weights)
    with st.container(horizontal=True, gap="small"):
        for (trial, film), weight in zip(films, weights, strict=True):
            with st.container(width=300, gap="xxsmall"):
                st.markdown(f"**{trial.remedy.name}**")
                st.caption(_plot(film))
                figure = kl_film(*film, *weight, highest)
                inputs.chart(figure, f"film-{inputs.file_name(trial.remedy.name)}")


def _plot(film: Film) -> str:
    """What happens in a film."""
    rate = film.kl.sum(1)
    top = int(rate.argmax())
    return f"R at most {rate[top]:.2f} (step {film.steps[top]:,}), in the end {rate[-1]:.2f} nats"
