"""The file that a class hands in: predictions, answers, pins and seeds."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from explorer import state
from explorer.services import catalogue, lessons
from explorer.services.loaded_model import LoadedModel
from explorer.views.lessons import check
from explorer.widgets.text import file_name
from models.lessons.check import each_right
from models.lessons.table import LESSONS
from models.text import clean_name

MAX_NAME = 80
SEEDS = ("draw", "draw-x", "first-seed")
HANDED_IN = ("predicted", "answers", "pins", *SEEDS)
"""Settings that the file tells."""


def show() -> None:
    """Shows the button that saves the file."""
    given = st.text_input("Your name, for the file you hand in", max_chars=MAX_NAME, width=300)
    name = clean_name(given, "", MAX_NAME)
    made = {key: state.get(key) for key in HANDED_IN}
    st.download_button(
        "Save my answers as a file", lambda: to_text(name, made),
        f"hand-in-{file_name(name)}.json" if name else "hand-in.json", "application/json",
    )  # fmt: skip
    st.caption("It holds your predictions, your answers, your pins and the seeds.")


def to_text(name: str, made: dict[str, Any]) -> str:
    """Writes the file.

    Args:
        name: Of whoever hands it in.
        made: The settings of `HANDED_IN`: the file is made outside of any run of the page.
    """
    document = {
        "name": name,
        "predictions": [_prediction(each) for each in made["predicted"] or ()],
        "check": _check(made["answers"]),
        "pins": [str(pin) for pin in made["pins"] or ()],
        "seeds": {key: made[key] for key in SEEDS},
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


def _check(stored: tuple[str, ...] | None) -> dict[str, Any] | None:
    """What was answered in the knowledge check, and about which model."""
    entry = catalogue.list_models()[0].get(stored[0]) if stored else None
    if entry is None:
        return None
    model = LoadedModel(entry)
    asked = lessons.questions(model)
    given = check.answers(model, len(asked), stored)
    rows = [
        {
            "question": question.text,
            "answer": None if answer == "-" else _choice(question.options, int(answer)),
            "right": right,
        }
        for question, answer, right in zip(asked, given, each_right(asked, given), strict=True)
    ]
    return {"model": entry.id, "questions": rows}
