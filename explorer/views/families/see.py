"""*See it*: one panel for each kind of model, at work with the weights of a trained one."""

from __future__ import annotations

from importlib import import_module

import streamlit as st

from explorer import state
from explorer.services import adapter_model, catalogue
from explorer.services.catalogue import Entry
from explorer.views import model_picker
from explorer.views.families.panels import PANELS
from explorer.widgets import inputs


def show() -> None:
    """Shows the panel of the kind that was chosen, of those of which there is a model."""
    models = {key: _models(key) for key in PANELS}
    offered = {key: PANELS[key].name for key in PANELS if models[key]}
    if not offered:
        model_picker.say_none()
        return
    with st.container(horizontal=True, vertical_alignment="top"):
        key, chosen = _choice(models, offered)
    model = model_picker.open_model(models[key][chosen])
    with st.spinner("Opening the model…"):
        model.problem  # noqa: B018 - reads the network, the first time with all of torch
    import_module(PANELS[key].module).show(model)


def _choice(models: dict[str, dict[str, Entry]], offered: dict[str, str]) -> tuple[str, str]:
    """Asks for a kind, if there are several, and for a model of it."""
    key = next(iter(offered))
    if len(offered) > 1:
        key = inputs.segments("see", "Family", offered, default=key)
    labels = {name: model_picker.label(entry) for name, entry in models[key].items()}
    return key, inputs.select(f"seen-{key}", "Model", labels, width=420)


def _models(key: str) -> dict[str, Entry]:
    """The models on offer of a kind."""

    def fits(entry: Entry) -> bool:
        is_of = PANELS[key].is_of(entry.card.config.model.capabilities)
        return is_of and adapter_model.is_whole(entry.id)

    return catalogue.offered(state.get(f"seen-{key}"), fits)
