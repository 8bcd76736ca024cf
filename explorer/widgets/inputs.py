"""Small inputs that own their state: each shows one setting of `explorer.state` and writes it.

The widget's key differs from the setting's name, so Streamlit may forget a hidden widget and
the setting stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from explorer import state
from explorer.figures.theme import subscript


def _bind(
    name: str, value: Any, resets: Sequence[str] = (), labels: Mapping[Any, str] | None = None
) -> dict[str, Any]:
    """Key and callback of a widget that shows `value` and writes the setting `name`.

    The widget is given `value` as its default too: where one run follows another so fast that the
    browser misses what was set, the widget falls back to its default, and sends that.

    Writing it puts the settings named by `resets` back to None. A value without a label in
    `labels` is ignored: the browser has sent a label that was changed meanwhile.
    """
    key = f"control-{name}"
    _show(key, value, None if labels is None else labels.get(value))
    others = dict.fromkeys(resets)

    def write() -> None:
        given = st.session_state[key]
        if labels is None or given in labels:
            state.put(**others, **{name: given})

    return {"key": key, "on_change": write}


def _show(key: str, value: Any, label: str | None = None) -> None:
    """Sets a widget that shows another value: setting it again would undo the user's changes.

    One whose label has changed is set again, for the browser knows it by the old one. The labels
    are one entry of the session: Streamlit looks through all entries for each input.
    """
    memory = st.session_state
    labels = memory.setdefault("input_labels", {})
    if key not in memory or memory[key] != value or labels.get(key, label) != label:
        memory[key] = value
    labels[key] = label


def select(
    name: str, label: str, labels: Mapping[Any, str], resets: Sequence[str] = (), **options: Any
) -> Any:
    """Shows a drop-down of the allowed values by their labels.

    A choice puts the settings named by `resets` back to None.
    """
    labels = distinct(labels)
    value = state.choose(name, list(labels))
    bound = _bind(name, value, resets, labels)
    return _drop_down(label, labels, value, **bound, **options)


def option(name: str, label: str, labels: Mapping[Any, str], default: Any, **options: Any) -> Any:
    """Shows a drop-down with `default` chosen as long as its setting is None."""
    labels = distinct(labels)
    chosen = state.choose(name, list(labels))
    value = default if chosen is None else chosen
    bound = _bind(name, value, labels=labels)
    return _drop_down(label, labels, value, **bound, **options)


def _drop_down(label: str, labels: Mapping[Any, str], value: Any, **options: Any) -> Any:
    """A choice of one of the labels."""
    values = list(labels)
    return st.selectbox(
        label, values, values.index(value), format_func=labels.__getitem__, **options
    )


def several(
    name: str, label: str, labels: Mapping[str, str], most: int, **options: Any
) -> tuple[str, ...]:
    """Asks for some of the values, in the order in which they are chosen; its setting is a tuple,
    or None."""
    labels = distinct(labels)
    value = among(name, labels)
    key = f"control-{name}"
    _show(key, list(value), "\n".join(labels[one] for one in value))

    def write() -> None:
        given = st.session_state[key]
        if all(one in labels for one in given):
            state.put(**{name: tuple(given) or None})

    st.multiselect(
        label, list(labels), list(value), format_func=labels.__getitem__, key=key,
        max_selections=most, on_change=write, **options,
    )  # fmt: skip
    return value


def among(name: str, allowed: Container[str]) -> tuple[str, ...]:
    """Keeps those values of a setting that are possible here, with one notice about the others."""
    wanted = state.get(name) or ()
    value = tuple(one for one in wanted if one in allowed)
    if value != wanted:
        st.toast(f"{len(wanted) - len(value)} of the “{name}” in the link are not here.")
        state.put(**{name: value or None})
    return value


def distinct(labels: Mapping[Any, str]) -> dict[Any, str]:
    """Makes labels distinct, because the browser tells options by their labels alone.

    Runs of one title are told apart by the time at which they began, others by their ids.

    Example:
        >>> distinct({1: "a", 2: "b", 3: "a"})
        {1: 'a · 1', 2: 'b', 3: 'a · 3'}
        >>> list(distinct({"20261129-121609-8120c1": "a", "20261129-121121-16f7dd": "a"}).values())
        ['a · 12:16:09 on 2026-11-29', 'a · 12:11:21 on 2026-11-29']
    """
    for name in (_began, str):
        counts = Counter(labels.values())
        labels = {
            value: label if counts[label] == 1 else f"{label} · {name(value)}"
            for value, label in labels.items()
        }
    return dict(labels)


def _began(value: Any) -> str:
    """When a run began, as its id tells; of anything else, its id."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-", str(value))
    return "{3}:{4}:{5} on {0}-{1}-{2}".format(*found.groups()) if found else str(value)


