"""The film of a training run as a component: it plays, and grows while the run is trained."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.assets import bundle
from explorer.browser.loader import as_text, loader


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "training_film",
        html=bundle.markup("snapshots/film"),
        css=bundle.style(),
        js=loader("trainingFilm"),
        isolate_styles=False,
    )


def film(data: dict[str, Any], key: str) -> None:
    """Places one film, or two in step.

    Args:
        data: As `PlayerData` in player.js; JSON only.
        key: Of the component.
    """
    loader("trainingFilm")  # the script stays published
    _component()(data=as_text(data), key=key)
