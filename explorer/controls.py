"""Small inputs that own their state: each shows one setting of `explorer.state` and writes it.

The widget's key differs from the setting's name, so Streamlit may forget a hidden widget and
the setting stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures import subscript


def _bind(name: str, value: Any, may_be_empty: bool = False) -> dict[str, Any]:
    """Key and callback of a widget that shows `value` and writes the setting `name`."""
    key = f"control-{name}"
    st.session_state[key] = value

    def write() -> None:
        # a segmented control can be switched off: the setting then stays
        if may_be_empty or st.session_state[key] is not None:
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
    value = state.choose(name, range(maximum + 1))
    bound = _bind(name, value, may_be_empty=True)
    return st.number_input(label, 0, maximum, value=None, step=1, **bound, **options)


def code(name: str, dimensions: Sequence[int], latent_dim: int, limit: float) -> np.ndarray:
    """A slider for each of these latent dimensions; the others keep their value.

    Args:
        name: Of the setting that holds the whole code; None is the origin.
        dimensions: Which to show, counted from 0.
        latent_dim: Z.
        limit: Sliders run from -limit to limit.

    Returns:
        The code, shape (Z,).
    """
    z = state.get(name)
    z = np.zeros(latent_dim) if z is None or len(z) != latent_dim else np.array(z)
    z = np.clip(z, -limit, limit)

    def write(dimension: int) -> None:
        z[dimension] = st.session_state[f"control-{name}-{dimension}"]
        state.put(**{name: tuple(z.tolist())})

    columns = st.columns(min(4, len(dimensions)))
    for position, dimension in enumerate(dimensions):
        key = f"control-{name}-{dimension}"
        st.session_state[key] = float(z[dimension])
        columns[position % len(columns)].slider(
            f"z{subscript(dimension + 1)}", -limit, limit, step=0.05, key=key,
            on_change=write, args=(dimension,),
        )  # fmt: skip
    return z


def button(label: str, action: Callable[[], None], **options: Any) -> None:
    """A button that changes settings before the next run."""
    st.button(label, on_click=action, **options)


def chosen_points(key: str) -> Sequence[int]:
    """Indices of the points selected in the chart `key`: the customdata of each."""
    points = st.session_state[key].selection.points
    return [int(point["customdata"]) for point in points if "customdata" in point]
