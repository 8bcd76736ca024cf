"""Messages arrive as they were sent; a line that is cut is an end."""

import io

import numpy as np
import pytest

from models.adapter.wire import receive, send


def test_messages_follow_each_other():
    stream = io.BytesIO()
    first = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(["cat", "α"]), np.zeros(0)]
    send(stream, {"call": "arrays", "beta": float("inf")}, first)
    send(stream, [1, None, "two"])
    stream.seek(0)
    fields, arrays = receive(stream)
    assert fields == {"call": "arrays", "beta": float("inf")}
    for found, sent in zip(arrays, first, strict=True):
        np.testing.assert_array_equal(found, sent)
        assert found.dtype == sent.dtype
    assert receive(stream) == ([1, None, "two"], [])


def test_a_line_that_is_cut_is_an_end():
    stream = io.BytesIO()
    send(stream, {}, [np.zeros(100)])
    whole = stream.getvalue()
    for length in (0, 7, 8, 300, len(whole) - 1):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:length]))


def test_objects_are_not_sent():
    with pytest.raises(ValueError, match="pickle"):
        send(io.BytesIO(), {}, [np.array([{}])])
