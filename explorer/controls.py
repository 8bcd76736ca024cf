"""Small inputs that own their state: each shows one setting of `explorer.state` and writes it.

The widget's key differs from the setting's name, so Streamlit may forget a hidden widget and
the setting stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from explorer import state


def _bind(name: str, value: Any) -> dict[str, Any]:
    """Key and callback of a widget that shows `value` and writes the setting `name`."""
    key = f"control-{name}"
    st.session_state[key] = value

    def write() -> None:
        if st.session_state[key] is not None:  # a segmented control can be switched off
            state.put(**{name: st.session_state[key]})

    return {"key": key, "on_change": write}


def select(name: str, label: str, labels: Mapping[Any, str], **options: Any) -> Any:
    """A drop-down of the allowed values, shown by their labels."""
    value = state.choose(name, list(labels))
    bound = _bind(name, value)
    return st.selectbox(label, list(labels), format_func=labels.__getitem__, **bound, **options)


def segments(name: str, label: str, labels: Mapping[Any, str], **options: Any) -> Any:
    """A row of buttons of which one is pressed."""
    value = state.choose(name, list(labels))
    bound = _bind(name, value)
    st.segmented_control(label, list(labels), format_func=labels.__getitem__, **bound, **options)
    return value


def slider(name: str, label: str, minimum: int, maximum: int, **options: Any) -> int:
    """A slider over whole numbers."""
    value = state.choose(name, range(minimum, maximum + 1))
    return st.slider(label, minimum, maximum, **_bind(name, value), **options)


def number(name: str, label: str, maximum: int, **options: Any) -> int | None:
    """A whole number from 0 to `maximum`, or nothing."""
    value = state.choose(name, [None, *range(maximum + 1)]) if state.get(name) else state.get(name)
    bound = _bind(name, value)
    return st.number_input(label, 0, maximum, value=None, step=1, **bound, **options)


def button(label: str, action: Callable[[], None], **options: Any) -> None:
    """A button that changes settings before the next run."""
    st.button(label, on_click=action, **options)


def chosen_points(key: str) -> Sequence[int]:
    """Indices of the points selected in the chart `key`: the first customdata of each."""
    points = st.session_state[key].selection.points
    return [int(point["customdata"][0]) for point in points if "customdata" in point]
