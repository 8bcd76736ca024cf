"""Scores of disentanglement against β: a sweep with seeds, what it says, and how scores agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from explorer.figures import factors as figures
from explorer.figures.lessons import Bar, by_number
from explorer.services import factors
from explorer.services.rate_distortion import Group
from explorer.widgets import display, inputs
from explorer.widgets.text import typeset
from models.metrics.disentanglement.effect import beta_effect
from models.metrics.statistics import t_interval
from models.storage.card import Card


def show(group: Group) -> None:
    """Shows the scores of runs of images whose factors are known; closed, it costs nothing."""
    if not any("mig" in card.metrics for card in group.cards.values()):
        return
    title = "Disentanglement against β"
    with st.expander(title, key="disentanglement", on_change="rerun") as expander:
        if expander.open:
            _show(group.cards)


def _show(cards: Mapping[str, Card]) -> None:
    """One score by β, the verdict, and the correlation of all scores."""
    name = inputs.select("score", "Score", factors.NAMES, width=230)
    found = factors.sweep_scores(cards, name)
    if not found:
        st.caption("No run here has this score.")
        return
    rows = {}
    for beta, row in found.items():
        values = list(row.values())
        rows[beta] = Bar(*t_interval(values), values)
    title = f"{factors.NAMES[name]} (0 to 1)"
    display.chart(by_number(rows, title, "β", True, None), "score-by-beta")
    _verdict(found, factors.NAMES[name])
    seeds = len(next(iter(found.values())))
    bars = "Bars are 95 % intervals over the seeds." if seeds > 1 else "One seed: no interval."
    st.caption(f"{len(found)} β with {seeds} seeds each; points are runs. {bars}")
    _correlations(cards)


def _verdict(found: Mapping[float, Mapping[int, float]], name: str) -> None:
    """Whether another β helps, or how to find out."""
    if len(found) < 2:
        st.markdown("To see what β does, train a sweep of several β with several seeds:")
        st.code(
            "python -m models sweep --preset sprites-10d --betas 0.5,1,2,4,8,12 --seeds 5",
            language=None,
        )
        return
    effect = beta_effect({beta: list(row.values()) for beta, row in found.items()})
    st.markdown(typeset(effect.sentence(name)))


def _correlations(cards: Mapping[str, Card]) -> None:
    """How alike the scores order the runs."""
    names, matrix = factors.rank_correlations(cards)
    if not names:
        return
    st.markdown("**Do the scores agree?**")
    display.chart(
        figures.matrix(matrix, names, names, limits=(-1.0, 1.0), row_pixels=30), "score-ranks"
    )
    least = _least(names, matrix)
    st.caption(
        "Spearman’s rank correlation over all runs of the sweep: 1 if two scores put the runs in "
        f"the same order, −1 if in the opposite one. {typeset(least)}"
    )


def _least(names: list[str], matrix: np.ndarray) -> str:
    """The two scores that agree least."""
    known = np.where(np.isfinite(matrix), matrix, 2.0)
    i, j = np.unravel_index(known.argmin(), known.shape)
    if known[i, j] > 1:
        return ""
    return f"{names[i]} and {names[j]} agree least: {known[i, j]:z.2f}."
