"""The first screen: the test set in latent space; touch a point, see it decoded."""

from __future__ import annotations

import contextlib
import functools
from importlib import import_module
from typing import Any

import numpy as np
import streamlit as st

from explorer import page_queue, state
from explorer.assets import map_spec
from explorer.assets.map_spec import MapSpec
from explorer.browser.latent_map import component
from explorer.figures.theme import subscript
from explorer.glossary import row, why
from explorer.openings import NOTHING, Opening, first_view, opening
from explorer.services import catalogue, loaded_model, page_files, warm_up
from explorer.services.catalogue import Entry
from explorer.services.loaded_model import LoadedModel
from explorer.views import downloads, model_picker
from explorer.views.latent_map import diffusion, directions, drawing, html_export, latents, tsne
from explorer.views.latent_map.originals import where_originals
from explorer.widgets import inputs
from explorer.widgets.text import plain, score
from models.latents.codes import to_csv
from models.latents.planes import draw_corners


def show() -> None:
    """The whole screen."""
    state.load()
    usable, refused = catalogue.on_map(), catalogue.list_models()[1]
    model_picker.warn(refused)
    model_picker.say_elsewhere("model", catalogue.is_on_map)
    if not usable:
        model_picker.say_none()
        return
    with st.container(horizontal=True, key="controls"):
        offered = catalogue.offered(state.get("model"), catalogue.is_on_map)
        labels = {name: model_picker.label(entry) for name, entry in offered.items()}
        model = model_picker.open_model(usable[inputs.select("model", "Model", labels, width=300)])
        second = _second(usable, model)
        _axes(model)
    with st.container(horizontal=True, vertical_alignment="center", key="scores"):
        _scores(model)
        _draw_again(model)
        downloads.offer(model.card.config.data if model.adapted is None else "")
    shown = [model] if second is None else [model, second]
    place, positions = st.empty(), [None] * len(shown)  # the rest of the page keeps its place
    if _view(model) == "tsne":
        with place.container():
            positions = [tsne.positions(each) for each in shown]
        if all(each is not None for each in positions):
            place.empty()
    _explore(shown, positions)
    if model.has_points:
        _exact(model)
    warm_up.start()


def _second(usable: dict[str, Entry], model: LoadedModel) -> LoadedModel | None:
    """The model on a second map beside the first: any other of the same test images."""
    if not model.has_points:
        return None
    data = model.card.data_fingerprint
    others = catalogue.offered(
        state.get("second"),
        lambda entry: (
            catalogue.has_codes(entry)
            and entry.id != model.entry.id
            and entry.card.data_fingerprint == data
        ),
    )
    labels = {name: model_picker.label(entry) for name, entry in others.items()}
    chosen = inputs.select("second", "Beside it", {"": "no other model", **labels}, width=180)
    return model_picker.open_model(usable[chosen]) if chosen else None


def _axes(model: LoadedModel) -> None:
    """The controls of the map: projection, dimensions, colour."""
    latent_dim = model.codes.latent_dim
    views, view = map_spec.views(model.checkpoint), _view(model)
    if not model.has_points and state.get("view") not in views:
        state.put(view=None)  # that of another model, which is not even offered here
    if len(views) > 1:
        inputs.segments("view", "Map", views, view)
    names = {j: f"z{subscript(j)}" for j in range(1, latent_dim + 1)}
    if latent_dim > 1:  # also where no control shows them: the decoded grid has these axes
        x = state.choose("x", list(names))
        others = {j: name for j, name in names.items() if j != x}
        state.choose("y", list(others))
        if view == "raw":
            inputs.select("x", "Across", names, width=84)
            inputs.select("y", "Up", others, width=84)
    if model.has_points:
        inputs.select("colour", "Colour", map_spec.colours(model.checkpoint), width=140)


def _draw_again(model: LoadedModel) -> None:
    """Asks for other draws of the prior: those that a plane without points goes through."""
    view = _view(model)
    if model.has_points or "draws" not in map_spec.views(model.checkpoint):
        return
    seed = (state.get("plane-seed") + 1) % 1_000_000
    if view == "draws":  # the pins are the draws
        inputs.button("Draw three others", lambda: state.put(**{"plane-seed": seed, "pins": None}))
    else:
        inputs.button("Draw the other latents", lambda: state.put(**{"plane-seed": seed}))


