"""What the owner of a run writes about it: title, note, pin."""

from __future__ import annotations

from typing import Any, NamedTuple

from models.text import clean_name

MAX_NOTE = 500
"""Characters of a note."""
MAX_LABEL_BYTES = 16 * 2**10


class Label(NamedTuple):
    """What the owner of a run writes about it: a title instead of its first one, a note of a few
    lines, and whether it is pinned."""

    title: str = ""
    note: str = ""
    pinned: bool = False


def clean_note(text: Any) -> str:
    """Cleans an untrusted note: the lines `clean_name` leaves, none empty, cut to `MAX_NOTE`.

    Example:
        >>> clean_note("collapsed\\u202e at\\tβ = 4\\n\\n see the map ")
        'collapsed at β = 4\\nsee the map'
    """
    lines = (clean_name(line, "", MAX_NOTE) for line in str(text)[: 4 * MAX_NOTE].splitlines())
    return "\n".join(filter(None, lines))[:MAX_NOTE].strip()
