"""The file that a class hands in: predictions, answers, pins and seeds."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from explorer import state
from explorer.services import catalogue, lessons
from explorer.services.loaded_model import LoadedModel
from explorer.views.lessons import check
from models.lessons.check import each_right
from models.lessons.table import LESSONS

MAX_NAME = 80


def show() -> None:
    """Shows the button that saves the file."""
    name = st.text_input("Your name, for the file you hand in", max_chars=MAX_NAME, width=300)
    st.download_button(
        "Save my answers as a file", lambda: to_text(name), "hand-in.json", "application/json"
    )
    st.caption("It holds your predictions, your answers, your pins and the seeds.")


def to_text(name: str) -> str:
    """Writes the file."""
    document = {
        "name": name,
        "predictions": [_prediction(each) for each in state.get("predicted") or ()],
        "check": _check(),
        "pins": [str(pin) for pin in state.get("pins") or ()],
        "seeds": {key: state.get(key) for key in ("draw", "draw-x", "first-seed")},
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _prediction(made: state.Prediction) -> dict[str, Any]:
    """What was predicted, and what the measurement says where it ships."""
    lesson = LESSONS[made.lesson]
    found = lessons.measured(lesson.experiment, None) if lesson.experiment else None
    answer = None if found is None else lesson.verdict(found).answer
    return {
        "lesson": lesson.id,
        "question": lesson.question,
        "predicted": _choice(lesson.choices, made.choice),
        "measured": _choice(lesson.choices, answer),
    }


def _choice(choices: tuple[str, ...], number: int | None) -> str | None:
    return None if number is None or number >= len(choices) else choices[number]


def _check() -> dict[str, Any] | None:
    """What was answered in the knowledge check, and about which model."""
    stored = state.get("answers")
    entry = catalogue.list_models()[0].get(stored[0]) if stored else None
    if entry is None:
        return None
    model = LoadedModel(entry)
    asked = lessons.questions(model)
    given = check.answers(model, len(asked))
    rows = [
        {
            "question": question.text,
            "answer": None if answer == "-" else _choice(question.options, int(answer)),
            "right": right,
        }
        for question, answer, right in zip(asked, given, each_right(asked, given), strict=True)
    ]
    return {"model": entry.id, "questions": rows}
