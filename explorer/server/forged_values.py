"""Values of widgets that no browser of ours has sent.

A message names a widget and gives it a value of some type. Streamlit hands it to the widget as it
is, and where the type is another than the widget's, reading it ends in an error for the visitor,
run after run. There is no setting for that; so what a widget cannot read counts as no value, and
is logged.
"""

from __future__ import annotations

import logging
from typing import Any

from streamlit.runtime.state.session_state import Serialized, Value, WStates

NUMBERS = ("int_value", "double_value")
"""Fields of numbers are registered as the second; browsers send whole numbers as the first."""
_log = logging.getLogger(__name__)
_read = WStates.__getitem__


def prepare() -> None:
    """Lets every session of this server read values so."""
    WStates.__getitem__ = _read_or_default  # type: ignore[method-assign]


def _read_or_default(states: WStates, name: str) -> Any:
    """The value of a widget; its default where a message has given it what it cannot read."""
    state, widget = states.states.get(name), states.widget_metadata.get(name)
    if not isinstance(state, Serialized) or widget is None:
        return _read(states, name)
    kind = state.value.WhichOneof("value")
    try:
        if _is_alike(kind, widget.value_type):
            return _read(states, name)
        problem = f"it is of the type {widget.value_type}"
    except Exception as error:  # whatever the widget makes of it
        problem = str(error)
    _log.info("A widget was sent a value (%s) that it cannot read: %.200s", kind, problem)
    value = widget.deserializer(None)
    states.states[name] = Value(value)
    return value


def _is_alike(kind: str | None, expected: str) -> bool:
    """Whether a widget of the expected kind can have sent this one."""
    return kind in (None, expected) or (kind in NUMBERS and expected in NUMBERS)
