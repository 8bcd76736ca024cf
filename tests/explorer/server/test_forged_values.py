"""Values that no widget has sent count as none; all others are read as Streamlit reads them."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates

from explorer.server import forged_values

DEFAULT = "the first"


def read(text):
    """As a widget of text does that has no default of its own and knows no empty text."""
    if text is None:
        return DEFAULT
    if not text:
        raise ValueError("no text")
    return text.upper()


@pytest.fixture
def states():
    """Of one widget."""
    found = WStates()
    found.set_widget_metadata(WidgetMetadata("a", read, lambda text: text, "string_value"))
    return found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"string_value": "x"}, "X"),
        ({"string_value": ""}, DEFAULT),
        ({"int_value": 3}, DEFAULT),
        ({"bool_value": True}, DEFAULT),
        ({"double_value": float("nan")}, DEFAULT),
        ({"json_value": "{}"}, DEFAULT),
        ({}, DEFAULT),
    ],
)
def test_what_a_widget_cannot_read_counts_as_no_value(states, value, shown):
    states.set_widget_from_proto(WidgetState(id="a", **value))
    for _ in range(2):  # read once, it is kept
        assert forged_values._read_or_default(states, "a") == shown


def test_a_list_for_a_text_counts_as_no_value(states):
    state = WidgetState(id="a")
    state.string_array_value.data.extend(["a", "b"])
    states.set_widget_from_proto(state)
    assert forged_values._read_or_default(states, "a") == DEFAULT


def test_a_value_of_no_widget_is_unknown_as_before(states):
    with pytest.raises(KeyError):
        forged_values._read_or_default(states, "b")
    states.set_widget_from_proto(WidgetState(id="b", string_value="x"))
    with pytest.raises(KeyError):
        forged_values._read_or_default(states, "b")


@pytest.mark.parametrize("kind", ["int_value", "double_value"])
def test_a_field_of_numbers_reads_whole_numbers_and_others(kind):
    states = WStates()
    states.set_widget_metadata(
        WidgetMetadata("n", lambda n: 1 if n is None else int(n), str, "double_value")
    )
    states.set_widget_from_proto(WidgetState(id="n", **{kind: 5}))
    assert forged_values._read_or_default(states, "n") == 5


@pytest.mark.slow
def test_on_a_server_forged_values_give_no_red_box(tmp_path):
    import numpy as np

    from tests.benchmarks.chaos import values

    with values(tmp_path) as trial:
        for number in range(5):
            assert trial(np.random.default_rng(number))
