"""Small inputs that own their state: each shows one setting of `explorer.state` and writes it.

The widget's key differs from the setting's name, so Streamlit may forget a hidden widget and
the setting stays.
"""

from __future__ import annotations

import base64
import html
import itertools
import re
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from explorer import state
from explorer.figures.theme import subscript
from explorer.widgets import pictures


def plain(text: str) -> str:
    r"""A stranger's text for a place that reads Markdown: shown as it is, no link, no picture.

    Example:
        >>> print(plain("a*b ![x](http://y)"))
        a\*b \!\[x\]\(http\://y\)
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:$-])", r"\\\1", text)


def typeset(text: str) -> str:
    """A text with true minus signs before its numbers, and no line broken before or after ±.

    Example:
        >>> typeset("one-sample: D -1.50 ± 0.05")
        'one-sample: D −1.50\xa0±\xa00.05'
    """
    text = re.sub(r"(?<![\w)])-(?=\d)", "−", text)
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def file_name(text: str) -> str:
    """A text as the stem of a file's name: letters, digits and hyphens.

    Example:
        >>> file_name("VAE, 2 latents, β = 1")
        'vae-2-latents-β-1'
    """
    return re.sub(r"\W+", "-", text.lower()).strip("-")[:60] or "map"


def _bind(
    name: str, value: Any, resets: Sequence[str] = (), labels: Mapping[Any, str] | None = None
) -> dict[str, Any]:
    """Key and callback of a widget that shows `value` and writes the setting `name`.

    The widget is given `value` as its default too: where a run follows so fast on another that
    the browser misses what was set, the widget falls back to its default, and sends that.

    Writing it puts the settings named by `resets` back to None. Of a widget with `labels` a
    value that has none is passed over: the browser has sent a label that was changed meanwhile.
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
    """Sets a widget, unless it is set so: that would undo what the user has done meanwhile.

    One whose label has changed is set again, for the browser knows it by the old one.
    """
    is_set = key in st.session_state and st.session_state[key] == value
    is_known = st.session_state.get(f"{key}-label", label) == label
    if not (is_set and is_known):
        st.session_state[key] = value
    st.session_state[f"{key}-label"] = label


def select(
    name: str, label: str, labels: Mapping[Any, str], resets: Sequence[str] = (), **options: Any
) -> Any:
    """A drop-down of the allowed values, shown by their labels.

    A choice puts the settings named by `resets` back to None.
    """
    labels = distinct(labels)
    value = state.choose(name, list(labels))
    bound = _bind(name, value, resets, labels)
    return _drop_down(label, labels, value, **bound, **options)


def option(name: str, label: str, labels: Mapping[Any, str], default: Any, **options: Any) -> Any:
    """A drop-down that shows `default` as long as its setting is None."""
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
    """A choice of some of the values, in the order in which they were chosen; its setting is a
    tuple, or None for none."""
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
    """Those values of a setting that are possible here; that others are not is said once."""
    wanted = state.get(name) or ()
    value = tuple(one for one in wanted if one in allowed)
    if value != wanted:
        st.toast(f"{len(wanted) - len(value)} of the “{name}” asked for are not here.")
        state.put(**{name: value or None})
    return value


def distinct(labels: Mapping[Any, str]) -> dict[Any, str]:
    """Labels of which no two are equal, for the browser tells options by their labels alone.

    Example:
        >>> distinct({1: "a", 2: "b", 3: "a"})
        {1: 'a · 1', 2: 'b', 3: 'a · 3'}
    """
    counts = Counter(labels.values())
    return {
        value: label if counts[label] == 1 else f"{label} · {value}"
        for value, label in labels.items()
    }


def segments(name: str, label: str, labels: Mapping[Any, str], **options: Any) -> Any:
    """A row of buttons of which one is pressed."""
    value = state.choose(name, list(labels))
    options |= _bind(name, value) | {"default": value, "format_func": labels.__getitem__}
    st.segmented_control(label, list(labels), required=True, **options)
    return value


def slider(name: str, label: str, minimum: int, maximum: int, **options: Any) -> int:
    """A slider over whole numbers."""
    value = state.choose(name, range(minimum, maximum + 1))
    return st.slider(label, minimum, maximum, value, **_bind(name, value), **options)


def real(name: str, label: str, step: float, **options: Any) -> float:
    """A slider between the limits of a setting that is no whole number."""
    minimum, maximum = state.LIMITS[name]
    value = state.get(name)
    return st.slider(label, minimum, maximum, value, step, **_bind(name, value), **options)


