"""Before and after each remedy: scores, reconstructions, and the KL over the training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.figures.training import kl_and_weight
from explorer.glossary import row as terms
from explorer.services import analysis, remedy_runs, run_folders
from explorer.services.loaded_model import LoadedModel
from explorer.services.remedy_runs import KlHistory, RemedyRun
from explorer.views import model_picker
from explorer.widgets import display, pictures
from explorer.widgets.text import file_name, score
from models.training.remedies import NO_REMEDY

IN_A_ROW = 10


def show(model: LoadedModel, runs: Sequence[RemedyRun]) -> None:
    """Shows table, conclusion, reconstructions and KL of the model and its remedies."""
    finished = [(run, model_picker.open_model(run.entry)) for run in runs if run.entry]
    remedied = [(run, after) for run, after in finished if run.remedy.name != NO_REMEDY]
    _table(model, runs)
    _conclusion(remedied)
    _reconstructions(model, remedied)
    _kl_histories(runs)


def _table(model: LoadedModel, runs: Sequence[RemedyRun]) -> None:
    """Before and after, a row for each."""
    rows = [_row("before", "", model, model)]
    for run in runs:
        name, change = run.remedy.name, run.remedy.change
        if name == NO_REMEDY:
            continue
        if run.entry:
            rows.append(_row(name, change, model_picker.open_model(run.entry), model))
        else:
            rows.append([f"**{name}**", change, *["–"] * 5, _state(run)])
    header = ["model", "what is changed", "D", "R", "−ELBO", "active", "I(x; z)", "verdict"]
    st.table(dict(zip(header, zip(*rows, strict=True), strict=True)), hide_index=True)
    st.html(terms("distortion", "rate", "negative_elbo", "active", "information", "kl_weight"))
    if any("†" in row[2] for row in rows):
        st.caption(
            "† Another likelihood: its D is in other units, for grey levels under a Gaussian have "
            "a density, which may exceed 1. Compare R, active latents and I(x; z)."
        )


def _row(name: str, change: str, shown: LoadedModel, before: LoadedModel) -> list[str]:
    """The test-set scores of one model."""
    scores, diagnosis = shown.card.metrics, analysis.diagnosis(shown)
    other = shown.card.config.model.likelihood != before.card.config.model.likelihood
    mark = "\N{NO-BREAK SPACE}†" if other else ""
    active = diagnosis.collapsed.count(False)
    return [
        f"**{name}**",
        change,
        score(scores.get("distortion")) + mark,
        score(scores.get("rate")),
        score(scores.get("negative_elbo")) + mark,
        f"{active} of {len(diagnosis.collapsed)}",
        score(diagnosis.mutual_information),
        diagnosis.verdict,
    ]


def _state(run: RemedyRun) -> str:
    """Where a remedy without a model stands."""
    job = run.job
    if job is None:
        return "started" if run.run else "not trained yet"
    if job.state == "queued":
        return "waiting"
    return f"{job.share:.0%} trained" if job.is_live else job.state


def _conclusion(remedied: Sequence[tuple[RemedyRun, LoadedModel]]) -> None:
    """What was measured, in one sentence."""
    if not remedied:
        return
    verdicts = {run.remedy.name: analysis.diagnosis(model).verdict for run, model in remedied}
    groups = [
        f"**{verdict}:** {', '.join(name for name in verdicts if verdicts[name] == verdict)}"
        for verdict in sorted(set(verdicts.values()), key=list(verdicts.values()).index)
    ]
    st.markdown(f"Measured after the last step — {'; '.join(groups)}.")


def _reconstructions(model: LoadedModel, remedied: Sequence[tuple[RemedyRun, LoadedModel]]) -> None:
    """The same test images through every model, decoded from the means of their codes."""
    st.markdown("**The same test images: the decoded means of each model**")
    images, row = model.test_images, _one_of_each(model)
    shown = [("before", model.decode(model.codes.mean[row]))]
    if images is not None:
        shown.insert(0, ("originals", images.images[row]))
    shown += [(t.remedy.name, m.decode(m.codes.mean[row])) for t, m in remedied]
    with st.container(gap="xxsmall"):
        for name, pixels in shown:
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container(width=110):
                    st.markdown(name)
                sheet = pictures.sheet(pixels, len(row), 48, 2)
                display.picture(sheet, alt=f"Decoded means of the test images: {name}")


def _one_of_each(model: LoadedModel) -> np.ndarray:
    """The first test image of every class, at most `IN_A_ROW`; without classes the first ones."""
    labels = model.codes.labels
    firsts = np.arange(len(model.codes)) if labels is None else np.unique(labels, True)[1]
    return firsts[:IN_A_ROW]


def _kl_histories(runs: Sequence[RemedyRun]) -> None:
    """KL of every latent over the steps, small and side by side."""
    begun = [run for run in runs if run.status and run.status.total_steps]
    films = [(run, remedy_runs.kl_history(run.run)) for run in begun]
    films = [(run, film) for run, film in films if film is not None]
    if not films:
        return
    st.markdown("**KL during training, one line per latent; below it, the KL weight**")
    weights = [
        run_folders.kl_weights(run.remedy.config, run.status.total_steps) for run, _ in films
    ]
    highest = max(film.kl.max() for _, film in films), max(w.max() for _, w in weights)
    with st.container(horizontal=True, gap="small"):
        for (run, film), weight in zip(films, weights, strict=True):
            with st.container(width=300, gap="xxsmall"):
                st.markdown(f"**{run.remedy.name}**")
                st.caption(_plot(film))
                figure = kl_and_weight(*film, *weight, highest)
                display.chart(figure, f"film-{file_name(run.remedy.name)}")


def _plot(film: KlHistory) -> str:
    """Sums up what R did over the steps."""
    rate = film.kl.sum(1)
    top = int(rate.argmax())
    return f"R at most {rate[top]:z.2f} (step {film.steps[top]:,}), in the end {rate[-1]:z.2f} nats"
