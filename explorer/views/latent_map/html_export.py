"""The button that saves a map as one HTML file; its size is shown before the download."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.assets.map_spec import MapSpec
from explorer.services import loaded_model, page_files
from explorer.services.loaded_model import LoadedModel
from explorer.widgets.text import file_name, size


def button(model: LoadedModel, shown: MapSpec, kept: dict[str, Any], name: str) -> None:
    """Offers a map as a file that needs no server.

    Args:
        model: Whose map it is.
        shown: The map.
        kept: What was touched: `point`, `pins` and `look`, as the live map takes them.
        name: Tells the buttons of several maps apart.
    """
    if loaded_model.has_network() and model.problem:
        return
    with st.popover("Save as HTML"):
        st.write(
            "One file with this map in it, with your pins, selection and overlays. Everything on "
            "the map works in it offline."
        )
        images = model.test_images
        originals = images is not None and st.toggle(
            "With the original test images", True, key=f"with-originals{name}"
        )
        if not st.button("Make the file", key=f"make-html{name}"):
            return
        with st.spinner("Making the file…"):
            page = page_files.html_page(model, shown, originals, kept)
        st.download_button(
            f"Save {size(len(page))}",
            page,
            f"{file_name(model.card.title)}.html",
            "text/html",
            on_click="ignore",
            key=f"html{name}",
        )
