"""Some runs side by side: settings, scores, curves, and the way to them in the trade-off."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import plotly.graph_objects as go
import streamlit as st

from explorer import state
from explorer.figures.training import compared_curves
from explorer.glossary import row
from explorer.services import (
    catalogue,
    comparison,
    page_files,
    rate_distortion,
    run_folders,
    training_runs,
)
from explorer.services.comparison import Row
from explorer.views import model_picker
from explorer.widgets import display, inputs, links
from explorer.widgets.text import plain
from explorer.words import GREY, score_words, words
from models.config import RunConfig
from models.data.builtin import is_built_in
from models.metrics.names import with_elbo
from models.runs.folder import Run
from models.runs.index import IndexedRun
from models.storage.checkpoint import Checkpoint

CURVE_WIDTH = 370
"""Width of a chart in pixels; as many as fit stand side by side."""


def show(found: list[IndexedRun]) -> None:
    """The choice, and what is to be seen of the runs chosen.

    Args:
        found: The user's runs, in the order in which they are offered; shipped models follow.
    """
    usable = catalogue.all_models()
    st.markdown("## Compare runs")
    already = [run_folders.indexed(name) for name in state.get("runs") or ()]
    known = {each.id: each for each in (*found, *filter(None, already)) if each.config}
    labels = {name: each.title for name, each in known.items()}
    labels |= {name: f"{e.card.title} (shipped)" for name, e in usable.items() if e.shipped}
    chosen = inputs.several(
        "runs", "Runs", labels, state.MAX_RUNS,
        placeholder="Choose two or more; shipped models too",
        help="The others are compared with the first one chosen.",
    )  # fmt: skip
    if len(chosen) < 2:
        st.caption("Choose two or more runs to see settings, scores and curves side by side.")
        return
    titles = inputs.distinct({name: labels[name] for name in chosen})
    models = {
        n: model_picker.open_model(usable[n]).checkpoint if n in usable else None for n in chosen
    }
    configs = [known[n].config if n in known else models[n].card.config for n in chosen]
    _settings(list(titles.values()), configs, list(models.values()))
    _trade_off(models)
    _curves({titles[n]: known[n].run for n in chosen if n in known}, len(chosen))


def _settings(titles: list[str], configs: list[RunConfig], models: list[Checkpoint | None]) -> None:
    """The table, and what can be had of it."""
    data = [_data(*pair) for pair in zip(configs, models, strict=True)]
    settings = comparison.settings(configs, data)
    scores = comparison.scores([model and model.card for model in models])
    paired = comparison.differences(models)
    differing = [row for row in settings if row.differs]
    with st.container(horizontal=True, vertical_alignment="center"):
        is_whole = st.toggle("All settings", key="compare-all")
        st.download_button(
            "Save as CSV",
            lambda: comparison.to_csv(titles, [*settings, *scores, *paired]),
            "runs.csv", "text/csv", on_click="ignore", key="compare-csv",
        )  # fmt: skip
    rows = [*(settings if is_whole else differing), *scores]
    lines = [_line(row) for row in rows] + [_line(row, is_difference=True) for row in paired]
    heads = ["setting or score", *map(plain, titles)]
    columns = dict(zip(heads, map(list, zip(*lines, strict=True)), strict=True))
    st.table(columns, hide_index=True)
    st.html(row("distortion", "rate", "negative_elbo", "error", "active", "nats"))
    st.caption(_explained(differing, paired, models))


def _data(config: RunConfig, model: Checkpoint | None) -> str:
    """The data set's name; of own images without a model only that they are own."""
    if is_built_in(config.data):
        return words(config.data)
    return words(model.card.data_name) if model else "own images"


def _line(row: Row, is_difference: bool = False) -> list[str]:
    """A row as Markdown; a sign and a colour mark where runs differ, and from the first."""
    name = plain(row.name)
    cells = [plain(comparison.text(cell, is_difference)) for cell in row.cells]
    if not row.differs:
        return [name, *cells]
    marked = [
        text if cell == row.cells[0] else f":blue-background[**{text}**]"
        for cell, text in zip(row.cells, cells, strict=True)
    ]
    return [f"**≠ {name}**", *marked]


def _explained(differing: list[Row], paired: list[Row], models: list[Checkpoint | None]) -> str:
    """How the table is to be read, and what cannot be compared."""
    text = (
        "≠ marks settings that differ; bold on blue differs from the first run. "
        if differing
        else "All settings are the same. "
    )
    text += "Scores in nats per test image, ± one standard error over the images. "
    if paired:
        text += (
            "Differences are paired: taken image by image, and their error is that of the mean "
            "difference. "
        )
    groups = {rate_distortion.group_of(model.card) for model in models if model is not None}
    if len(groups) > 1:
        text += (
            "Not all of these were scored on the same test images under the same likelihood: "
            "their D and −ELBO cannot be compared, and no difference is given. "
        )
    found = [model.card.config.model for model in models if model is not None]
    if any(config.likelihood_properties.is_binary for config in found):
        text += GREY
    return text


def _trade_off(models: dict[str, Checkpoint | None]) -> None:
    """The link to the plane with these runs marked."""
    in_plane = [
        name for name, model in models.items() if model and rate_distortion.has_rate(model.card)
    ]
    if in_plane:
        link = f"./trade-off?runs={quote(','.join(in_plane))}"
        links.to("Mark them in the plane", link)
    else:
        st.caption("None of them is a VAE with one β and scores, so no plane shows them.")


def _curves(runs: dict[str, Run], count: int) -> None:
    """D, R and −ELBO on the test set over the epochs, all runs in one chart for each."""
    key = tuple((title, _changed(run)) for title, run in runs.items())
    shown = page_files.built_once(("compared", *key), lambda: _figures(runs))
    with st.container(horizontal=True, gap="small"):
        for name, figure in shown.items():
            with st.container(width=CURVE_WIDTH):
                display.chart(figure, f"compared-{name}")
    without = count - len({trace.name for figure in shown.values() for trace in figure.data})
    if without:
        st.caption(f"Not in the charts, as they have no history: {without} of {count}.")


def _changed(run: Run) -> tuple[str, int, int]:
    """What decides the curve of a run."""
    with contextlib.suppress(OSError):
        status = (run.folder / "metrics.jsonl").stat()
        return run.id, status.st_mtime_ns, status.st_size
    return run.id, 0, 0


def _figures(runs: dict[str, Run]) -> dict[str, go.Figure]:
    """The charts by the names of their scores, each with the runs that have it."""
    curves: dict[str, list] = {"distortion": [], "rate": [], "negative_elbo": []}
    for title, run in runs.items():
        course = training_runs.course(run)
        if course is None:
            continue
        has_rate = run.config().model.capabilities.has_rate
        for name, values in with_elbo(course.test, has_rate).items():
            curves.setdefault(name, []).append((title, course.epochs, values))
    words_of = {name: score_words(name) for name in curves}
    return {
        words_of[name][0].lstrip("−"): compared_curves(words_of[name][0], found, words_of[name][1])
        for name, found in curves.items()
        if found
    }
