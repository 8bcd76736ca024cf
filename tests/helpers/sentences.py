"""Checks sentences that are meant for a user's screen."""

import re
import tempfile

import pytest

from tests.helpers.paths import ROOT


def assert_sentence(text: str) -> str:
    """The text, once it is known to be one sentence fit for a user's screen."""
    assert text and text.isprintable() and len(text) <= 300, text
    ours = re.sub("'[^']*'", "''", text)  # names that the user chose are quoted
    assert ". " not in ours and not text.endswith("."), text
    for private in ("Traceback", str(ROOT), "/tmp", tempfile.gettempdir()):
        assert private not in text, text
    return text


def assert_refuses(sentence, make, *args, **kwargs):
    """A ValueError comes out, and says exactly this."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make(*args, **kwargs)
