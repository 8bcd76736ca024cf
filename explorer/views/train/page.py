"""The Train page: a form, what the training run will cost, how it goes, and all runs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer import state
from explorer.services import (
    collapse_prediction,
    data_sets,
    job_queue,
    training_form,
    training_runs,
    warm_up,
)
from explorer.views import collapse_interval, downloads, looking
from explorer.views.train import active_jobs, custom_images, run_library
from explorer.views.train.active_jobs import duration
from explorer.views.train.attempts import attempt
from explorer.widgets import inputs
from explorer.widgets.text import plain
from explorer.words import words
from models.capabilities import FAMILIES
from models.config import RunConfig
from models.data.builtin import DATA_SETS, default_data_dir, is_available
from models.presets import PRESETS
from models.settings import Description
from models.text import clean_name


def show() -> None:
    """Shows the whole page."""
    state.load()
    _form()
    custom_images.show()
    downloads.show()
    order = st.container(horizontal=True, vertical_alignment="center")
    active_jobs.show()
    run_library.show()
    with order:  # last, for counting parameters may have to wait for torch
        _order()
    state.publish()
    warm_up.start()


# --- what to train -------------------------------------------------------------------------------


def _available() -> dict[str, str]:
    """Lists the data sets on this machine with their titles, the user's own last."""
    found = {name: words(name) for name in DATA_SETS if is_available(name, default_data_dir())}
    return found | {name: facts.title for name, facts in data_sets.custom_sets().items()}


def _form() -> None:
    """Shows every field with its help; the values are those of a preset until they are changed."""
    data = _available()
    own = state.get("data") in data and state.get("data") not in DATA_SETS
    presets = {name: words(name) for name, config in PRESETS.items() if own or config.data in data}
    fields = [item.link for item in training_form.FIELDS if not own or item.name != "data"]
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
    groups = training_form.groups()
    # closed once a run is trained, to leave room for what it shows; its end opens nothing
    with st.expander("Settings", expanded=not active_jobs.has_watched()):
        for column, (title, items) in zip(st.columns(len(groups)), groups.items(), strict=True):
            with column:
                st.markdown(f"**{title}**")
                for item in items:
                    if training_form.matters(item.name, family, likelihood):
                        _field(item, preset, data)
                if title == "Objective" and FAMILIES[family].betas != "one":
                    st.caption(_without_beta(family))


def _without_beta(family: str) -> str:
    """Why there is no β to choose."""
    capabilities = FAMILIES[family]
    if capabilities.betas == "many":
        return "A multi-rate model draws a new β for every image, so it learns all of them."
    if not capabilities.has_prior:
        return "An autoencoder has no noise, no prior and no rate, so there is no β."
    return f"{words(family)}: β weighs the rate of a VAE’s posterior, and there is none here."


def _field(item: Description, preset: str, data: dict[str, str]) -> None:
    """Shows the input of one setting, made from its description."""
    label = item.full_label
    default = training_form.preset_value(preset, item.name, state.get("data"))
    choices = data if item.name == "data" else {one: words(one) for one in item.choices or ()}
    if choices:
        inputs.option(item.link, label, choices, default, help=item.help)
    elif item.kind is tuple:
        inputs.line(item.link, label, default, max_chars=60, help=item.help_with_limits())
    else:
        options: dict[str, Any] = {"format": "%.6g"} if item.kind is float else {}
        options["help"] = item.help_with_limits(item.screen_limits)
        inputs.quantity(item.link, label, default, step=item.step, **options)


def _plan() -> RunConfig:
    """Makes the settings that the form asks for; raises ValueError if they cannot be."""
    chosen = {item.name: state.get(item.link) for item in training_form.FIELDS}
    return training_form.plan(state.get("preset"), chosen)


def _order() -> None:
    """Shows the button, and beside it what the run will cost or what is wrong with it."""
    config = None
    try:
        config = _plan()
        sentence, problem = _price(training_runs.cost(config)), ""
    except ValueError as error:
        sentence, problem = "", str(error)
    if looking.may_make():
        inputs.button("Train", _submit, type="primary", disabled=bool(problem))
    if problem:
        st.error(plain(f"{problem}."))
    else:
        with st.container(gap=None):
            st.markdown(sentence)
            _predict(config)


def _predict(config: RunConfig) -> None:
    """Says which β collapses a VAE on these images, before it is trained."""
    model, beta = config.model, config.objective.beta
    threshold = collapse_prediction.threshold(config)
    if threshold is None:
        return
    text = f"With these images and this likelihood, a β above {threshold.beta:.3g} collapses."
    if model.capabilities.betas == "one" and beta > threshold.beta:
        st.warning(f"{text} β is {beta:g}.")
        collapse_interval.show(config)
    else:
        with st.container(horizontal=True, gap="small"):
            st.caption(text, width="content")
            collapse_interval.show(config)


def _name(preset: str) -> str:
    """Names a training run that was given no title."""
    facts = data_sets.custom_sets().get(state.get("data"))
    return f"{facts.title} · {words(preset)}"[:80] if facts else words(preset)


def _price(cost: training_runs.Cost) -> str:
    """What a run will cost, in a line."""
    size = f"{cost.parameters:,} parameters · {cost.steps:,} steps"
    return f"{size} · about {duration(cost.seconds)} on this machine"


def _submit() -> None:
    """Starts what the form says now, which may be newer than what was drawn."""
    title = clean_name(state.get("title"), _name(state.get("preset")))
    attempt(lambda: _train(title))


def _train(title: str) -> None:
    plan = _plan()
    seconds = training_runs.cost(plan).seconds
    job_queue.train(plan, title, f"Training “{title}”", seconds)
