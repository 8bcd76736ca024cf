"""The user's runs: a table, and what can be done with one of them."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from explorer import state
from explorer.glossary import row as terms
from explorer.jobs.job import JobError
from explorer.services import (
    catalogue,
    data_sets,
    job_queue,
    permissions,
    run_folders,
    run_library,
)
from explorer.views import model_picker
from explorer.views.compare import page
from explorer.views.train import snapshots, trash
from explorer.views.train.active_jobs import curves, last_watched, live_jobs
from explorer.views.train.attempts import attempt
from explorer.views.train.outcomes import scores
from explorer.widgets import inputs, upload
from explorer.widgets.text import file_name, plain
from explorer.words import words
from models.config import RunConfig
from models.data.builtin import is_built_in
from models.runs.folder import Run
from models.runs.index import IndexedRun
from models.runs.label import MAX_NOTE
from models.storage.card import Card
from models.storage.tensors import CheckpointError
from models.text import clean_name

PAGE = 25
"""Runs on a page of the table, which are also those to choose from."""
PINNED = "pinned"
MAX_TITLE = 80
STUDENT = (
    "Yours is what was made in this browser. What others made you can look at and copy; only they "
    "and the teacher can change it."
)
TEACHER = "You are the teacher: you can change everything here."


def show() -> None:
    """The user's runs, what can be done with one of them, and several side by side."""
    st.markdown("## Runs of the class" if permissions.is_class() else "## Your runs")
    if permissions.is_class():
        st.caption(TEACHER if permissions.is_teacher() else STUDENT)
    trash.show()
    trash.show_room()
    found = run_folders.in_order()
    shown = _page(found)
    usable = catalogue.all_models()
    cards = {each.id: usable[each.id].card for each in shown if each.id in usable}
    if shown:
        _table(shown, cards)
        _one(shown)
    elif found:
        st.caption("No title, note or data set of a run has these words.")
    elif live_jobs():
        st.caption("The first will be listed here.")
    else:
        st.info("There are no runs yet: press Train; the digits take about ten seconds.")
    if not permissions.obstacle():
        _upload()
    page.show(shown)


