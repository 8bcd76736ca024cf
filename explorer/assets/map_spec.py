"""What a map of a model shows: its plane in latent space, axes, colours, and how exact it is.

Knows no Streamlit, so that the page and the file to take home are made from the same spec.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from explorer.figures.theme import PALETTE, latent_unit, subscript
from models.latents.codes import no_codes
from models.latents.planes import (
    Plane,
    coordinate_plane,
    draw_corners,
    pca_plane,
    plane_through,
)
from models.storage.card import Card
from models.storage.checkpoint import Checkpoint

VIEWS = {"raw": "Two latents", "pca": "PCA", "tsne": "t-SNE"}
VIEWS_OF_ONE = {"raw": "The latent", "tsne": "t-SNE"}
VIEWS_OF_NOISE = {"draws": "Three draws"}
VIEWS_OF_DRAWS = {"draws": "Three draws", "raw": "Two latents"}
"""Where no image has a code: there are only draws of the prior to put a plane through."""
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
    "draws": "Every spot is a code z of the plane through A, B and C: three draws of the prior "
    "N(0, I), made orthogonal and equally long. u and v are distances in this plane.",
    "noise": "Every spot is a noise image of the plane through A, B and C: three draws of N(0, I), "
    "made orthogonal and equally long. u and v are distances in this plane. The noise of a spot is "
    "scaled to the length that draws have,",
    "drawn": "Every spot is a code z: the place gives two of its numbers, and the others are those "
    "of a draw of the prior, or of the pin that “Plane through” names.",
    "touched": "Every spot is a code z.",
    "tsne": "Not exact: t-SNE keeps neighbours, not distances, and has no inverse. Only the test "
    "points mean something here; each decodes through its own code.",
}

NO_ENCODER = "No encoder: no test images on the map"
"""Stands in the place of the number of test images."""
REACH = 3.2
"""How far a map without points shows the prior, in its standard deviations, at least."""


class MapSpec(NamedTuple):
    """A model's map.

    Attributes:
        checkpoint: The model and the codes of its test set.
        view: Of `views(checkpoint)`.
        x: Horizontal latent of the raw view, counted from 0.
        y: Vertical one.
        colour: Of `colours(checkpoint)`.
        plane: In latent space; None for t-SNE.
        positions: Of a t-SNE map, shape (N, 2); None for the others.
        seed: Of the draws that a plane without points goes through.
    """

    checkpoint: Checkpoint
    view: str
    x: int
    y: int
    colour: str
    plane: Plane | None
    positions: np.ndarray | None = None
    seed: int = 0


def with_codes(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with codes of no image, where there is a plane to touch but no encoder."""
    config = checkpoint.card.config.model
    if checkpoint.codes is not None or config.capabilities.has_codes:
        return checkpoint
    if not config.capabilities.has_plane:
        return checkpoint
    return replace(checkpoint, codes=no_codes(config.code_size))


def has_prior(checkpoint: Checkpoint) -> bool:
    """Whether codes are measured in standard deviations of a prior: those of a VAE, and draws."""
    return checkpoint.codes.log_variance is not None or not len(checkpoint.codes)


def views(checkpoint: Checkpoint) -> dict[str, str]:
    """The views that a map of this model has, by name; of a model without points, the first one is
    where it begins."""
    latent_dim = checkpoint.codes.latent_dim
    if len(checkpoint.codes):
        return VIEWS if latent_dim > 1 else VIEWS_OF_ONE
    if not checkpoint.card.config.model.capabilities.has_decoder:
        return VIEWS_OF_NOISE
    return VIEWS_OF_DRAWS if latent_dim > 2 else {"raw": VIEWS["raw"]}


def make_plane(checkpoint: Checkpoint, view: str, x: int, y: int, seed: int = 0) -> Plane:
    """The plane of a view: two latent dimensions (counted from 0), PCA, or through draws."""
    mean = checkpoint.codes.mean
    latent_dim = mean.shape[1]
    if view == "draws":
        return plane_through(draw_corners(latent_dim, seed))
    if not len(mean):
        through = draw_corners(latent_dim, seed)[0] if latent_dim > 2 else None
        return coordinate_plane(np.zeros((1, latent_dim)), x, y, through)
    return pca_plane(mean) if view == "pca" else coordinate_plane(mean, x, y)


def colours(checkpoint: Checkpoint) -> dict[str, str]:
    """What the points of this model may be coloured by."""
    if not len(checkpoint.codes):
        return ONE_COLOUR
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
    if not spec.checkpoint.card.config.model.capabilities.has_decoder:
        length = f"√{codes.latent_dim} = {np.sqrt(codes.latent_dim):z.2f}"
        return f"{EXACT['noise']} {length}. The server removes it step by step (DDIM)."
    if not len(codes):
        kind = spec.view if spec.view == "draws" else "drawn" if codes.latent_dim > 2 else "touched"
        return EXACT[kind]
    is_line = codes.latent_dim == 1 and spec.view == "raw"
    line = "spread" if codes.distortion is None else "one"
    sentence = EXACT[line if is_line else spec.view]
    is_slice = spec.plane is not None and spec.checkpoint.codes.latent_dim > 2
    return f"{sentence} {EXACT['slice']}" if is_slice else sentence


def plane_data(spec: MapSpec) -> dict[str, Any] | None:
    """The map's plane as `PlaneData` of browser/common/types.js; None where there is none."""
    if spec.plane is None:
        return None
    return {
        "origin": spec.plane.origin.tolist(),
        "axes": spec.plane.axes.tolist(),
        "names": _axis_names(spec),
        "home": _home(spec),
        "reach": _reach(spec),
    }


def _axis_names(spec: MapSpec) -> list[str]:
    """What the axes of a plane are called; of one latent, there is one."""
    if spec.view == "pca":
        return ["PC 1", "PC 2"]
    if spec.view == "draws":
        return ["u", "v"]
    return [f"z{subscript(j + 1)}" for j in (spec.x, spec.y)][: spec.checkpoint.codes.latent_dim]


def _home(spec: MapSpec) -> str:
    """What the plane goes through unless something else is chosen."""
    if spec.view == "pca":
        return "the mean of the codes"
    if spec.view == "draws":
        return "the three draws"
    is_drawn = spec.plane.origin.any()  # a plane of two latents among many, without points
    return "a draw of the prior" if is_drawn else "the origin"


def _reach(spec: MapSpec) -> float:
    """How far the prior is shown at least: as far as three draws lie from their middle."""
    farthest = np.sqrt(2 * spec.checkpoint.codes.latent_dim / 3) if spec.view == "draws" else 0.0
    return float(max(REACH, 1.15 * farthest))


def map_data(spec: MapSpec) -> dict[str, Any]:
    """Describes a map to the browser, as far as the spec decides it: `MapData` of types.js."""
    codes = spec.checkpoint.codes
    is_shown = spec.plane is not None and has_prior(spec.checkpoint)
    prior = spec.plane.project(np.zeros(codes.latent_dim)).tolist() if is_shown else None
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
    unit = latent_unit(has_prior(spec.checkpoint))
    if spec.view == "tsne":
        return "t-SNE 1 (no unit)", "t-SNE 2 (no unit)"
    if codes.latent_dim == 1:
        return f"z₁ ({unit})", "(no meaning)" if codes.distortion is None else "D, nats"
    names = _axis_names(spec)
    if spec.view == "pca":
        names = [f"PC {i + 1}, {spec.plane.explained[i]:.0%} of variance" for i in range(2)]
    return f"{names[0]} ({unit})", f"{names[1]} ({unit})"
