"""What a map of a model shows: its figure, its plane in latent space, and how exact it is.

Knows no Streamlit, so that the page and the file to take home are made from the same spec.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from explorer.figures.latent_map import latent_scatter
from explorer.figures.theme import latent_unit, subscript
from models.latents.planes import Plane, coordinate_plane, pca_plane
from models.storage.checkpoint import Checkpoint

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


class MapSpec(NamedTuple):
    """A model's map.

    Attributes:
        checkpoint: The model and the codes of its test set.
        view: "raw", "pca" or "tsne".
        x: Horizontal latent of the raw view, counted from 0.
        y: Vertical one.
        colour: Of `colours(checkpoint)`.
        plane: In latent space; None for t-SNE.
        positions: Of a t-SNE map, shape (N, 2); None for the others.
    """

    checkpoint: Checkpoint
    view: str
    x: int
    y: int
    colour: str
    plane: Plane | None
    positions: np.ndarray | None = None


def make_plane(checkpoint: Checkpoint, view: str, x: int, y: int) -> Plane:
    """The plane of a view: two latent dimensions (counted from 0), or PCA."""
    mean = checkpoint.codes.mean
    return pca_plane(mean) if view == "pca" else coordinate_plane(mean, x, y)


def colours(checkpoint: Checkpoint) -> dict[str, str]:
    """What the points of this model may be coloured by."""
    found = dict(COLOURS)
    if checkpoint.codes.log_variance is None:
        del found["kl"], found["elbo"]
    if checkpoint.codes.labels is None:
        del found["class"]
    return found


def exactness(spec: MapSpec) -> str:
    """How far the map may be trusted, in one sentence or two."""
    is_line = spec.checkpoint.codes.latent_dim == 1 and spec.view == "raw"
    return EXACT["one" if is_line else spec.view]


def plane_data(spec: MapSpec) -> dict[str, Any] | None:
    """The map's plane as `PlaneData` of browser/common/types.js; None where there is none."""
    if spec.plane is None:
        return None
    raw = [f"z{subscript(j + 1)}" for j in (spec.x, spec.y)]
    latent_dim = spec.checkpoint.codes.latent_dim
    return {
        "origin": spec.plane.origin.tolist(),
        "axes": spec.plane.axes.tolist(),
        "names": ["PC 1", "PC 2"] if spec.view == "pca" else raw[:latent_dim],
        "home": "the mean of the codes" if spec.view == "pca" else "the origin",
    }


def figure(spec: MapSpec) -> go.Figure:
    """The scatter of a spec."""
    codes, card = spec.checkpoint.codes, spec.checkpoint.card
    prior = None
    if spec.positions is not None:
        positions, titles = spec.positions, ("t-SNE 1 (no unit)", "t-SNE 2 (no unit)")
    elif codes.latent_dim == 1:
        positions = np.stack([codes.mean[:, 0], codes.distortion], 1)
        titles = (f"z₁ ({latent_unit(codes.log_variance is not None)})", "D, nats")
    else:
        positions, titles = spec.plane.project(codes.mean), _titles(spec)
        if codes.log_variance is not None:
            prior = spec.plane.project(np.zeros(codes.latent_dim))
    values, title = _values(spec)
    return latent_scatter(
        positions,
        titles,
        labels=codes.labels,
        class_names=card.class_names,
        values=values,
        value_title=title,
        equal_axes=codes.latent_dim > 1,
        prior_centre=prior,
    )


def _titles(spec: MapSpec) -> tuple[str, str]:
    """Axis titles with their unit."""
    unit = latent_unit(spec.checkpoint.codes.log_variance is not None)
    names = tuple(f"z{subscript(j + 1)}" for j in (spec.x, spec.y))
    if spec.view == "pca":
        shares = spec.plane.explained
        names = tuple(f"PC {i + 1}, {shares[i]:.0%} of variance" for i in range(2))
    return f"{names[0]} ({unit})", f"{names[1]} ({unit})"


def _values(spec: MapSpec) -> tuple[np.ndarray | None, str]:
    """The number that colours each point, with its name and unit; None for classes."""
    codes = spec.checkpoint.codes
    match spec.colour:
        case "kl":
            return codes.rate.sum(1), "KL, nats"
        case "distortion":
            return codes.distortion, "D, nats"
        case "elbo":
            return codes.negative_elbo, "−ELBO, nats"
    return None, ""