def number(name: str, label: str, maximum: int, **options: Any) -> int | None:
    """A whole number from 0 to `maximum`, or nothing: its default, or it could not be cleared."""
    value = state.choose(name, range(maximum + 1))
    bound = _bind(name, value)
    return st.number_input(label, 0, maximum, value=None, step=1, **bound, **options)


def text(name: str, label: str, **options: Any) -> str:
    """A line of text."""
    value = state.get(name)
    return st.text_input(label, value, **_bind(name, value), **options)


def quantity(name: str, label: str, default: float, **options: Any) -> float:
    """A number within the limits of a setting; `default` as long as that is None."""
    minimum, maximum = state.LIMITS[name]
    chosen = state.get(name)
    value = default if chosen is None else chosen
    return st.number_input(label, minimum, maximum, value, **_bind(name, value), **options)


def line(name: str, label: str, default: str, **options: Any) -> str:
    """A line of text; `default` as long as its setting is None."""
    chosen = state.get(name)
    value = default if chosen is None else chosen
    return st.text_input(label, value, **_bind(name, value), **options)


def score(pair: object) -> str:
    """A mean with its standard error, if it is one.

    Example:
        >>> score([-1.234, 0.05]), score(None)
        ('−1.23\xa0±\xa00.05', '–')
    """
    match pair:
        case [float(mean), float(error)]:
            return typeset(f"{mean:z.2f} ± {error:.2f}")
    return "–"


def code(name: str, dimensions: Sequence[int], latent_dim: int, limit: float) -> np.ndarray:
    """A slider for each of these latent dimensions; the others keep their value.

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


def picture(levels: np.ndarray, caption: str | None = None, width: int | str = "content") -> None:
    """A picture to the last level: Streamlit's JPEG would smear its pixels."""
    st.image(pictures.to_png(levels), caption, width, output_format="PNG")


def row(images: np.ndarray, captions: Sequence[str], side: int | None = None) -> None:
    """Pictures with captions side by side: `shots` in one element.

    With an element and a file for each, the page would be sent several times as slowly.
    """
    st.html(shots(images, captions, side))


def shots(images: np.ndarray, captions: Sequence[str], side: int | None = None) -> str:
    """Pictures side by side, as HTML with the pixels inside, which the browser enlarges.

    Args:
        images: Shape (N, C, H, W), in [0, 1].
        captions: Of each, as plain text.
        side: Length of the longer side on the screen, in pixels, about, of pictures that wrap
            where the page is narrow; None shares the width among them.
    """
    found = map(_shot, pictures.to_levels(images), captions, itertools.repeat(side))
    wrap = "nowrap" if side is None else "wrap"
    return f'<div style="display: flex; flex-wrap: {wrap}; gap: 8px 16px">{"".join(found)}</div>'


def _shot(levels: np.ndarray, caption: str, side: int | None) -> str:
    """A picture with its caption, as HTML."""
    text, data = html.escape(caption), base64.b64encode(pictures.to_png(levels)).decode()
    room = "flex: 1 1 0; min-width: 0"
    if side is not None:
        room = f"width: {levels.shape[1] * pictures.factor(levels, side)}px"
    return (
        f'<figure style="margin: 0; {room}">'
        f'<img src="data:image/png;base64,{data}" alt="{text}" style="display: block; '
        'width: 100%; border-radius: 4px; image-rendering: pixelated"/>'
        '<figcaption style="font-size: 14px; line-height: 1.3; opacity: 0.6; text-align: center; '
        f'overflow-wrap: anywhere">{text}</figcaption></figure>'
    )


def chart(figure: go.Figure, key: str) -> None:
    """A figure that can be saved as a picture, named after its key."""
    saved = {"filename": key, "scale": 2}
    config = {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": saved}
    st.plotly_chart(figure, key=f"chart-{key}", config=config)


def button(label: str, action: Callable[[], None], **options: Any) -> None:
    """A button that changes settings before the next run."""
    st.button(label, on_click=action, **options)


def chosen_points(key: str) -> Sequence[int]:
    """Indices of the points selected in the chart `key`: the first number each carries.

    A row of a typed array reaches Python as {"0": …, "1": …}.
    """
    points = st.session_state[key].selection.points
    return [int(point["customdata"]["0"]) for point in points if "customdata" in point]
