"""Untrusted names are made labels."""

import pytest

from models.text import clean_name


@pytest.mark.parametrize(
    "given, cleaned",
    [
        ("faces", "faces"),
        ("x" * 300, "x" * 80),
        ("a\0b\x1b[31m", "ab[31m"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        (" two\n\tlines\u2028here ", "two lines here"),
        ("e\u0301", "é"),
        ("\u200b\u200d", "unnamed"),
        ("\udcff", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_cleaned(given, cleaned):
    assert clean_name(given) == cleaned
