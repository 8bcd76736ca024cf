"""What the slider of β says is checked like a link."""

from types import SimpleNamespace

import pytest
import streamlit as st

from explorer.browser.beta_slider import component


def hear(monkeypatch, choice):
    monkeypatch.setattr(st, "session_state", {"rates": SimpleNamespace(choice=choice)})
    return component.chosen("rates")


def test_a_choice_is_read(monkeypatch):
    assert hear(monkeypatch, {"beta": 2.5, "run": None}) == (2.5, None)
    assert hear(monkeypatch, {"beta": 1, "run": "20260101-000000-abcdef"})[1].startswith("2026")


@pytest.mark.parametrize(
    "choice",
    [
        None, [], "text", 7, {}, {"beta": "x", "run": None}, {"beta": float("nan"), "run": None},
        {"beta": -1, "run": None}, {"beta": [], "run": None}, {"beta": 1e9, "run": None},
        {"beta": 1},
    ],
)  # fmt: skip
def test_what_no_slider_can_say_is_refused(monkeypatch, choice):
    with pytest.raises(ValueError):
        hear(monkeypatch, choice)
