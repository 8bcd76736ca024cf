"""Training a model: a form, what it will cost, how it goes, and the runs there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer import cache, controls, figures, state, trainings
from explorer.jobs import Job, JobError
from models.checkpoint import Card
from models.config import LIKELIHOODS, NETWORKS, PRESETS, RunConfig
from models.data import DATA_SETS, default_data_dir, is_available
from models.imageset import clean_name
from models.remedies import to_arguments
from models.runs import Run

TICK_SECONDS = 1.0
SHOWN = 3
"""Jobs that ended early and are shown."""
CURVE_WIDTH = 300
"""Pixels of one chart; as many stand side by side as fit."""
LABELS = {
    "data": "Data set",
    "network": "Network",
    "hidden": "Hidden layers",
    "latents": "Latent dimensions",
    "likelihood": "Likelihood p(x|z)",
    "sigma": "σ",
    "weight": "β",
    "warmup": "KL warm-up, steps",
    "epochs": "Epochs",
    "batch": "Batch size",
    "learning-rate": "Learning rate",
    "seed": "Seed",
}
GROUPS = {
    "Data and network": ("data", "network", "hidden", "latents"),
    "Objective": ("likelihood", "sigma", "weight", "warmup"),
    "Training": ("epochs", "batch", "learning-rate", "seed"),
}
STEPS = {"sigma": 0.05, "weight": 0.5, "learning-rate": 0.001, "warmup": 100, "epochs": 10}
"""How far a click moves a number; the others by one."""


def show() -> None:
    """The whole screen."""
    state.load()
    _form()
    order = st.container(horizontal=True, vertical_alignment="center")
    live = _live()
    st.fragment(_follow, run_every=TICK_SECONDS if live else None)(live)
    _runs()
    with order:  # last, for counting parameters may have to wait for torch
        _order()
    state.publish()
    cache.warm_up()


# --- what to train -------------------------------------------------------------------------------


def _available() -> list[str]:
    """Data sets on this machine."""
    return [name for name in DATA_SETS if is_available(name, default_data_dir())]


def _form() -> None:
    """Every field with its help; it starts from a preset."""
    data = _available()
    presets = {name: name for name, config in PRESETS.items() if config.data in data}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = controls.select(
            "preset", "Start from", presets, resets=list(trainings.FIELDS), width=240,
            help="Settings that are known to work; choosing one fills in the form.",
        )  # fmt: skip
        controls.text(
            "title", "Title", width=330, max_chars=80, placeholder=preset,
            help="A label for the list of runs and the map.",
        )  # fmt: skip
    family = PRESETS[preset].model.family
    likelihood = state.get("likelihood") or PRESETS[preset].model.likelihood
    for column, (title, names) in zip(st.columns(len(GROUPS)), GROUPS.items(), strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{title}**")
            for name in names:
                if trainings.matters(name, family, likelihood):
                    _field(name, preset, data)
            if title == "Objective" and family != "vae":
                st.caption(_WITHOUT_BETA[family])


_WITHOUT_BETA = {
    "autoencoder": "An autoencoder has no noise, no prior and no rate, so no β weighs it.",
    "multirate": "A multi-rate model draws β anew for every image: it learns all of them.",
}


def _field(name: str, preset: str, data: list[str]) -> None:
    """One input, with the help of its setting."""
    label, default = LABELS[name], trainings.preset_value(preset, name)
    options: dict[str, Any] = {"help": trainings.help_of(name)}
    choices = {"data": data, "network": NETWORKS, "likelihood": LIKELIHOODS}
    if name in choices:
        controls.option(name, label, {one: one for one in choices[name]}, default, **options)
    elif name == "hidden":
        controls.line(name, label, default, max_chars=60, **options)
    else:
        if name in state.LIMITS:
            options["format"] = "%.6g"
        controls.quantity(name, label, default, step=STEPS.get(name, 1), **options)


def _plan() -> RunConfig:
    """What the form asks for; raises ValueError if that cannot be."""
    chosen = {name: state.get(name) for name in trainings.FIELDS}
    return trainings.plan(state.get("preset"), chosen)


def _order() -> None:
    """The button, and beside it what the training will cost, or what is wrong with it."""
    try:
        sentence, problem = _price(trainings.cost(_plan())), ""
    except ValueError as error:
        sentence, problem = "", str(error)
    controls.button("Train", _submit, type="primary", disabled=bool(problem))
    if problem:
        st.error(controls.plain(f"{problem}."))
    else:
        st.markdown(sentence)


def _price(cost: trainings.Cost) -> str:
    text = f"{cost.parameters:,} parameters · {cost.steps:,} steps · "
    if cost.seconds is None:
        return text + "how long it takes is not known yet: nothing like it was trained here"
    return text + f"about {_duration(cost.seconds)}, as measured on {cost.source}"


def _duration(seconds: float) -> str:
    return f"{max(1, seconds):.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _submit() -> None:
    """Asks for what the form says now, which is more than what was drawn last."""
    title = clean_name(state.get("title"), state.get("preset"))
    _try(lambda: cache.jobs().submit(to_arguments(_plan(), title), f"Training “{title}”"))


def _try(action: Callable[[], object]) -> None:
    """An action on jobs or runs; why it cannot be done is said by the next run."""
    try:
        action()
    except (JobError, ValueError) as error:
        st.session_state.train_problem = str(error)


# --- how it goes ---------------------------------------------------------------------------------


def _live() -> frozenset[str]:
    return frozenset(job.id for job in cache.jobs().all() if job.is_live)


def _follow(was_live: frozenset[str]) -> None:
    """Jobs, looked at again while there are live ones; the page starts anew when one ends."""
    if problem := st.session_state.pop("train_problem", ""):
        st.error(controls.plain(problem))
    found, runs = cache.jobs().all(), {run.id for run, _ in cache.runs()}
    live = [job for job in found if job.is_live]
    for job in sorted(live, key=lambda job: (job.position, job.id)):
        _working(job)
    ended = [job for job in found if job.can_resume and runs.issuperset(job.runs)]
    for job in ended[:SHOWN]:
        _ended(job)
    if found and found[0].state == "done" and len(found[0].runs) == 1:
        _finished(found[0])
    state.publish()
    if {job.id for job in live} != was_live:
        st.rerun()


def _working(job: Job) -> None:
    """The bar of one that waits or works, what can be done with it, and its curves."""
    left = "" if job.seconds_left is None else f", about {_duration(job.seconds_left)} left"
    where = f"waits, place {job.position}" if job.position else job.text or "starting"
    text = f"{job.title}: {job.share:.0%}, {where}{left}".replace(" -", " −")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, controls.plain(text))
        if not job.position:
            controls.button("Pause", lambda: _try(lambda: _pause(job)), key=f"pause-{job.id}")
        controls.button("Cancel", lambda: _try(lambda: _cancel(job)), key=f"cancel-{job.id}")
    if len(job.runs) == 1 and not job.position:
        for run, config in cache.runs():
            if run.id == job.runs[0]:
                _curves(run, config, "live")


def _pause(job: Job) -> None:
    cache.jobs().pause(job.id)


def _cancel(job: Job) -> None:
    cache.jobs().cancel(job.id)


def _ended(job: Job) -> None:
    """One that ended early: why, and the way to go on."""
    reason = f": {job.reason}" if job.reason else ""
    label = "Continue" if job.state == "paused" else "Resume"
    with st.container(horizontal=True, vertical_alignment="center"):
        text = f"{job.title} ended early at {job.share:.0%} ({job.state}{reason})."
        st.markdown(controls.plain(text))
        controls.button(
            label, lambda: _try(lambda: cache.jobs().resume(job.id)), key=f"resume-{job.id}"
        )


def _finished(job: Job) -> None:
    """The last one, if it is done: its scores and the way to its map."""
    entry = cache.catalogue()[0].get(job.runs[0])
    if entry is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(f"{controls.plain(job.title)} is done. {_scores(cache.card(entry))}")
            st.link_button("Open its map", f"./?model={entry.id}")


def _scores(card: Card) -> str:
    """Scores on the test set with their standard errors."""
    found = card.metrics
    text = f"D {controls.score(found.get('distortion'))}"
    if "rate" in found:
        text += f" + R {controls.score(found['rate'])}"
        text += f" = −ELBO {controls.score(found.get('negative_elbo'))}"
    return f"{text} nats per test image"


def _curves(run: Run, config: RunConfig, place: str) -> None:
    """D, R and −ELBO over the epochs that are over, and the KL of every latent."""
    found = trainings.course(run)
    if found is None:
        return
    epochs, train, test, kl = found
    has_rate = config.model.family != "autoencoder"
    shown = {"D": figures.training_curve("D", epochs, train[:, 0], test[:, 0])}
    if has_rate:
        shown["R"] = figures.training_curve("R", epochs, train[:, 1], test[:, 1])
        shown["ELBO"] = figures.training_curve("−ELBO", epochs, train.sum(1), test.sum(1))
    if has_rate and kl.size:
        shown["KL"] = figures.kl_curves(epochs, kl)
    with st.container(horizontal=True, gap="small"):
        for name, figure in shown.items():
            with st.container(width=CURVE_WIDTH):
                controls.chart(figure, f"{place}-{name}-{run.id}")
    if config.model.family == "multirate":
        st.caption("On the test set β is 1; on the training set it is drawn anew for every image.")


# --- what has been trained -----------------------------------------------------------------------


def _runs() -> None:
    """The user's runs, and what can be done with one of them."""
    st.markdown("#### Your runs")
    _undo()
    found = cache.runs()
    if not found and _live():
        st.caption("The first will be listed here.")
        return
    if not found:
        st.info("There is no run yet: press Train, and the digits take some ten seconds.")
        return
    usable, _ = cache.catalogue()
    cards = {run.id: cache.card(usable[run.id]) for run, _ in found if run.id in usable}
    rows = [_row(run, config, cards.get(run.id)) for run, config in found]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    formats = {"β": "%.4g", "D": "%.2f", "R": "%.2f", "−ELBO": "%.2f", "steps": "localized"}
    st.dataframe(
        columns,
        hide_index=True,
        height=35 * (min(len(rows), 8) + 1) + 3,
        column_config={n: st.column_config.NumberColumn(format=f) for n, f in formats.items()},
    )
    st.caption(
        "D, R and −ELBO = D + R in nats per test image, after the steps made. A run without "
        "them was cut short before its model was written, or is being trained."
    )
    _one(dict((run.id, (run, config)) for run, config in found), cards)


