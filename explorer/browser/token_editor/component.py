"""The editor of tokens as a component: a VQ-VAE's codes, edited, walked through and drawn."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.assets import bundle
from explorer.browser.loader import as_text, loader

_FOLDER = Path(__file__).parent


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "token_editor",
        html=bundle.markup("token_editor/editor"),
        css=(_FOLDER / "editor.css").read_text(encoding="utf-8"),
        js=loader("tokenEditor"),
        isolate_styles=False,
    )


def token_editor(model_url: str, colours: Sequence[str], key: str) -> None:
    """Places the editor.

    Args:
        model_url: Where the file of `models.export.tokens_file` is.
        colours: Of the codes, as CSS writes them.
        key: Of the component.
    """
    loader("tokenEditor")  # the script stays published
    _component()(data=as_text({"model": model_url, "colours": list(colours)}), key=key)
