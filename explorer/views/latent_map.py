"""The first screen: the test set in latent space; touch a point, see it decoded."""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer import cache, controls, figures, live, state
from explorer.figures import latent_unit, subscript
from explorer.views import inspector, panels, tsne
from models.checkpoint import Checkpoint
from models.latents import Codes, Plane, to_csv

VIEWS = {"raw": "Two latents", "pca": "PCA", "tsne": "t-SNE"}
VIEWS_OF_ONE = {"raw": "The latent", "tsne": "t-SNE"}
COLOURS = {"class": "Class", "kl": "KL (rate R)", "distortion": "Distortion D", "elbo": "−ELBO"}
EXACT = {
    "raw": "Exact: a point’s place is its code’s mean. Other latents, if any, are not shown.",
    "one": "Exact: across, a point’s place is its code’s mean; its height is its distortion.",
    "pca": "Exact along the two directions of largest variance; the others are not shown.",
    "tsne": "Not exact: t-SNE keeps neighbours, not distances, and has no inverse. Only the test "
    "points mean something here; each decodes through its own code.",
}


def show() -> None:
    """The whole screen."""
    state.load()
    usable, refused = cache.catalogue()
    for name, problem in refused.items():
        sentence = f"The model {name} cannot be opened: {problem}."
        st.warning(controls.plain(sentence), icon="⚠️")
    if not usable:
        st.info("There is no model yet. Train one in seconds: `python -m models train`")
        return
    with st.container(horizontal=True):
        labels = {name: _label(entry) for name, entry in usable.items()}
        entry = usable[controls.select("model", "Model", labels, width=330)]
        checkpoint = cache.checkpoint(entry)
        _axes(checkpoint)
    _scores(checkpoint)
    place, positions = st.empty(), None  # always there: the rest of the page keeps its place
    if state.get("view") == "tsne":
        with place.container():
            positions = tsne.positions(entry, checkpoint)
        if positions is not None:
            place.empty()
    _explore(checkpoint, positions)
    if (state.get("view") != "tsne" or positions is not None) and not cache.problem(checkpoint):
        x, y = _dimensions(checkpoint)
        live.show(cache.lens(checkpoint, state.get("view"), x, y, positions))
    cache.warm_up()


def _label(entry: cache.Entry) -> str:
    return cache.title(entry) + ("" if entry.shipped else " (yours)")


def _axes(checkpoint: Checkpoint) -> None:
    """The controls of the map: projection, dimensions, colour."""
    latent_dim = checkpoint.codes.latent_dim
    view = controls.segments("view", "Map", VIEWS if latent_dim > 1 else VIEWS_OF_ONE)
    names = {j: f"z{subscript(j)}" for j in range(1, latent_dim + 1)}
    if latent_dim > 1:  # also where no control shows them: the decoded grid has these axes
        x = state.choose("x", list(names))
        others = {j: name for j, name in names.items() if j != x}
        state.choose("y", list(others))
        if view == "raw":
            controls.select("x", "Across", names, width=90)
            controls.select("y", "Up", others, width=90)
    colours = dict(COLOURS)
    if checkpoint.codes.log_variance is None:
        del colours["kl"], colours["elbo"]
    if checkpoint.codes.labels is None:
        del colours["class"]
    controls.select("colour", "Colour", colours, width=160)


def _scores(checkpoint: Checkpoint) -> None:
    """The model's test-set scores, each with its standard error and unit."""
    card, metrics = checkpoint.card, checkpoint.card.metrics
    with st.container(horizontal=True, key="scores"):
        for name, label in (("negative_elbo", "−ELBO"), ("distortion", "D"), ("rate", "R")):
            match metrics.get(name):
                case [mean, error]:
                    st.markdown(f"**{label}** {mean:.2f} ± {error:.2f} nats/image")
        match metrics.get("active_units"), metrics.get("rate"):
            case int(active), [_, _]:
                st.markdown(f"**Active** {active} of {checkpoint.codes.latent_dim} latents")
        st.markdown(f"**Trained** {card.steps:,} steps, {card.seconds:,.0f} s")
        st.markdown(f"**Test set** {len(checkpoint.codes):,} images")


