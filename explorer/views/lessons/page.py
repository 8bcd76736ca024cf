"""Lessons: predict, run, see the verdict."""

from __future__ import annotations

import streamlit as st

from explorer import page_queue, state
from explorer.services import warm_up
from explorer.views.lessons import check, controls, doctor, hand_in, lesson, ten_minutes
from explorer.widgets import inputs
from models.lessons.table import CHAPTERS, LESSONS, asked

COLUMNS = 2


def show() -> None:
    """Shows the whole screen."""
    state.load()
    _lessons()
    warm_up.start()


@page_queue.fragment
def _lessons() -> None:
    """Shows all lessons, or the chosen one; it is run again by itself."""
    controls.hide_if_asked()
    chosen = state.get("lesson")
    if chosen:
        _bar(chosen)
    if chosen == state.CHECK:
        check.show()
    elif chosen == state.DOCTOR:
        doctor.stand_alone()
    elif chosen == state.TEN_MINUTES:
        ten_minutes.show()
    elif chosen:
        lesson.show(LESSONS[chosen])
    else:
        _overview()
    state.publish()


def _bar(chosen: str) -> None:
    """The way back, to the next lesson, and to any."""
    order = [*LESSONS, state.CHECK]
    labels = {"": "All lessons"} | {id: each.question for id, each in LESSONS.items()}
    labels |= {
        state.CHECK: "Knowledge check",
        state.DOCTOR: "Loss doctor",
        state.TEN_MINUTES: ten_minutes.TITLE,
    }
    with controls.row("bar"):
        inputs.select("lesson", "Lesson", labels, width=420)
        inputs.button("All lessons", lambda: state.put(lesson=""))
        if chosen in order[:-1]:
            after = order[order.index(chosen) + 1]
            inputs.button("Next", lambda: state.put(lesson=after))


def _overview() -> None:
    """Every lesson by its question, chapter by chapter; the tools; and what people ask."""
    st.markdown(
        "Each lesson is a question. Predict the answer, see the measurement, and read a verdict "
        "that follows from the numbers."
    )
    predicted = {each.lesson for each in state.get("predicted") or ()}
    columns = st.columns(COLUMNS, gap="large")
    for place, (chapter, ids) in enumerate(CHAPTERS.items()):
        lines = {
            f"open-{id}": (f"{LESSONS[id].question}{' ✓' if id in predicted else ''}", id)
            for id in ids
        }
        with columns[place % COLUMNS]:
            _list(chapter, lines)
    left, right = st.columns(COLUMNS, gap="large")
    with left:
        _list(
            "Tools",
            {
                "open-doctor": ("Loss doctor: which β is my loss?", state.DOCTOR),
                "open-check": ("Knowledge check: ten questions", state.CHECK),
                "open-ten-minutes": (f"{ten_minutes.TITLE}: eight stops", state.TEN_MINUTES),
            },
        )
        hand_in.show()
    with right:
        lines = {f"ask-{question}": (question, ids[0]) for question, ids in asked().items()}
        _list("Questions people ask", lines)


def _list(title: str, lines: dict[str, tuple[str, str]]) -> None:
    """Lines that each open a lesson or a tool: what they say, and its id, by their keys."""
    st.markdown(f"## {title}")
    with st.container(gap=None):
        for key, (label, id) in lines.items():
            inputs.button(label, lambda id=id: state.put(lesson=id), type="tertiary", key=key)