def _scores(model: LoadedModel) -> None:
    """The model's test-set scores, each with its standard error and unit."""
    card, metrics = model.card, model.card.metrics
    many = card.config.model.capabilities.betas == "many"
    parts = [f"{why('beta', 'At β')} = {card.config.objective.beta:g}"] if many else []
    for name in ("negative_elbo", "distortion", "rate"):
        match metrics.get(name):
            case [_, _] as pair:
                parts.append(f"{why(name)} {score(pair)} {why('nats', 'nats/image')}")
    match metrics.get("active_units"), metrics.get("rate"):
        case int(active), [_, _]:
            parts.append(f"{why('active', 'Active')} {active} of {model.codes.latent_dim} latents")
    if model.adapted is None:  # how a custom model was trained is not known
        parts.append(f"{why('steps', 'Trained')} {card.steps:,} steps, {card.seconds:,.0f} s")
    size = f"Test set {len(model.codes):,} images" if model.has_points else map_spec.NO_ENCODER
    parts.append(size)
    spans = "".join(f"<span>{part}</span>" for part in parts)
    st.html(f'<div class="score-line">{spans}</div>', width="content")
    if notes := model.notes:
        st.caption(plain(notes))


@page_queue.fragment
def _explore(models: list[LoadedModel], positions: list[np.ndarray | None]) -> None:
    """The maps, and what shows more of the touched image."""
    model = models[0]
    st.session_state.pop("is_touched", None)  # all that shows the touched image runs now
    state.choose("point", range(len(model.codes)))
    if len(models) == 1:
        _map(model, positions[0])
    else:
        _side_by_side(models, positions)
    if _encodes(model):
        drawing.section(model)
        latents.section(model)
        directions.section(model)
        diffusion.section(model)
    state.publish()


@page_queue.fragment
def _exact(model: LoadedModel) -> None:
    """Exact values of the model: a press reruns this part alone."""
    import_module("explorer.views.trade_off.exact_values").of_model(model)


def _side_by_side(models: list[LoadedModel], positions: list[np.ndarray | None]) -> None:
    """Two maps of the same test images: an image touched on one is shown on the other."""
    columns = st.columns(2, gap="medium")
    for name, column, model, places in zip(("", "-2"), columns, models, positions, strict=True):
        with column:
            st.markdown(f"**{plain(model.card.title)}**")
            _map(model, places, name)


def _map(model: LoadedModel, positions: np.ndarray | None, name: str = "") -> None:
    """The live map of the present settings; none where a t-SNE map could not be made.

    Args:
        model: Whose map it is.
        positions: Of a t-SNE map.
        name: "" for the first map, "-2" for the one beside it.
    """
    if _view(model) == "tsne" and positions is None:
        return
    if loaded_model.has_network() and model.problem:
        problem = plain(model.problem)
        st.error(f"This model cannot be used: {problem}. Choose another.")
        return
    shown = _map_spec(model, positions)
    data = page_files.map_files(model, shown) | map_spec.map_data(shown)
    _forget_zoom(name, data["model"])
    data |= {
        "betas": page_files.beta_data(model),
        "visit": f"{state.visit()}-{shown.seed}" if shown.view == "draws" else state.visit(),
        "arrow": directions.arrow(model) if _encodes(model) else None,
        "download": model.card.config.data,
        "note": where_originals(model) if _encodes(model) and not model.test_images else "",
    }
    _live(model, data, name)
    st.caption(map_spec.exactness(shown))
    st.html(row(*_terms(shown), prior="circles", ellipse="ellipses"))
    adapted = model.adapted
    if adapted is not None and adapted.decoding:
        st.caption(plain(adapted.decoding))
    with st.container(horizontal=True):
        if model.has_points:
            st.download_button(
                "Save the codes as CSV",
                lambda: to_csv(model.codes, model.card.class_names),
                "codes.csv",
                "text/csv",
                on_click="ignore",
                key=f"csv{name}",
            )
        if model.card.config.model.capabilities.has_decoder:  # else a file could show nothing
            html_export.button(model, shown, _kept(model, name), name)


def _encodes(model: LoadedModel) -> bool:
    """Whether images can be encoded, decoded and scored."""
    return model.is_whole and model.has_points


@functools.partial(page_queue.fragment, key=drawing.MAPS)
def _live(model: LoadedModel, data: dict[str, Any], name: str) -> None:
    """The map itself; a touch reruns this part alone, to keep the link, unless other parts show
    the touched image too."""
    if st.session_state.pop("is_touched", False) and _is_followed():
        st.rerun()
    state.choose("point", range(len(model.codes)))
    drawn = {"drawn": drawing.code(model) if _encodes(model) else None}
    component.latent_map(data | drawn | _kept(model, name), f"map{name}", lambda: _touched(name))
    state.publish()


def _is_followed() -> bool:
    """Whether an open part of the page shows the image that is touched."""
    return any(st.session_state.get(key) for key in ("traversals", "directions"))


def _kept(model: LoadedModel, name: str) -> dict[str, Any]:
    """What was touched, which links and files keep: `point`, `pins` and `look`."""
    opens = NOTHING if name or _is_touched() else _opening(model)
    pins = _pins(f"pins{name}", model.codes.latent_dim)
    pins = pins or _pinned(model, opens.pinned) or _drawn_pins(model)
    return {
        "point": opens.point if state.get("point") is None else state.get("point"),
        "pins": pins,
        "look": _look(name, model.codes.latent_dim, opens.look),
    }


