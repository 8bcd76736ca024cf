"""The first screen: the test set in latent space; touch a point, see it decoded."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.assets import map_spec
from explorer.assets.map_spec import Scene
from explorer.browser.latent_map import component
from explorer.figures.theme import subscript
from explorer.services import adapter_model, cache
from explorer.services.cache import Entry
from explorer.views.latent_map import drawing, html_export, inspector, panels, tsne
from explorer.widgets import inputs
from models.latents.codes import to_csv
from models.storage.checkpoint import Checkpoint


def show() -> None:
    """The whole screen."""
    state.load()
    usable, refused = cache.catalogue()
    for name, problem in refused.items():
        sentence = f"The model {name} cannot be opened: {problem}."
        st.warning(inputs.plain(sentence), icon="⚠️")
    if not usable:
        st.info("There is no model yet. Train one in seconds: `python -m models train`")
        return
    with st.container(horizontal=True):
        labels = {name: _label(entry) for name, entry in usable.items()}
        entry = usable[inputs.select("model", "Model", labels, width=330)]
        checkpoint = cache.checkpoint(entry)
        second = _second(usable, labels, checkpoint, entry)
        _axes(checkpoint)
    _scores(checkpoint)
    shown = [entry] if second is None else [entry, second]
    place, positions = st.empty(), [None] * len(shown)  # the rest of the page keeps its place
    if state.get("view") == "tsne":
        with place.container():
            positions = [tsne.positions(one, cache.checkpoint(one)) for one in shown]
        if all(found is not None for found in positions):
            place.empty()
    _explore([cache.checkpoint(one) for one in shown], positions)
    cache.warm_up()


def _second(
    usable: dict[str, Entry], labels: dict[str, str], checkpoint: Checkpoint, entry: Entry
) -> Entry | None:
    """The model on a second map beside the first: any other of the same test images."""
    data = checkpoint.card.data_fingerprint
    others = {
        name: label
        for name, label in labels.items()
        if name != entry.id and cache.card(usable[name]).data_fingerprint == data
    }
    chosen = inputs.select("second", "Beside it", {"": "no other model", **others}, width=220)
    return usable[chosen] if chosen else None


def _label(entry: Entry) -> str:
    return cache.title(entry) + ("" if entry.shipped else " (yours)")


def _axes(checkpoint: Checkpoint) -> None:
    """The controls of the map: projection, dimensions, colour."""
    latent_dim = checkpoint.codes.latent_dim
    views = map_spec.VIEWS if latent_dim > 1 else map_spec.VIEWS_OF_ONE
    view = inputs.segments("view", "Map", views)
    names = {j: f"z{subscript(j)}" for j in range(1, latent_dim + 1)}
    if latent_dim > 1:  # also where no control shows them: the decoded grid has these axes
        x = state.choose("x", list(names))
        others = {j: name for j, name in names.items() if j != x}
        state.choose("y", list(others))
        if view == "raw":
            inputs.select("x", "Across", names, width=90)
            inputs.select("y", "Up", others, width=90)
    inputs.select("colour", "Colour", map_spec.colours(checkpoint), width=160)


def _scores(checkpoint: Checkpoint) -> None:
    """The model's test-set scores, each with its standard error and unit."""
    card, metrics = checkpoint.card, checkpoint.card.metrics
    with st.container(horizontal=True, key="scores"):
        for name, label in (("negative_elbo", "−ELBO"), ("distortion", "D"), ("rate", "R")):
            match metrics.get(name):
                case [_, _] as pair:
                    st.markdown(f"**{label}** {inputs.score(pair)} nats/image")
        match metrics.get("active_units"), metrics.get("rate"):
            case int(active), [_, _]:
                st.markdown(f"**Active** {active} of {checkpoint.codes.latent_dim} latents")
        if (
            adapter_model.model_of(checkpoint) is None
        ):  # how a stranger's model was trained is not known
            st.markdown(f"**Trained** {card.steps:,} steps, {card.seconds:,.0f} s")
        st.markdown(f"**Test set** {len(checkpoint.codes):,} images")
    if notes := adapter_model.notes(checkpoint):
        st.caption(inputs.plain(notes))


