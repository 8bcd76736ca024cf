"""What became of training runs: collapsed, done, or ended early; each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from explorer.jobs.job import Job
from explorer.services import (
    catalogue,
    collapse_prediction,
    job_queue,
    permissions,
    training_runs,
)
from explorer.views import model_picker
from explorer.views.train.attempts import attempt
from explorer.widgets import inputs
from explorer.widgets.text import plain, score, typeset
from explorer.words import score_words
from models.config import RunConfig
from models.metrics.names import SCORE_NAMES
from models.runs.folder import Run
from models.runs.verdict import verdict
from models.storage.card import Card

COLLAPSED_NATS = 0.05
"""Below this rate, over all latents, the codes tell practically nothing."""
NEWBORN_EPOCHS = 10
"""So many epochs a run may take before its codes tell anything."""
LAST_EPOCHS = 5
"""All of these must have so small a rate."""


def collapse(run: Run, config: RunConfig) -> None:
    """Says so where a VAE of one β has collapsed, and why a smaller β does not undo it at once."""
    if config.model.capabilities.betas != "one":
        return
    course = training_runs.course(run)
    if course is None or len(course.epochs) <= NEWBORN_EPOCHS:
        return
    rates = course.test["rate"][-LAST_EPOCHS:]
    if rates.max() < COLLAPSED_NATS:
        sentence = (
            f"Collapsed: R is {rates[-1]:z.2f} nats, so every image has the same code, the prior. "
            f"{_threshold(config)}"
            "A smaller β does not free it at once: the decoder ignores z, so almost nothing tells "
            "the encoder to use it. Start again with a smaller β, or with a KL warm-up."
        )
        st.warning(plain(typeset(sentence)))


def _threshold(config: RunConfig) -> str:
    """Where collapse was predicted, if that is known."""
    found = collapse_prediction.threshold(config)
    return "" if found is None else f"It is predicted above β = {found.beta:.3g}. "


def ended(job: Job) -> None:
    """One that ended early: how, and the way to go on."""
    label = "Continue" if job.state == "paused" else "Resume"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(f"{job.title} {job.ending}."))
        if job.can_resume and permissions.may_change(job.owner):
            inputs.button(
                label, lambda: attempt(lambda: job_queue.resume(job.id)), key=f"resume-{job.id}"
            )


def finished(job: Job) -> None:
    """One that is done: its scores and the way to its map."""
    entry = catalogue.all_models().get(job.runs[0])
    if entry is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            card = entry.card
            if found := verdict(card):
                st.warning(f"{plain(job.title)} is done, but {plain(found)}. {scores(card)}")
            else:
                st.success(f"{plain(job.title)} is done. {scores(card)}")
            model_picker.show_way(entry)


def scores(card: Card) -> str:
    """Scores on the test set with their standard errors."""
    found = card.metrics
    if "distortion" not in found:
        return _other_scores(found)
    text = f"D {score(found.get('distortion'))}"
    if "rate" in found:
        text += f" + R {score(found['rate'])}"
        text += f" = −ELBO {score(found.get('negative_elbo'))}"
    return f"{text} nats per test image"


def _other_scores(metrics: Mapping[str, Any]) -> str:
    """Scores of a model without D, each with its unit."""
    parts = []
    for name in (name for name in SCORE_NAMES if name in metrics):
        title, unit = score_words(name)
        value = metrics[name]
        amount = score(value) if isinstance(value, list) else typeset(f"{value:z.2f}")
        parts.append(f"{title} {amount} {unit.replace('per image', 'per test image')}".rstrip())
    return ", ".join(parts)
