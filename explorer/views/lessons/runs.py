"""The experiment of a lesson: what shipped, or what other seeds give, with progress and cancel."""

from __future__ import annotations

import streamlit as st

from explorer import page_queue, state
from explorer.services import lessons
from explorer.views import looking
from explorer.views.lessons import charts, controls
from explorer.widgets import inputs
from explorer.widgets.text import plain
from models.lessons.experiments import SHIPPED_SEEDS
from models.lessons.lesson import Lesson
from models.lessons.measurement import Measurement

TICK_SECONDS = 1.0


def show(lesson: Lesson) -> Measurement | None:
    """Shows the measurement and the way to another; None if there is none."""
    first = state.get("first-seed")
    found = lessons.measured(lesson.experiment, first)
    if found is None and first is not None:
        found = lessons.measured(lesson.experiment, None)
        _missing(lesson, first)
    if found is None:
        st.warning("The result of this experiment is not among the files of this installation.")
    else:
        _draw(lesson, found)
    if not controls.are_hidden():
        _again(lesson, first)
    return found


def _draw(lesson: Lesson, found: Measurement) -> None:
    """Charts side by side, and what they rest on."""
    columns = st.columns(len(lesson.charts), gap="medium")
    for column, wanted in zip(columns, lesson.charts, strict=True):
        with column:
            charts.chart(found, wanted, f"{lesson.id}-{wanted.quantity}")
    seconds = f", {found.seconds:z.0f} s of one processor" if found.seconds else ""
    st.caption(
        f"Diamonds: means with 95 % intervals over {found.count} {found.counted}{seconds}. "
        f"Made by `{found.command}`. {lesson.repeats}"
    )


def _missing(lesson: Lesson, first: int) -> None:
    """Why the result of these seeds is not shown."""
    seeds = ", ".join(map(str, lessons.seeds_from(first)))
    progress = lessons.progress(lesson.experiment, first)
    if progress is not None and progress.is_running:
        st.caption(f"Until seeds {seeds} are done, this is what shipped.")
    elif progress is not None and progress.problem:
        st.error(plain(f"Seeds {seeds} could not be measured: {progress.problem}."))
    else:
        st.info(f"Seeds {seeds} have not been measured here. This is what shipped.")


def _again(lesson: Lesson, first: int | None) -> None:
    """Runs it with other seeds, or follows that."""
    progress = None if first is None else lessons.progress(lesson.experiment, first)
    if progress is not None and progress.is_running:
        page_queue.fragment(_follow, run_every=TICK_SECONDS)(lesson.experiment, first)
        return
    following = (SHIPPED_SEEDS[-1] + 1) if first is None else first + lessons.AGAIN
    with st.container(horizontal=True, vertical_alignment="center"):
        if looking.may_make():
            action = lambda: _start(lesson.experiment, following)  # noqa: E731
            inputs.button("Run again with other seeds", action)
        if first is not None:
            inputs.button("Show what shipped", lambda: state.put(**{"first-seed": None}))
    if st.session_state.pop("lesson_refused", False):
        st.info("Two experiments are being run already. Try again when one of them has ended.")


def _start(experiment: str, first: int) -> None:
    if lessons.measured(experiment, first) is not None or lessons.run_again(experiment, first):
        state.put(**{"first-seed": first})
    else:
        st.session_state.lesson_refused = True


def _follow(experiment: str, first: int) -> None:
    """A bar until it ends; then the page is shown again."""
    progress = lessons.progress(experiment, first)
    if progress is None or not progress.is_running:
        st.rerun()
    seeds = ", ".join(map(str, lessons.seeds_from(first)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.share, f"Seeds {seeds}: {progress.share:.0%}")
        if lessons.may_cancel(experiment, first):
            inputs.button("Cancel", lambda: _cancel(experiment, first), key=f"cancel-{experiment}")
    state.publish()


def _cancel(experiment: str, first: int) -> None:
    lessons.cancel(experiment, first)
    state.put(**{"first-seed": None})