@st.fragment
def _explore(checkpoint: Checkpoint, positions: np.ndarray | None) -> None:
    """Map, inspector and, as a fragment of its own, panels: a click reruns this part alone."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _map(checkpoint, positions)
    with right:
        problem = cache.problem(checkpoint)
        if problem:
            st.error(f"This model cannot be used: {controls.plain(problem)}. Choose another.")
            return
        inspector.show(checkpoint)
    panels.show(checkpoint)
    state.publish()


def _map(checkpoint: Checkpoint, positions: np.ndarray | None) -> None:
    """The scatter of the present settings; none where a t-SNE map could not be made."""
    view, colour = state.get("view"), state.get("colour")
    if view == "tsne" and positions is None:
        return
    state.choose("point", range(len(checkpoint.codes)))
    x, y = _dimensions(checkpoint)
    key = (cache.key(checkpoint), view, x, y, colour)
    figure = cache.figure(
        (*key, _start(key)), lambda: _figure(checkpoint, positions, view, x, y, colour)
    )
    st.plotly_chart(
        figure,
        key="map",
        on_select=_clicked,
        selection_mode="points",
        config={"scrollZoom": True, "displaylogo": False},
    )
    st.caption(EXACT["one" if checkpoint.codes.latent_dim == 1 and view == "raw" else view])
    st.download_button(
        "Save the codes as CSV",
        lambda: to_csv(checkpoint.codes, checkpoint.card.class_names),
        "codes.csv",
        "text/csv",
        on_click="ignore",
    )


def _dimensions(checkpoint: Checkpoint) -> tuple[int, int]:
    """The map's latent dimensions, counted from 0."""
    if checkpoint.codes.latent_dim == 1:
        return 0, 0
    return state.get("x") - 1, state.get("y") - 1


def _start(key: tuple) -> int | None:
    """The point that starts selected: it changes with the map, or by other ways than a click.

    After a click the browser shows the selection itself; the same figure then keeps its zoom.
    """
    memory, point = st.session_state, state.get("point")
    if memory.get("drawn") != key or memory.get("clicked") != point:
        memory.update(drawn=key, clicked=point, start=point)
    return memory.start


def _clicked() -> None:
    """A click selects a point; a click elsewhere, or a second one, selects none."""
    points = controls.chosen_points("map")
    state.put(point=points[0] if points else None)
    st.session_state.clicked = state.get("point")


def _titles(codes: Codes, plane: Plane, view: str, x: int, y: int) -> tuple[str, str]:
    """Axis titles with their unit."""
    unit = latent_unit(codes.log_variance is not None)
    names = (f"z{subscript(x + 1)}", f"z{subscript(y + 1)}")
    if view == "pca":
        names = tuple(f"PC {i + 1}, {plane.explained[i]:.0%} of variance" for i in range(2))
    return f"{names[0]} ({unit})", f"{names[1]} ({unit})"


def _figure(checkpoint: Checkpoint, positions: np.ndarray | None, view, x, y, colour):
    """The scatter of the present settings."""
    codes, card = checkpoint.codes, checkpoint.card
    titles, prior = ("t-SNE 1 (no unit)", "t-SNE 2 (no unit)"), None
    if codes.latent_dim == 1 and view != "tsne":
        positions = np.stack([codes.mean[:, 0], codes.distortion], 1)
        titles = (f"z₁ ({latent_unit(codes.log_variance is not None)})", "D, nats")
    elif positions is None:
        plane = cache.plane(checkpoint, view, x, y)
        positions, titles = plane.project(codes.mean), _titles(codes, plane, view, x, y)
        prior = None if codes.log_variance is None else plane.project(np.zeros(codes.latent_dim))
    values = {
        "kl": (lambda: codes.rate.sum(1), "KL, nats"),
        "distortion": (lambda: codes.distortion, "D, nats"),
        "elbo": (lambda: codes.negative_elbo, "−ELBO, nats"),
    }
    details = {"D": codes.distortion}
    if codes.rate is not None:
        details["KL"] = codes.rate.sum(1)
    number, title = values.get(colour, (lambda: None, ""))
    return figures.latent_scatter(
        positions,
        titles,
        np.stack(list(details.values()), 1),
        list(details),
        labels=codes.labels,
        class_names=card.class_names,
        values=number(),
        value_title=title,
        selected=st.session_state.start,
        equal_axes=codes.latent_dim > 1,
        prior_centre=prior,
    )
