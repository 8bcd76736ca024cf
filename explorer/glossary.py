"""The glossary: what every number and symbol on the screen is. One table for Python and browser.

explorer/browser/glossary/terms.json holds the table. A term on the screen is a button with the
attribute `data-why`; explorer/browser/glossary/why.js shows its entry. Knows no Streamlit.
"""

from __future__ import annotations

import functools
import html
import json
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "browser" / "glossary" / "terms.json"


class Term(NamedTuple):
    """One number or symbol: how it is written, its name, what it is, its unit, formula, how it is
    measured, and the id of the lesson on it. What it does not have is empty."""

    symbol: str
    name: str
    what: str
    unit: str
    formula: str
    measured: str
    lesson: str


@functools.cache
def terms() -> dict[str, Term]:
    """Reads the table: every term by its key.

    Example:
        >>> terms()["rate"].symbol
        'R'
    """
    return {
        key: Term(**entry) for key, entry in json.loads(TABLE.read_text(encoding="utf-8")).items()
    }


def why(key: str, text: str = "") -> str:
    """Writes a term as HTML: its symbol, underlined, which explains itself on a click.

    Args:
        key: Of the table.
        text: In place of the symbol.

    Raises:
        KeyError: If the table has no such term.

    Example:
        >>> why("rate")
        '<button type="button" class="why" data-why="rate" aria-label="R: why?">R</button>'
    """
    shown = html.escape(text or terms()[key].symbol)
    return (
        f'<button type="button" class="why" data-why="{key}" aria-label="{shown}: why?">'
        f"{shown}</button>"
    )


def row(*keys: str, **texts: str) -> str:
    """Writes terms side by side as HTML, for what cannot hold a button itself: charts, tables.

    Args:
        keys: Of the table.
        texts: In place of symbols, by key: what a term looks like where it is drawn.

    Example:
        >>> ">circles<" in row("beta", "prior", prior="circles")
        True
    """
    shown = " · ".join(why(key, texts.get(key, "")) for key in keys)
    return f'<p class="terms">Why? {shown}</p>'
