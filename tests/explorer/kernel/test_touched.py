"""What may be set on a map from Python, and what is refused, in one sentence."""

import numpy as np
import pytest

from explorer.kernel.touched import read_codes, read_pins, read_point, read_selection


def test_pins_are_codes_or_what_the_map_gave():
    first = read_pins(np.array([[0.5, 1], [2, 3]]), 2, 10)
    assert [pin["name"] for pin in first] == ["A", "B"]
    again = read_pins([*first[1:], [4, 5], {"z": [6, 7], "point": np.int32(3)}], 2, 10)
    assert [(pin["name"], pin["z"], pin["point"]) for pin in again] == [
        ("B", [2.0, 3.0], None), ("A", [4.0, 5.0], None), ("C", [6.0, 7.0], 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (3, "pins must be a list"),
        ([1, 2], "a pin must be 2 finite numbers"),
        ([[1, float("nan")]], "a pin must be 2 finite numbers"),
        ([[1, 1e9]], "a pin must be 2 finite numbers"),
        ([{"name": "A"}], "a pin must be 2 finite numbers"),
        ([{"z": [1, 2], "point": 10}], "an image must be a whole number from 0 to 9, got 10"),
        (np.zeros((25, 2)), "at most 24 pins, got 25"),
    ],
)
def test_what_is_no_pin_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_pins(given, 2, 10)


@pytest.mark.parametrize("given", [-1, 10, 1.0, "1", True])
def test_only_numbers_of_images_are_points(given):
    with pytest.raises(ValueError, match="an image must be a whole number from 0 to 9"):
        read_point(given, 10)


def test_a_selection_is_a_set_of_images():
    assert read_selection([3, np.int64(1), 3], 10) == [1, 3]
    assert read_selection(None, 10) == []
    for given, sentence in (
        (np.ones(10, bool), "flatnonzero"),
        (4, "must be a list"),
        ([10], "10"),
    ):
        with pytest.raises(ValueError, match=sentence):
            read_selection(given, 10)


def test_codes_of_the_browser_are_checked():
    assert read_codes([[1, 2]], 2).dtype == np.float32
    with pytest.raises(ValueError, match="2 finite numbers"):
        read_codes([[1, None]], 2)
