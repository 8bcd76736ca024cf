"""The lens: the browser decodes the spot of the map under the pointer, without the server.

Python sends decoder, codes and plane once per model and map; no move comes back.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent
_SCRIPT = "\n".join((_FOLDER / name).read_text() for name in ("decoder.js", "lens.js"))
_HTML = '<div class="lens" hidden><canvas></canvas><p></p></div>'

_lens = st.components.v2.component(
    "latent_lens", html=_HTML, css=(_FOLDER / "style.css").read_text(), js=_SCRIPT
)


def show(payload: bytes) -> None:
    """Places the lens; it floats over the map and takes no room.

    Args:
        payload: As `explorer.cache.lens` packs it.
    """
    _lens(data=payload, key="lens")