def segments(
    name: str, label: str, labels: Mapping[Any, str], default: Any = None, **options: Any
) -> Any:
    """Shows a row of buttons of which one is pressed: `default` as long as its setting is None."""
    chosen = state.choose(name, list(labels))
    value = default if chosen is None else chosen
    options |= _bind(name, value) | {"default": value, "format_func": labels.__getitem__}
    st.segmented_control(label, list(labels), required=True, **options)
    return value


def slider(name: str, label: str, minimum: int, maximum: int, **options: Any) -> int:
    """Shows a slider over whole numbers."""
    value = state.choose(name, range(minimum, maximum + 1))
    return st.slider(label, minimum, maximum, value, **_bind(name, value), **options)


def notches(name: str, label: str, values: Sequence[int], **options: Any) -> int:
    """Shows a slider over a few whole numbers."""
    value = state.choose(name, list(values))
    bound = _bind(name, value)
    return st.select_slider(label, list(values), value, **bound, **options)


def real(name: str, label: str, step: float, **options: Any) -> float:
    """Shows a slider between the limits of a setting that is a real number."""
    minimum, maximum = state.LIMITS[name]
    value = state.get(name)
    return st.slider(label, minimum, maximum, value, step, **_bind(name, value), **options)


def number(name: str, label: str, maximum: int, **options: Any) -> int | None:
    """Asks for a whole number from 0 to `maximum`; its default is nothing, so it can be cleared."""
    value = state.choose(name, range(maximum + 1))
    bound = _bind(name, value)
    return st.number_input(label, 0, maximum, value=None, step=1, **bound, **options)


def whole(name: str, label: str, minimum: int, maximum: int, **options: Any) -> int:
    """Asks for a whole number that is never empty."""
    value = state.choose(name, range(minimum, maximum + 1))
    bound = _bind(name, value)
    return st.number_input(label, minimum, maximum, value, step=1, **bound, **options)


def text(name: str, label: str, **options: Any) -> str:
    """Asks for a line of text."""
    value = state.get(name)
    return st.text_input(label, value, **_bind(name, value), **options)


def quantity(name: str, label: str, default: float, **options: Any) -> float:
    """Asks for a number within the limits of a setting; `default` as long as that is None."""
    minimum, maximum = state.LIMITS[name]
    chosen = state.get(name)
    value = default if chosen is None else chosen
    return st.number_input(label, minimum, maximum, value, **_bind(name, value), **options)


def line(name: str, label: str, default: str, **options: Any) -> str:
    """Asks for a line of text; `default` as long as its setting is None."""
    chosen = state.get(name)
    value = default if chosen is None else chosen
    return st.text_input(label, value, **_bind(name, value), **options)


def code(name: str, dimensions: Sequence[int], latent_dim: int, limit: float) -> np.ndarray:
    """Shows a slider for each of these latent dimensions; the others keep their value.

    Args:
        name: Of the setting that holds the whole code; None is the origin. A code of another
            model's length is dropped, with a notice.
        dimensions: Which to show, counted from 0.
        latent_dim: Z.
        limit: Sliders run from -limit to limit.

    Returns:
        The code, shape (Z,).
    """
    if len(state.get(name) or range(latent_dim)) != latent_dim:
        state.reset(name)
    z = np.clip(state.get(name) or np.zeros(latent_dim), -limit, limit)

    def write(dimension: int, key: str) -> None:
        z[dimension] = st.session_state[key]
        state.put(**{name: tuple(z.tolist())})

    columns = st.columns(min(4, len(dimensions)))
    for position, dimension in enumerate(dimensions):
        key = f"control-{name}-{dimension}-{limit:g}"  # with other limits, another widget
        _show(key, float(z[dimension]))
        columns[position % len(columns)].slider(
            f"z{subscript(dimension + 1)}", -limit, limit, float(z[dimension]), 0.05, key=key,
            on_change=write, args=(dimension, key),
        )  # fmt: skip
    return z


def button(label: str, action: Callable[[], None], **options: Any) -> None:
    """Shows a button that changes settings before the next run."""
    st.button(label, on_click=action, **options)
