"""One lesson: question, prediction, run, verdict, and where to go on."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer import glossary, state
from explorer.state import Prediction
from explorer.views.lessons import (
    bounds,
    divergences,
    doctor,
    gradients,
    posteriors,
    rotation,
    runs,
    single,
)
from explorer.widgets import inputs
from explorer.widgets.text import typeset
from models.lessons.lesson import Lesson, Link
from models.lessons.measurement import Measurement

PANELS: dict[str, Callable[[], Measurement | None]] = {
    "coin": single.coin,
    "terms": single.terms,
    "test-time": single.test_time,
    "steps": single.steps,
    "noise": single.noise,
    "sharpness": single.sharpness,
    "bounds": bounds.show,
    "divergences": divergences.show,
    "gradients": gradients.show,
    "posteriors": posteriors.show,
    "doctor": doctor.show,
    "rotation": rotation.show,
}
"""Parts of a lesson that can be touched; one without an experiment measures by itself."""


def show(lesson: Lesson) -> None:
    """Shows the lesson that was chosen."""
    st.markdown(f"## {lesson.question}")
    st.markdown(lesson.text)
    if not _predicts(lesson):
        return
    found = runs.show(lesson) if lesson.experiment else PANELS[lesson.panel]()
    if found is not None:
        _verdict(lesson, found)
    if lesson.experiment and lesson.panel:
        st.markdown("### Try it yourself")
        PANELS[lesson.panel]()
    _touch(lesson.touch)


def prediction(lesson: Lesson) -> Prediction | None:
    """What was predicted, or that it was skipped; None before."""
    made = {each.lesson: each for each in state.get("predicted") or ()}
    return made.get(lesson.id)


def _predict(lesson: Lesson, choice: int | None) -> None:
    kept = [each for each in state.get("predicted") or () if each.lesson != lesson.id]
    state.put(predicted=(*kept, Prediction(lesson.id, choice)))


def _predicts(lesson: Lesson) -> bool:
    """Asks for a prediction; returns whether there is one, or it was skipped."""
    made = prediction(lesson)
    if made is not None:
        return True
    key = f"predict-{lesson.id}"
    st.radio(
        "What do you predict?", range(len(lesson.choices)), index=None, key=key,
        format_func=lesson.choices.__getitem__,
        on_change=lambda: _predict(lesson, st.session_state.get(key)),
    )  # fmt: skip
    inputs.button("Show me without a prediction", lambda: _predict(lesson, None), type="tertiary")
    return False


def _verdict(lesson: Lesson, found: Measurement) -> None:
    """What the measurement says, what was predicted, and why."""
    if "answers" in (state.get("hide") or ()):
        st.info("The verdict is hidden in this link. What do you read off the measurement?")
        return
    verdict = lesson.verdict(found)
    st.markdown("### Verdict")
    st.markdown(typeset(verdict.sentence))
    made = prediction(lesson)
    if made is not None and made.choice is not None and made.choice < len(lesson.choices):
        chosen = lesson.choices[made.choice]
        if verdict.answer is None:
            st.info(f"You predicted “{chosen}”. The measurement decides for none of the choices.")
        elif verdict.answer == made.choice:
            st.success(f"You predicted “{chosen}”, and the measurement agrees.")
        else:
            st.warning(
                f"You predicted “{chosen}”. The measurement says: "
                f"“{lesson.choices[verdict.answer]}”."
            )
    st.markdown("### Why")
    st.markdown(lesson.why)
    st.caption(f"Read on: {lesson.source}.")
    st.html(glossary.row(*lesson.words))


def _touch(links: tuple[Link, ...]) -> None:
    """Links to pages with everything set."""
    st.markdown("### Go and touch it")
    with st.container(horizontal=True):
        for link in links:
            state.page_link(link.label, link.page, link.settings)
