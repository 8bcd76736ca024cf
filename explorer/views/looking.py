"""The message to a session that may only look, and the way out."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.services import permissions


def may_make() -> bool:
    """Tells whether this session may make something; if not, it says why and what to do."""
    if permissions.is_embedded():
        st.link_button("Open in a window to train", state.address())
    elif problem := permissions.obstacle():
        st.caption(problem)
    return not permissions.obstacle()
