"""The user's runs: a table, and what can be done with one of them."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from explorer import cache, controls, ownruns, state
from explorer.views import film
from explorer.views.watching import attempt, curves, live_jobs, scores
from models.checkpoint import Card
from models.config import RunConfig
from models.data import DATA_SETS
from models.runs import Run


def show() -> None:
    """The user's runs, and what can be done with one of them."""
    st.markdown("#### Your runs")
    _undo()
    found = cache.runs()
    if not found and live_jobs():
        st.caption("The first will be listed here.")
        return
    if not found:
        st.info("There is no run yet: press Train, and the digits take some ten seconds.")
        return
    usable, _ = cache.catalogue()
    cards = {run.id: cache.card(usable[run.id]) for run, _ in found if run.id in usable}
    rows = [_row(run, config, cards.get(run.id)) for run, config in found]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    formats = {"β": "%.4g", "D": "%.2f", "R": "%.2f", "−ELBO": "%.2f", "steps": "localized"}
    st.dataframe(
        columns,
        hide_index=True,
        height=35 * (min(len(rows), 8) + 1) + 3,
        column_config={n: st.column_config.NumberColumn(format=f) for n, f in formats.items()},
    )
    st.caption(
        "D, R and −ELBO = D + R in nats per test image, after the steps made. A run without "
        "them was cut short before its model was written, or is being trained."
    )
    _one(dict((run.id, (run, config)) for run, config in found), cards)


def _row(run: Run, config: RunConfig, card: Card | None) -> dict[str, Any]:
    """What the table says of a run."""
    family, latents = config.model.family, config.model.latent_dim
    metrics = card.metrics if card else {}
    active = metrics.get("active_units")
    return {
        "title": run.title,
        "data": config.data if config.data in DATA_SETS else "own images",
        "family": family,
        "Z": latents,
        "β": config.objective.beta if family == "vae" else None,
        "D": _mean(metrics.get("distortion")),
        "R": _mean(metrics.get("rate")),
        "−ELBO": _mean(metrics.get("negative_elbo")),
        "active": "–" if active is None else f"{active} of {latents}",
        "steps": card.steps if card else None,
        "date": _date(run.id),
    }


def _mean(score: object) -> float | None:
    match score:
        case [float(mean), float(_)]:
            return mean
    return None


def _date(run_id: str) -> str:
    """When a run began, as its id tells."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)\d\d-", run_id)
    return "{}-{}-{} {}:{}".format(*found.groups()) if found else "–"


def _one(runs: dict[str, tuple[Run, RunConfig]], cards: dict[str, Card]) -> None:
    """One run that nobody trains at the moment: its curves, map, file and end."""
    busy = {run_id for job in cache.jobs().all() if job.is_live for run_id in job.runs}
    labels = {
        name: f"{run.title} · {_date(name)}" for name, (run, _) in runs.items() if name not in busy
    }
    if not labels:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = controls.option("own", "Run", labels, next(iter(labels)), width=420)
        run, config = runs[chosen]
        if chosen in cards:
            st.link_button("Open its map", f"./?model={chosen}")
            st.download_button(
                "Download",
                run.model_path.read_bytes,
                f"{controls.file_name(run.title)}.safetensors",
                "application/octet-stream",
                on_click="ignore",
                key=f"download-{chosen}",
            )
        controls.button("Delete", lambda: attempt(lambda: _delete(run)), key=f"delete-{chosen}")
    if chosen in cards:
        st.markdown(scores(cards[chosen]))
    film.show(run, "own")
    curves(run, config, "run")


def _delete(run: Run) -> None:
    """Moves it aside, and remembers what can be undone."""
    title = run.title
    ownruns.discard(run.id)
    st.session_state.deleted = run.id, title
    if state.get("own") == run.id:
        state.put(own=None)


def _undo() -> None:
    """The way back, after a run was deleted."""
    run_id, title = st.session_state.get("deleted", ("", ""))
    if run_id in ownruns.discarded():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(controls.plain(f"The run “{title}” was deleted."))
            controls.button("Undo", lambda: attempt(lambda: ownruns.recover(run_id)))
