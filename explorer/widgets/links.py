"""Links to other pages of the app, which open in the same tab."""

from __future__ import annotations

import html
from urllib.parse import quote

import streamlit as st


def open_map(name: str) -> None:
    """Shows the way to the map of a model."""
    to("Open its map", f"./?model={quote(name)}")


def to(label: str, address: str) -> None:
    """Shows a link that looks like a button.

    Args:
        label: What it says.
        address: Relative to the page, such as "./?model=a".
    """
    st.html(
        f'<a class="button-link" href="{html.escape(address)}" target="_self">'
        f"{html.escape(label)}</a>",
        width="content",
    )