def _row(run: Run, config: RunConfig, card: Card | None) -> dict[str, Any]:
    """What the table says of a run."""
    family, latents = config.model.family, config.model.latent_dim
    metrics = card.metrics if card else {}
    active = metrics.get("active_units")
    return {
        "title": run.title,
        "data": config.data if config.data in DATA_SETS else "own images",
        "family": family,
        "Z": latents,
        "β": config.objective.beta if family == "vae" else None,
        "D": _mean(metrics.get("distortion")),
        "R": _mean(metrics.get("rate")),
        "−ELBO": _mean(metrics.get("negative_elbo")),
        "active": "–" if active is None else f"{active} of {latents}",
        "steps": card.steps if card else None,
        "date": _date(run.id),
    }


def _mean(score: object) -> float | None:
    match score:
        case [float(mean), float(_)]:
            return mean
    return None


def _date(run_id: str) -> str:
    """When a run began, as its id tells."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\d\d-", run_id)
    return "{}-{}-{} {}:{}".format(*found.groups()) if found else "–"


def _one(runs: dict[str, tuple[Run, RunConfig]], cards: dict[str, Card]) -> None:
    """One run that nobody trains at the moment: its curves, map, file and end."""
    busy = {run_id for job in cache.jobs().all() if job.is_live for run_id in job.runs}
    labels = {
        name: f"{run.title} · {_date(name)}" for name, (run, _) in runs.items() if name not in busy
    }
    if not labels:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = controls.option("own", "Run", labels, next(iter(labels)), width=420)
        run, config = runs[chosen]
        if chosen in cards:
            st.link_button("Open its map", f"./?model={chosen}")
            st.download_button(
                "Download",
                run.model_path.read_bytes,
                f"{controls.file_name(run.title)}.safetensors",
                "application/octet-stream",
                on_click="ignore",
                key=f"download-{chosen}",
            )
        controls.button("Delete", lambda: _try(lambda: _delete(run)), key=f"delete-{chosen}")
    if chosen in cards:
        st.markdown(_scores(cards[chosen]))
    _curves(run, config, "run")


def _delete(run: Run) -> None:
    """Moves it aside, and remembers what can be undone."""
    title = run.title
    trainings.discard(run.id)
    st.session_state.deleted = run.id, title
    if state.get("own") == run.id:
        state.put(own=None)


def _undo() -> None:
    """The way back, after a run was deleted."""
    run_id, title = st.session_state.get("deleted", ("", ""))
    if run_id in trainings.discarded():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(controls.plain(f"The run “{title}” was deleted."))
            controls.button("Undo", lambda: _try(lambda: trainings.recover(run_id)))
