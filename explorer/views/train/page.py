"""Training a model: a form, what it will cost, how it goes, and the runs there are."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer import state
from explorer.services import data_sets, job_queue, training_runs, warm_up
from explorer.views.train import active_jobs, custom_images, run_library
from explorer.views.train.active_jobs import attempt, duration
from explorer.widgets import inputs
from models.capabilities import FAMILIES, LIKELIHOODS
from models.cli.arguments import to_arguments
from models.config import NETWORKS, RunConfig
from models.data.builtin import DATA_SETS, default_data_dir, is_available
from models.presets import PRESETS
from models.text import clean_name

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
    custom_images.show()
    order = st.container(horizontal=True, vertical_alignment="center")
    active_jobs.show()
    run_library.show()
    with order:  # last, for counting parameters may have to wait for torch
        _order()
    state.publish()
    warm_up.start()


# --- what to train -------------------------------------------------------------------------------


def _available() -> dict[str, str]:
    """Data sets on this machine, the user's own after the others, with what they are called."""
    found = {name: name for name in DATA_SETS if is_available(name, default_data_dir())}
    return found | {name: facts.title for name, facts in data_sets.custom_sets().items()}


def _form() -> None:
    """Every field with its help; it starts from a preset."""
    data = _available()
    own = state.get("data") in data and state.get("data") not in DATA_SETS
    presets = {name: name for name, config in PRESETS.items() if own or config.data in data}
    fields = [name for name in training_runs.FIELDS if not own or name != "data"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        preset = inputs.select(
            "preset", "Start from", presets, resets=fields, width=240,
            help="Settings that are known to work; choosing one fills in the form.",
        )  # fmt: skip
        inputs.text(
            "title", "Title", width=330, max_chars=80, placeholder=_name(preset),
            help="A label for the list of runs and the map.",
        )  # fmt: skip
    family = PRESETS[preset].model.family
    likelihood = state.get("likelihood") or PRESETS[preset].model.likelihood
    with st.expander(
        "Settings", expanded=not active_jobs.live_jobs()
    ):  # room for what is seen then
        for column, (title, names) in zip(st.columns(len(GROUPS)), GROUPS.items(), strict=True):
            with column:
                st.markdown(f"**{title}**")
                for name in names:
                    if training_runs.matters(name, family, likelihood):
                        _field(name, preset, data)
                if title == "Objective" and FAMILIES[family].betas != "one":
                    st.caption(_WITHOUT_BETA[FAMILIES[family].betas])


_WITHOUT_BETA = {
    "none": "An autoencoder has no noise, no prior and no rate, so no β weighs it.",
    "many": "A multi-rate model draws β anew for every image: it learns all of them.",
}


def _field(name: str, preset: str, data: dict[str, str]) -> None:
    """One input, with the help of its setting."""
    label = LABELS[name]
    default = training_runs.preset_value(preset, name, state.get("data"))
    options: dict[str, Any] = {"help": training_runs.help_of(name)}
    choices = {"network": NETWORKS, "likelihood": LIKELIHOODS}
    choices = {"data": data} | {key: {one: one for one in names} for key, names in choices.items()}
    if name in choices:
        inputs.option(name, label, choices[name], default, **options)
    elif name == "hidden":
        inputs.line(name, label, default, max_chars=60, **options)
    else:
        if name in state.LIMITS:
            options["format"] = "%.6g"
        inputs.quantity(name, label, default, step=STEPS.get(name, 1), **options)


def _plan() -> RunConfig:
    """What the form asks for; raises ValueError if that cannot be."""
    chosen = {name: state.get(name) for name in training_runs.FIELDS}
    return training_runs.plan(state.get("preset"), chosen)


def _order() -> None:
    """The button, and beside it what the training will cost, or what is wrong with it."""
    try:
        sentence, problem = _price(training_runs.cost(_plan())), ""
    except ValueError as error:
        sentence, problem = "", str(error)
    inputs.button("Train", _submit, type="primary", disabled=bool(problem))
    if problem:
        st.error(inputs.plain(f"{problem}."))
    else:
        st.markdown(sentence)


def _name(preset: str) -> str:
    """What a training without a title is called."""
    facts = data_sets.custom_sets().get(state.get("data"))
    return f"{facts.title} · {preset}"[:80] if facts else preset


def _price(cost: training_runs.Cost) -> str:
    text = f"{cost.parameters:,} parameters · {cost.steps:,} steps · "
    if cost.seconds is None:
        return text + "how long it takes is not known yet: nothing like it was trained here"
    return text + f"about {duration(cost.seconds)}, as measured on {cost.source}"


def _submit() -> None:
    """Asks for what the form says now, which is more than what was drawn last."""
    title = clean_name(state.get("title"), _name(state.get("preset")))
    attempt(lambda: job_queue.jobs().submit(to_arguments(_plan(), title), f"Training “{title}”"))
