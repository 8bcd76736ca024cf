"""What the pages show of known factors: which latent follows which, scores over β, directions."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from explorer.services import catalogue, page_files
from explorer.services.loaded_model import LoadedModel, kept_per_model
from models.latents.directions import Direction, attribute_direction, traversal
from models.metrics.disentanglement.alignment import align_all
from models.metrics.disentanglement.preparation import standardise
from models.metrics.disentanglement.rotation import KnownCode, perfect_code, turned_scores
from models.metrics.disentanglement.scores import (
    PROBES,
    SCORES,
    FactorMatrix,
    can_be_scored,
    factor_matrix,
    scored_means,
    varying_factors,
)
from models.metrics.statistics import t_interval
from models.runs.comparison import without
from models.storage.card import Card
from models.storage.tensors import CheckpointError

NAMES = SCORES | PROBES
STEPS = 9
"""Images of a traversal."""
REACH = 2.5
"""How far a traversal goes to either side, in standard deviations of the prior."""
MAX_ROWS = 20
"""Latents that are traversed, those with the largest KL."""
MAX_SEEDS = 10
TURNED = 1000
"""Codes of a model that are turned."""
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


class SeedMatrix(NamedTuple):
    """Which latent follows which factor, over the seeds of a model.

    Attributes:
        names: Of the factors.
        mean: Share of each factor's entropy that each latent knows, (Z, K).
        half: Half the 95 % interval over the seeds; None for one seed.
        seeds: Models, of which the latents are aligned to those of the model shown.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    half: np.ndarray | None
    seeds: int


def has_factors(model: LoadedModel) -> bool:
    """Whether the factors of the model's test images are known, and enough of them vary."""
    return can_be_scored(model.codes)


def in_order(model: LoadedModel) -> tuple[np.ndarray, np.ndarray]:
    """Orders the latents by their mean KL in nats, or without one by the variance of their codes.

    Returns:
        The latents, counted from 0, most first, and that number for each of them in this order.
    """
    rate = model.codes.rate
    weight = model.codes.mean.var(0) if rate is None else rate.mean(0)
    order = np.argsort(-weight, kind="stable")[:MAX_ROWS]
    return order, weight[order]


@kept_per_model(100)
def _shares(model: LoadedModel) -> np.ndarray:
    found: FactorMatrix = factor_matrix(
        scored_means(model.codes), model.codes.factors[:, varying_factors(model.codes)]
    )
    return found.shares


def factor_names(model: LoadedModel) -> tuple[str, ...]:
    """Names the factors that vary."""
    return tuple(model.card.factor_names[k] for k in varying_factors(model.codes))


def seed_matrix(model: LoadedModel) -> SeedMatrix:
    """Measures which latent follows which factor, with an interval over the other seeds there are.

    Other seeds are runs that differ from the model in nothing else. Their latents are put in the
    order that fits this model's best before anything is averaged.
    """
    matrices = [_shares(model), *map(_shares, _other_seeds(model))]
    names = factor_names(model)
    if len(matrices) == 1:
        return SeedMatrix(names, matrices[0], None, 1)
    together = align_all(matrices)
    rows = [[t_interval(together[:, j, k].tolist()) for k in range(len(names))]
            for j in range(together.shape[1])]  # fmt: skip
    both = np.array(rows)
    return SeedMatrix(names, both[..., 0], both[..., 1], len(matrices))


def _other_seeds(model: LoadedModel) -> list[LoadedModel]:
    """The models that differ from this one in their seed alone, one for each seed."""
    found: dict[int, LoadedModel] = {}
    card = model.card
    alike = without(card.config, "seed", "threads")
    for entry in catalogue.entries():
        other = entry.card
        seed = other.config.training.seed
        if seed == card.config.training.seed or seed in found or len(found) + 1 >= MAX_SEEDS:
            continue
        if other.data_fingerprint != card.data_fingerprint or other.changes:
            continue
        if without(other.config, "seed", "threads") == alike and other.factor_names:
            try:
                found[seed] = LoadedModel(entry)
            except CheckpointError:  # the list of models says what is wrong with it
                continue
    return list(found.values())


def traversed(model: LoadedModel, code: np.ndarray) -> np.ndarray:
    """Decodes a code with one latent after the other moved, the others kept.

    Args:
        model: Any that decodes.
        code: Shape (Z,).

    Returns:
        Images (R, `STEPS`, C, H, W), a row for each latent of `in_order`.
    """
    order, _ = in_order(model)
    codes = np.concatenate([traversal(code, j, _values(model, j)) for j in order])
    images = model.decode(codes)
    return images.reshape(len(order), STEPS, *images.shape[1:])


