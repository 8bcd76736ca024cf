"""The button that saves a map as one HTML file: its size is shown before it is taken."""

from __future__ import annotations

import streamlit as st

from explorer.assets.map_spec import Scene
from explorer.services import cache
from explorer.widgets import inputs


def button(shown: Scene, name: str) -> None:
    """Offers the map of a scene as a file that needs no server.

    Args:
        shown: The map.
        name: Tells the buttons of several maps apart.
    """
    if cache.problem(shown.checkpoint):
        return
    with st.popover("Save as HTML"):
        st.write("One file with this map in it: pointer, pins, walks and overlays work offline.")
        images = cache.originals(shown.checkpoint)
        originals = images is not None and st.toggle(
            "With the original test images", True, key=f"with-originals{name}"
        )
        if not st.button("Make the file", key=f"make-html{name}"):
            return
        with st.spinner("Making the file…"):
            page = cache.html_page(shown, originals)
        st.download_button(
            f"Save {len(page) / 1e6:.1f} MB",
            page,
            f"{inputs.file_name(shown.checkpoint.card.title)}.html",
            "text/html",
            on_click="ignore",
            key=f"html{name}",
        )
