"""Untrusted text made safe to show: names without control characters, of bounded length."""

from __future__ import annotations

import unicodedata
from typing import Any


def clean_name(text: Any, fallback: str = "unnamed", longest: int = 80) -> str:
    """Makes untrusted text a label: one line, no control or direction characters, cut to size.

    Example:
        >>> clean_name("my\\u202e faces\\n")
        'my faces'
    """
    text = unicodedata.normalize("NFC", str(text)[:1000])
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    return " ".join(kept.split())[:longest].strip() or fallback