def _page(found: list[IndexedRun]) -> list[IndexedRun]:
    """The runs of one page of the table, which can be searched if there are several pages."""
    if len(found) <= PAGE:
        return found
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find", key="find-runs", width=330, placeholder="Words of title, note or data set"
        )
        wanted = words.casefold().split()
        matching = [each for each in found if _matches(each, wanted)] if wanted else found
        pages = max(1, -(-len(matching) // PAGE))
        number = st.pagination(pages, key=f"page-of-runs-{pages}")
        st.caption(f"{len(matching):,} of {len(found):,} runs, pinned and new ones first")
    return matching[PAGE * (number - 1) : PAGE * number]


def _matches(run: IndexedRun, words: list[str]) -> bool:
    """Whether every word is in what the table says of a run."""
    text = f"{run.title} {run.label.note} {_data(run.config, run.card)}".casefold()
    return all(word in text for word in words)


def _table(shown: list[IndexedRun], cards: dict[str, Card]) -> None:
    """The runs of a page."""
    rows = [_row(each, cards.get(each.id)) for each in shown]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    formats = {"β": "%.4g", "D": "%.2f", "R": "%.2f", "−ELBO": "%.2f", "steps": "localized"}
    st.dataframe(
        columns,
        hide_index=True,
        placeholder="–",
        height=35 * (min(len(rows), 8) + 1) + 3,
        column_order=[PINNED, *(name for name in columns if name != PINNED)],
        column_config={n: st.column_config.NumberColumn(format=f) for n, f in formats.items()},
    )
    st.html(terms("distortion", "rate", "negative_elbo", "beta", "active", "steps", "nats"))
    st.caption(
        "D, R and −ELBO = D + R in nats per test image, after the steps made. A run without "
        "them was cut short before its model was written, or is being trained."
    )


def _row(run: IndexedRun, card: Card | None) -> dict[str, Any]:
    """What the table says of a run."""
    config = run.config
    family, latents = config.model.family, config.model.latent_dim
    capabilities = config.model.capabilities
    has_beta = capabilities.betas == "one"
    metrics, label = card.metrics if card else {}, run.label
    active = metrics.get("active_units")
    return {
        "title": run.title,
        **({"whose": permissions.whose(run.owner)} if permissions.is_class() else {}),
        "data": _data(config, card),
        "family": words(family),
        "latents": latents if capabilities.has_decoder else None,
        "β": (card.config if card else config).objective.beta if has_beta else None,
        "D": _mean(metrics.get("distortion")),
        "R": _mean(metrics.get("rate")),
        "−ELBO": _mean(metrics.get("negative_elbo")),
        "active": "–" if active is None else f"{active} of {latents}",
        "steps": card.steps if card else None,
        "date": _date(run.id),
        "note": label.note.replace("\n", " · "),
        PINNED: "★" if label.pinned else "",
    }


def _data(config: RunConfig, card: Card | None) -> str:
    """What the data set of a run is called."""
    if is_built_in(config.data):
        return words(config.data)
    facts = data_sets.custom_sets().get(config.data)
    return facts.title if facts else (words(card.data_name) if card else "") or "own images"


def _mean(score: object) -> float | None:
    match score:
        case [float(mean), float(_)]:
            return mean
    return None


def _date(run_id: str) -> str:
    """When a run began, as its id tells."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\d\d-", run_id)
    return "{}-{}-{} {}:{}".format(*found.groups()) if found else "–"


def _one(shown: list[IndexedRun]) -> None:
    """Shows one run that is not being trained: its curves, map and file, and how to delete it."""
    busy = {run_id for job in job_queue.jobs().all() if job.is_live for run_id in job.runs}
    offered = {each.id: each for each in shown if each.id not in busy}
    chosen = run_folders.indexed(state.get("own") or "")
    if chosen is not None and chosen.config is not None and chosen.id not in busy:
        offered.setdefault(chosen.id, chosen)
    if not offered:
        return
    labels = {name: f"{each.title} · {_date(name)}" for name, each in offered.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = inputs.option("own", "Run", labels, next(iter(labels)), width=420)
        run, config, title = offered[chosen].run, offered[chosen].config, offered[chosen].title
        model = catalogue.all_models().get(chosen)
        if model is not None:
            model_picker.show_way(model)
            st.download_button(
                "Download",
                lambda: run_library.model_bytes(run),
                f"{file_name(title)}.safetensors",
                "application/octet-stream",
                on_click="ignore",
                key=f"download-{chosen}",
            )
        is_ours = permissions.may_change(offered[chosen].owner)
        if is_ours:
            inputs.button(
                "Delete", lambda: attempt(lambda: trash.delete(run)), key=f"delete-{chosen}"
            )
    if is_ours:
        _label(run)
    elif note := offered[chosen].label.note:
        st.markdown(plain(note))
    if model is not None:
        st.markdown(scores(model.card))
    if model is not None and not run.state_path.exists():
        st.caption("It was uploaded: a model file holds neither a film nor curves.")
        return
    if run == last_watched():
        st.caption("Its film is shown above.")
    else:
        snapshots.show(run, "own")
    curves(run, config, "run")


def _label(run: Run) -> None:
    """Title, note and pin of a run, to be changed."""
    label = run_folders.label(run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Title of the run", width=420, max_chars=MAX_TITLE, placeholder=run.first_title,
            help="Empty restores the original title.", **_field(run, "title", label.title),
        )  # fmt: skip
        st.checkbox("Pinned", help="Pinned runs come first.", **_field(run, "pinned", label.pinned))
    st.text_area(
        "Note", height=80, max_chars=MAX_NOTE, placeholder="What was tried, and what happened",
        **_field(run, "note", label.note),
    )  # fmt: skip


def _field(run: Run, name: str, value: Any) -> dict[str, Any]:
    """Value, key and callback of a widget that shows a field of a label and writes it."""
    key = f"label-{name}-{run.id}"

    def write() -> None:
        state.put(own=run.id)  # it stays the one that is shown, wherever it comes in the list
        attempt(lambda: run_library.relabel(run.id, **{name: st.session_state.get(key, value)}))

    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return {"value": value, "key": key, "on_change": write}


def _upload() -> None:
    """Adds uploaded model files as runs; what became of each is shown once."""
    with st.expander("Add a model file"):
        label = (
            f"A .safetensors file written by this program, at most "
            f"{run_library.MAX_UPLOAD >> 20} MiB"
        )
        if given := upload.ask(label, "model-file", ["safetensors"]):
            with st.spinner("Checking the file…"):
                st.session_state.model_files_said = [_take_in(data, name) for name, data in given]
            st.rerun()
    for said, problem in st.session_state.pop("model_files_said", []):
        if said:
            st.success(plain(said))
        else:
            st.error(plain(problem))


def _take_in(data: bytes, name: str) -> tuple[str, str]:
    """What was added, or why it was not."""
    try:
        run = run_library.take_in(data, name)
    except CheckpointError as error:
        return "", f"“{clean_name(name)}” was not added: {error}."
    except JobError as error:
        return "", str(error)
    state.put(own=run.id)
    return f"“{run.title}” was added to your runs.", ""
