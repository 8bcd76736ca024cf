"""JSON from a disk: what is refused, and that nothing else is changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import strict_json

NUMBERS = st.integers(-(2**62), 2**62) | st.floats(-1e18, 1e18)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_our_programs_write_is_read_as_it_is(value):
    assert strict_json.parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "valid JSON"),
        ("{", "valid JSON"),
        ("[" * 100_000, "valid JSON"),
        ("[" * 17 + "]" * 17, "nested at most 16 deep"),
        ("1" * 5000, "64 bits"),
        ("1e999", "64 bits"),
        ("NaN", "64 bits"),
        ("-Infinity", "64 bits"),
        ('{"a": 1, "a": 2}', "twice"),
        ('"\\ud800"', "valid JSON"),
        (b"\xff\xfe", "valid JSON"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        strict_json.parse(text, "record")
    assert str(refused.value).startswith("the record ")


def test_a_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "label.json"
    path.write_text('{"title": "x"}')
    assert strict_json.read(path) == {"title": "x"}
    with pytest.raises(ValueError, match=r"label\.json must have at most 5 bytes"):
        strict_json.read(path, most=5)
