"""Measurements: what is written is read again, and what cannot be one is refused."""

import json

import pytest

from models.lessons.measurement import MAX_BYTES, Interval, Measurement, table
from models.metrics.statistics import t_interval

FOUND = Measurement("m", (0, 1, 2), "seeds", {"x": {"a": (1.0, 2.0, 4.0), "b": (0.0, 1.0, 3.0)}})


def test_intervals_and_paired_differences():
    assert FOUND.interval("x", "a") == (*t_interval([1.0, 2.0, 4.0]), 3)
    difference = FOUND.difference("x", "a", "b")
    assert difference == (1.0, 0.0, 3) and difference.sign == 1
    assert FOUND.difference("x", "b", "a").sign == -1
    assert Interval(1.0, 1.5, 3).sign == 0
    assert Interval(1.0, float("inf"), 1).sign == 0


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "m.json"
    FOUND.write(path)
    assert Measurement.read(path) == FOUND


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"values": 1}', '{"values": {}, "repeats": ["a"]}',
     '{"values": {"x": {"a": [1]}}, "repeats": [0, 1], "name": "m", "counted": "seeds"}',
     '{"values": {"x": {"a": [NaN]}}, "repeats": [0], "name": "m", "counted": "seeds"}',
     '{"values": {}, "repeats": [], "name": "m", "counted": "seeds", "more": 1}'],
)  # fmt: skip
def test_what_is_no_measurement_is_refused(text):
    with pytest.raises(ValueError, match=r"^a measurement must be JSON"):
        Measurement.from_json(text)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(ValueError, match="at most"):
        Measurement.read(path)


def test_numbers_are_written_to_six_digits():
    found = Measurement("m", (0,), "seeds", table([{"x": {"a": 1 / 3}}]))
    assert json.loads(found.to_json())["values"] == {"x": {"a": [0.333333]}}
