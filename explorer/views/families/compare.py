"""*Compare*: all models of a data set in one table, sorted by what the reader needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from explorer import state
from explorer.figures.families import quality_over_seconds
from explorer.glossary import row as terms
from explorer.services import families, family_table
from explorer.services.catalogue import Entry
from explorer.services.family_table import Cell, Column, Row, Scored
from explorer.views import model_picker
from explorer.views.families import scoring
from explorer.widgets import display, inputs, pictures
from explorer.widgets.text import plain, typeset
from explorer.words import words
from models.storage.card import Card

NEEDS = {
    "draw": "New images",
    "compress": "Search and compress",
    "likelihood": "Likelihood",
    "fast": "Speed",
}
EXPLAINED = {
    "draw": "How real and how varied new images are. The Fréchet distance compares images as a "
    "small classifier of this data set sees them (so it is no FID): smaller is better. Recall is "
    "the share of real images that drawn ones come close to. The distance to the training images "
    "is 1 where new images lie as far from them as unseen real ones do; near 0 they are copies. "
    "A training has collapsed if a class is never drawn, or images of a class are all alike; one "
    "that diverged counts, too. The range is the exact 95 % interval of that share; trainings that "
    "were measured before the program shipped are among them.",
    "compress": "What is kept of an image in its code: the squared error of the image rebuilt "
    "from it (white is 1), and R, what the code costs.",
    "likelihood": "An upper bound of the surprise −ln p(x) of unseen images. Only bounds under "
    "the same likelihood compare; D + R of black-and-white versions is not that of grey images.",
    "fast": "What new images cost, in seconds of one processor. Training is wall-clock time on "
    "the machine that trained the model.",
}
PAGE = 25
"""Rows of the table at a time."""
SHOWN = 8
"""Models whose images are shown."""
DRAWN = 12
"""Images of each."""
SIDE = 40


def show() -> None:
    """Shows the table, the images and the chart of one data set."""
    sets = families.data_sets()
    with st.container(horizontal=True, vertical_alignment="top"):
        names = {data: words(name) for data, name in sets.items()}
        data = inputs.select("compared-data", "Images", names, width=220)
        need = inputs.segments("need", "What do you need?", NEEDS)
    entries = families.models_of(data)
    scored = _scored(data, entries)
    rows = _page(family_table.rows(scored, need))
    _table(rows, scored, need)
    scoring.show(data, [entries[s.id] for s in scored if s.report is None and s.id in entries])
    _chart(scored)
    _samples(rows, entries)


def _scored(data: str, entries: dict[str, Entry]) -> list[Scored]:
    """All models of a data set with their reports, and the runs that diverged."""
    diverged = families.diverged_of(data)
    found = [Scored(n, e.card, families.report(e), n in diverged) for n, e in entries.items()]
    lost = [run for name, run in diverged.items() if name not in entries]
    return found + [Scored(run.id, Card(run.config, run.title), None, True) for run in lost]


def _page(rows: list[Row]) -> list[Row]:
    """The rows of one page of the table."""
    if len(rows) <= PAGE:
        return rows
    with st.container(horizontal=True, vertical_alignment="center"):
        pages = -(-len(rows) // PAGE)
        number = st.pagination(pages, key=f"page-of-rows-{pages}")
        st.caption(f"{len(rows):,} models, the best first; runs that differ in their seed are one")
    return rows[PAGE * (number - 1) : PAGE * number]


def _table(rows: Sequence[Row], scored: Sequence[Scored], need: str) -> None:
    columns = family_table.COLUMNS[need]
    lines = [[plain(row.title), str(row.count), *_texts(row.cells, columns)] for row in rows]
    floors = family_table.floors(scored, need)
    if any(math.isfinite(cell.value) for cell in floors):
        lines.append(["**real images**", "", *_texts(floors, columns)])
    heads = ["model", "seeds", *(column.title for column in columns)]
    st.table(dict(zip(heads, map(list, zip(*lines, strict=True)), strict=True)), hide_index=True)
    first = columns[0]
    st.caption(
        f"{EXPLAINED[need]} Sorted by the first score, {first.title}. ± is half a 95 % interval: "
        "over the seeds, or, of one seed, over its images. “Real images” is what training images "
        "score in the place of drawn ones: nothing can be expected to do better."
    )
    if need in ("compress", "likelihood"):
        st.html(terms("distortion", "rate", "negative_elbo", "nats"))


def _texts(cells: Sequence[Cell], columns: Sequence[Column]) -> list[str]:
    pairs = zip(cells, columns, strict=True)
    return [plain(typeset(family_table.text(cell, column.digits))) for cell, column in pairs]


def _chart(scored: Sequence[Scored]) -> None:
    """Quality against the seconds that training took."""
    columns = family_table.COLUMNS["draw"][:1]
    points = []
    for each in scored:
        cell = columns[0].cell(each)
        if math.isfinite(cell.value) and each.card.seconds > 0:
            name = each.card.title or each.id
            family = words(each.card.config.model.family)
            points.append((name, family, each.card.seconds, cell.value, cell.half))
    if points:
        floor = family_table.floors(scored, "draw")[0].value
        display.chart(quality_over_seconds(points, floor), "quality-over-seconds")


def _samples(rows: Sequence[Row], entries: dict[str, Entry]) -> None:
    """New images of all models side by side, from one seed."""
    first = ((row, next((entries[i] for i in row.ids if i in entries), None)) for row in rows)
    shown = [(row, entry) for row, entry in first if entry and families.can_draw(entry)]
    if not shown:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**New images of each, all from the same seed**")
        seed = (state.get("draw") + 1) % 1_000_000
        inputs.button("Draw again", lambda: state.put(draw=seed))
    for row, entry in shown[:SHOWN]:
        model = model_picker.open_model(entry)
        if model.problem:
            continue
        images = families.drawn(model, DRAWN, state.get("draw"))
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width=240):
                st.markdown(plain(row.title))
            sheet = pictures.sheet(images, DRAWN, SIDE, 3)
            display.picture(sheet, alt=f"New images of {row.title}")
    if len(shown) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(shown)} models.")