@page_queue.fragment
def _explore(checkpoints: list[Checkpoint], positions: list[np.ndarray | None]) -> None:
    """Maps, inspector and, as a fragment of its own, panels: a click reruns this part alone."""
    checkpoint = checkpoints[0]
    state.choose("point", range(len(checkpoint.codes)))
    if len(checkpoints) == 1:
        left, right = st.columns([3, 2], gap="medium")
        with right:
            panel = component.panel("live")
        with left:
            _map(checkpoint, positions[0], panel)
        with right:
            usable = _inspect(checkpoint)
    else:
        _side_by_side(checkpoints, positions)
        usable = _inspect(checkpoint)
    if usable:
        panels.show(checkpoint)
    state.publish()


def _side_by_side(checkpoints: list[Checkpoint], positions: list[np.ndarray | None]) -> None:
    """Two maps of the same test images: an image touched on one is shown on the other."""
    names = ("", "-2")
    columns = st.columns(2, gap="medium")
    for name, column, checkpoint, found in zip(names, columns, checkpoints, positions, strict=True):
        with column:
            st.markdown(f"**{inputs.plain(checkpoint.card.title)}**")
            place = st.container()
            panel = component.panel(f"live{name}")
            with place:
                _map(checkpoint, found, panel, name)


def _inspect(checkpoint: Checkpoint) -> bool:
    """The inspector, or why the model cannot be used; whether it can."""
    first = not cache.has_model()
    with st.spinner("Loading the model…") if first else contextlib.nullcontext():
        problem = cache.problem(checkpoint)
    if problem:
        st.error(f"This model cannot be used: {inputs.plain(problem)}. Choose another.")
        return False
    inspector.show(checkpoint)
    return True


def _map(checkpoint: Checkpoint, positions: np.ndarray | None, panel: str, name: str = "") -> None:
    """The live map of the present settings; none where a t-SNE map could not be made.

    Args:
        checkpoint: Of the model.
        positions: Of a t-SNE map.
        panel: Where the map shows what is under the pointer.
        name: "" for the first map, "-2" for the one beside it.
    """
    if state.get("view") == "tsne" and positions is None:
        return
    shown = _scene(checkpoint, positions)
    data = cache.map_files(shown) | {
        "data_set": checkpoint.card.data_fingerprint,
        "plane": map_spec.plane_data(shown),
        "point": state.get("point"),
        "pins": _pins(f"pins{name}", checkpoint.codes.latent_dim),
        "drawn": drawing.code(checkpoint),
        "panel": panel,
    }
    component.latent_map(data, f"map{name}", lambda: _touched(name))
    st.caption(map_spec.exactness(shown))
    opened = adapter_model.model_of(checkpoint)
    if opened is not None and opened.decoding:
        st.caption(inputs.plain(opened.decoding))
    with st.container(horizontal=True):
        st.download_button(
            "Save the codes as CSV",
            lambda: to_csv(checkpoint.codes, checkpoint.card.class_names),
            "codes.csv",
            "text/csv",
            on_click="ignore",
            key=f"csv{name}",
        )
        html_export.button(shown, name)


def _scene(checkpoint: Checkpoint, positions: np.ndarray | None) -> Scene:
    """The map that the controls ask for."""
    view, (x, y) = state.get("view"), _dimensions(checkpoint)
    plane = None if view == "tsne" else cache.plane(checkpoint, view, x, y)
    allowed = map_spec.colours(checkpoint)
    colour = state.get("colour") if state.get("colour") in allowed else next(iter(allowed))
    return Scene(checkpoint, view, x, y, colour, plane, positions)


def _pins(name: str, latent_dim: int) -> list[dict[str, Any]]:
    """The pins that fit this model; those of another one's length are dropped, with a notice."""
    pins = state.get(name) or ()
    if any(len(pin.z) != latent_dim for pin in pins):
        state.reset(name)
        pins = ()
    return [pin._asdict() for pin in pins]


def _touched(name: str) -> None:
    """A click or a change of the pins on a map."""
    point, pins = component.touched(f"map{name}")
    state.put(**{"point": point, f"pins{name}": pins})


def _dimensions(checkpoint: Checkpoint) -> tuple[int, int]:
    """The map's latent dimensions, counted from 0."""
    latent_dim = checkpoint.codes.latent_dim
    if latent_dim == 1:
        return 0, 0
    x, y = state.get("x") - 1, state.get("y") - 1
    return (x, y) if max(x, y) < latent_dim else (0, 1)
