"""The knowledge check: ten questions about a model, and what was answered."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.services import lessons
from explorer.services.loaded_model import LoadedModel
from explorer.views.lessons import controls
from explorer.widgets import inputs
from explorer.widgets.text import typeset
from models.lessons.check import Question, each_right
from models.lessons.table import LESSONS


def show() -> None:
    """Shows the questions about the chosen model."""
    st.markdown("## Knowledge check")
    st.markdown(
        "Ten questions about a model of your choice. The answers are computed: another model has "
        "other numbers, and other right answers."
    )
    chosen = controls.usable_model("check", with_image=False, with_seed=False)
    if chosen is None:
        return
    model = chosen[0]
    asked = lessons.questions(model)
    given = answers(model, len(asked), state.get("answers"))
    judged = list(each_right(asked, given))
    for place, question in enumerate(asked):
        _ask(model, place, question, given, judged[place])
    _score(judged)


def answers(model: LoadedModel, count: int, stored: tuple[str, ...] | None) -> tuple[str, ...]:
    """What was answered about this model: numbers of options as text, "-" where none was chosen.

    Args:
        model: Asked about.
        count: Of the questions.
        stored: The setting.
    """
    stored = stored or ()
    given = stored[1:] if stored[:1] == (model.entry.id,) else ()
    return (*given[:count], *("-" for _ in range(count - len(given))))


def _ask(
    model: LoadedModel, place: int, question: Question, given: tuple[str, ...], right: bool | None
) -> None:
    """One question with its options, and whether the answer is right."""
    key = f"check-{model.entry.id}-{question.id}"

    def write() -> None:
        chosen = st.session_state.get(key)
        changed = list(given)
        changed[place] = "-" if chosen is None else str(chosen)
        state.put(answers=(model.entry.id, *changed))

    index = int(given[place]) if given[place] != "-" else None
    index = index if index is None or index < len(question.options) else None
    st.radio(
        typeset(f"**{place + 1}.** {question.text}"), range(len(question.options)), index, key=key,
        format_func=lambda number: typeset(question.options[number]), on_change=write,
    )  # fmt: skip
    if right is None or "answers" in (state.get("hide") or ()):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if right:
            st.markdown("✓ Right.")
        else:
            st.markdown(typeset(f"✗ The right answer is: {question.options[question.right]}"))
        inputs.button(
            f"Lesson: {LESSONS[question.lesson].question}",
            lambda: state.put(lesson=question.lesson), type="tertiary", key=f"{key}-lesson",
        )  # fmt: skip


def _score(judged: list[bool | None]) -> None:
    """How many were answered, and how many rightly."""
    done = [each for each in judged if each is not None]
    if "answers" in (state.get("hide") or ()):
        st.markdown(f"**{len(done)} of {len(judged)} answered.**")
    elif done:
        st.markdown(f"**{sum(done)} of {len(done)} right**, {len(judged) - len(done)} to go.")
