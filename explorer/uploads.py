"""Files that a user hands over: each is taken once, and the server forgets it.

Streamlit keeps an upload in memory as long as the session lives, unless it is told not to; and
an uploader shows its files until it is replaced by another.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

IMAGES = ["png", "jpg", "jpeg", "gif", "webp"]


def ask(label: str, name: str, is_folder: bool = False) -> list[tuple[str, bytes]]:
    """An uploader that is empty again in the next run.

    Args:
        label: Above it.
        name: Tells it from others.
        is_folder: Whether it takes a folder of images; else it takes files of any kind.

    Returns:
        Name and content of what was handed over since the last run; [] if nothing was.
    """
    count = st.session_state.get(f"uploads-{name}", 0)
    kind = {"accept_multiple_files": "directory" if is_folder else True}
    types = IMAGES if is_folder else None
    files = st.file_uploader(label, types, key=f"{name}-{count}", **kind)
    found = [(file.name, file.getvalue()) for file in files]
    if found:
        st.session_state[f"uploads-{name}"] = count + 1
        _forget([file.file_id for file in files])
    return found


def _forget(file_ids: list[str]) -> None:
    """Has the server give up its copies."""
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    for file_id in file_ids if remove else []:
        remove(context.session_id, file_id)