def _values(model: LoadedModel, latent: int) -> np.ndarray:
    """Where a traversal goes: over the prior, or without one over the codes that there are."""
    if model.codes.log_variance is not None:
        return np.linspace(-REACH, REACH, STEPS)
    low, high = np.percentile(model.codes.mean[:, latent], [1, 99])
    return np.linspace(low, high, STEPS)


def to_gif(frames: Sequence[np.ndarray], milliseconds: int = 120) -> bytes:
    """Writes pictures (H, W, 3) as a film that runs forward and back.

    Example:
        >>> to_gif([np.zeros((4, 4, 3), np.uint8), np.ones((4, 4, 3), np.uint8)])[:6]
        b'GIF89a'
    """
    from PIL import Image

    there_and_back = [*frames, *frames[-2:0:-1]]
    images = [Image.fromarray(frame) for frame in there_and_back]
    buffer = io.BytesIO()
    images[0].save(
        buffer, "GIF", save_all=True, append_images=images[1:], duration=milliseconds, loop=0
    )
    return buffer.getvalue()


@st.cache_resource(show_spinner="Turning a perfect code…")
def turned_perfect() -> dict[str, list[float]]:
    """Measures every score of a perfect code at every angle of `ANGLES`."""
    return turned_scores(perfect_code())


@kept_per_model(30, "Turning the model’s codes…")
def turned(model: LoadedModel, first: int, second: int) -> dict[str, list[float]]:
    """Measures every score of a model's first codes as they turn in the plane of two latents."""
    codes, kept = model.codes, slice(TURNED)
    known = KnownCode(
        standardise(scored_means(codes)[kept]),
        codes.factors[kept][:, varying_factors(codes)],
        None if codes.labels is None else codes.labels[kept],
    )
    return turned_scores(known, first, second)


@kept_per_model(200)
def direction(
    model: LoadedModel, plus: int, minus: int, view: str = "raw", x: int = 0, y: int = 1
) -> Direction:
    """Computes the direction from one class to another, its angle in the plane of a map.

    Args:
        model: With labels.
        plus: The class it points to.
        minus: The class it comes from.
        view: "pca", or the plane of the latents x and y, counted from 0.
    """
    codes = model.codes
    axes = None if codes.latent_dim < 2 else page_files.plane(model, view, x, y).axes
    return attribute_direction(codes.mean, codes.labels, plus, minus, axes)


def moved(model: LoadedModel, code: np.ndarray, found: Direction, strength: float) -> np.ndarray:
    """Decodes a code moved along a direction: at `STRENGTHS`, and last at the strength given."""
    steps = np.array([*STRENGTHS, strength])
    return model.decode(code + steps[:, None] * found.vector)


def sweep_scores(cards: Mapping[str, Card], name: str) -> dict[float, dict[int, float]]:
    """Lists a score by β and seed, for runs that differ in these alone and are scored.

    Of several such series it is the largest; β that lack a seed of the others are left out.

    Args:
        cards: Of runs.
        name: Of a score, of `NAMES`.
    """
    series: dict[str, dict[float, dict[int, float]]] = {}
    for card in cards.values():
        value = card.metrics.get(name)
        if card.changes or not isinstance(value, float | int):
            continue
        alike = repr(without(card.config, "beta", "seed", "threads"))
        rows = series.setdefault(alike, {}).setdefault(card.config.objective.beta, {})
        rows.setdefault(card.config.training.seed, float(value))
    if not series:
        return {}
    most = max(series.values(), key=lambda found: sum(map(len, found.values())))
    seeds = max((frozenset(row) for row in most.values()), key=len)
    return {
        beta: {seed: most[beta][seed] for seed in sorted(seeds)}
        for beta in sorted(most)
        if seeds <= most[beta].keys()
    }


def rank_correlations(cards: Mapping[str, Card]) -> tuple[list[str], np.ndarray]:
    """Measures how alike the scores order the runs of a sweep: Spearman's rank correlation.

    A score that does not vary has none with any other: NaN.

    Returns:
        The scores' names, and the matrix, (M, M); both empty with fewer than three runs.
    """
    tables = {name: sweep_scores(cards, name) for name in SCORES}
    rows = {
        name: [value for row in table.values() for value in row.values()]
        for name, table in tables.items()
    }
    length = max(map(len, rows.values()), default=0)
    if length < 3:
        return [], np.empty((0, 0))
    kept = {name: row for name, row in rows.items() if len(row) == length}
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(row) for row in kept.values()])
    varying = ranks.std(1) > 0
    matrix = np.full((len(kept), len(kept)), np.nan)
    matrix[np.ix_(varying, varying)] = np.corrcoef(ranks[varying])
    return [NAMES[name] for name in kept], matrix