def _terms(shown: MapSpec) -> list[str]:
    """What the map draws, by the keys of the glossary."""
    projection = {"pca": ["pca"], "tsne": ["tsne"]}.get(shown.view, [])
    if not len(shown.checkpoint.codes):
        return ["z", "prior"]
    drawn = ["prior", "ellipse"] if shown.checkpoint.codes.log_variance is not None else []
    return ["z", *projection, *drawn, "rings", "off_manifold", "sample", "likelihood"]


def _map_spec(model: LoadedModel, positions: np.ndarray | None) -> MapSpec:
    """The map that the controls ask for."""
    view, (x, y) = _view(model), _dimensions(model)
    seed = 0 if model.has_points else state.get("plane-seed")
    plane = None if view == "tsne" else page_files.plane(model, view, x, y, seed)
    allowed = map_spec.colours(model.checkpoint)
    colour = state.get("colour") if state.get("colour") in allowed else next(iter(allowed))
    return MapSpec(model.checkpoint, view, x, y, colour, plane, positions, seed)


def _pins(name: str, latent_dim: int) -> list[dict[str, Any]]:
    """The pins that fit this model; those of another one's length are dropped, with a notice."""
    pins = state.get(name) or ()
    if any(len(pin.z) != latent_dim for pin in pins):
        state.reset(name)
        pins = ()
    return [pin._asdict() for pin in pins]


def _is_touched() -> bool:
    """Whether a link or a touch says how the first map is to look."""
    return any(state.get(name) for name in ("pins", "look", "z")) or state.get("point") is not None


def _opening(model: LoadedModel) -> Opening:
    """How the model's map opens; one that is damaged or small may lack what is to be pinned."""
    opens = opening(model.entry.id, model.card.config.model.capabilities)
    fits = model.entry.shipped and max(opens.pinned, default=-1) < len(model.codes)
    return opens if fits or not opens.pinned else NOTHING


def _pinned(model: LoadedModel, images: tuple[int, ...]) -> list[dict[str, Any]]:
    """Pins at the codes of test images, named A, B, …"""
    codes = zip("ABCDEFGH", images, strict=False)
    return [{"z": model.codes.mean[n].tolist(), "name": name, "point": n} for name, n in codes]


def _drawn_pins(model: LoadedModel) -> list[dict[str, Any]]:
    """Pins at the three draws that the plane goes through, where it does."""
    if _view(model) != "draws":
        return []
    corners = draw_corners(model.codes.latent_dim, state.get("plane-seed"))
    codes = zip("ABC", corners.astype(np.float32).tolist(), strict=True)
    return [{"z": z, "name": name, "point": None} for name, z in codes]


def _view(model: LoadedModel) -> str:
    """The view that is chosen, or the one that this model opens with."""
    views = map_spec.views(model.checkpoint)
    first = first_view(model.codes.latent_dim) if model.has_points else next(iter(views))
    return state.get("view") if state.get("view") in views else first


def _look(name: str, latent_dim: int, at_first: dict[str, Any] | None) -> dict[str, Any]:
    """How the map is to look at first: overlays, zoom, and the inspector's tab."""
    look = dict(state.get(f"look{name}") or at_first or {})
    tab, z = state.get("panel"), state.get("z")
    if z is not None and len(z) != latent_dim:
        state.reset("z")
        z = None
    look |= {"tab": "image" if tab == "draw" else tab, "z": list(z or ())}
    return look | {name: state.get(name) for name in ("draw", "side", "beta")}


def _forget_zoom(name: str, model: str) -> None:
    """Drops the zoom if it was another model's, which was shown since the link was read."""
    seen = st.session_state.setdefault("models_seen", {})
    (visit, before), seen[name] = seen.get(name, (0, "")), (state.visit(), model)
    look = state.get(f"look{name}") or {}
    if visit == state.visit() and before != model and "ranges" in look:
        others = {part: value for part, value in look.items() if part != "ranges"}
        state.put(**{f"look{name}": others or None})


def _touched(name: str) -> None:
    """Remembers a touch in the link; what a map cannot have said is passed over, and what comes
    late from the map of the model before."""
    with contextlib.suppress(ValueError):
        touch = component.touched(f"map{name}")
        if touch.model not in ("", st.session_state.models_seen[name][1]):
            return
        st.session_state.is_touched = True
        state.put(**{"point": touch.point, f"pins{name}": touch.pins, f"look{name}": touch.look})
        if not name:
            panel = "draw" if state.get("panel") == "draw" else touch.tab
            state.put(panel=panel, z=touch.z, draw=touch.draw, side=touch.side, beta=touch.beta)


def _dimensions(model: LoadedModel) -> tuple[int, int]:
    """The map's latent dimensions, counted from 0."""
    latent_dim = model.codes.latent_dim
    if latent_dim == 1:
        return 0, 0
    x, y = state.get("x") - 1, state.get("y") - 1
    return (x, y) if max(x, y) < latent_dim else (0, 1)
