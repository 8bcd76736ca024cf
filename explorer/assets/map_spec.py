"""What a map of a model shows: its plane in latent space, axes, colours, and how exact it is.

Knows no Streamlit, so that the page and the file to take home are made from the same spec.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from explorer.figures.theme import PALETTE, latent_unit, subscript
from models.latents.planes import Plane, coordinate_plane, pca_plane
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint

VIEWS = {"raw": "Two latents", "pca": "PCA", "tsne": "t-SNE"}
VIEWS_OF_ONE = {"raw": "The latent", "tsne": "t-SNE"}
COLOURS = {"class": "Class", "kl": "KL (rate R)", "distortion": "Distortion D", "elbo": "−ELBO"}
ONE_COLOUR = {"class": "All alike"}
"""Where there is nothing to tell points apart."""
EXACT = {
    "raw": "Exact: a point’s place is its code’s mean. Other latents, if any, are not shown.",
    "one": "Exact: across, a point’s place is its code’s mean; its height is its distortion.",
    "spread": "Exact: across, a point’s place is its code’s mean; its height has no meaning, it "
    "only spreads the points.",
    "pca": "Exact along the two directions of largest variance; the others are not shown.",
    "slice": "Points and ellipses are projected onto this plane. The picture under the pointer, "
    "ln p(z) and ln q(z) belong to a slice: the other latents stay as they are where “Plane "
    "through” says. The overlay “marginal” sums over them instead.",
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
    if checkpoint.codes.distortion is None:
        found = {name: text for name, text in found.items() if name not in ("distortion", "elbo")}
    if checkpoint.codes.labels is None:
        del found["class"]
    return found | factor_colours(checkpoint.card) or ONE_COLOUR


def factor_colours(card: Card) -> dict[str, str]:
    """The known factors of the images, by which points may be coloured: "factor-1" and so on."""
    return {f"factor-{k + 1}": f"Factor: {name}" for k, name in enumerate(card.factor_names)}


def _colour_title(spec: MapSpec) -> str:
    """What stands over the scale of colours, with its unit."""
    factors = factor_colours(spec.checkpoint.card)
    return factors.get(spec.colour) or f"{COLOURS[spec.colour]}, nats"


def exactness(spec: MapSpec) -> str:
    """How far the map may be trusted, in one sentence or two."""
    codes = spec.checkpoint.codes
    is_line = codes.latent_dim == 1 and spec.view == "raw"
    line = "spread" if codes.distortion is None else "one"
    sentence = EXACT[line if is_line else spec.view]
    is_slice = spec.plane is not None and spec.checkpoint.codes.latent_dim > 2
    return f"{sentence} {EXACT['slice']}" if is_slice else sentence


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


def map_data(spec: MapSpec) -> dict[str, Any]:
    """Describes a map to the browser, as far as the spec decides it: `MapData` of types.js."""
    codes = spec.checkpoint.codes
    has_prior = spec.plane is not None and codes.log_variance is not None
    prior = spec.plane.project(np.zeros(codes.latent_dim)).tolist() if has_prior else None
    across, up = _titles(spec)
    return {
        "data_set": spec.checkpoint.card.data_fingerprint,
        "view": spec.view,
        "plane": plane_data(spec),
        "latents": [spec.x, spec.y],
        "titles": {"x": across, "y": up},
        "equal": codes.latent_dim > 1,
        "prior": prior,
        "colour": {"by": spec.colour, "title": _colour_title(spec)},
        "palette": list(PALETTE),
    }


def _titles(spec: MapSpec) -> tuple[str, str]:
    """Axis titles with their unit."""
    codes = spec.checkpoint.codes
    unit = latent_unit(codes.log_variance is not None)
    if spec.view == "tsne":
        return "t-SNE 1 (no unit)", "t-SNE 2 (no unit)"
    if codes.latent_dim == 1:
        return f"z₁ ({unit})", "(no meaning)" if codes.distortion is None else "D, nats"
    names = [f"z{subscript(j + 1)}" for j in (spec.x, spec.y)]
    if spec.view == "pca":
        names = [f"PC {i + 1}, {spec.plane.explained[i]:.0%} of variance" for i in range(2)]
    return f"{names[0]} ({unit})", f"{names[1]} ({unit})"
