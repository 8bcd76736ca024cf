"""Uploaded files: each is returned once, and the server forgets it.

Streamlit keeps an upload in memory as long as the session lives, unless it is released; and
an uploader shows its files until it is replaced by another.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.server import uploads


def ask(
    label: str, name: str, types: Sequence[str] | None = None, is_folder: bool = False
) -> list[tuple[str, bytes]]:
    """Shows an uploader that is empty again in the next run.

    Args:
        label: Above it.
        name: Tells it from others.
        types: What the names of files must end with; None: anything.
        is_folder: Whether it takes a folder; else it takes files.

    Returns:
        Name and content of what was uploaded since the last run; [] if nothing was.
    """
    uploads.note(name)
    count = st.session_state.get(f"uploads-{name}", 0)
    kind = {"accept_multiple_files": "directory" if is_folder else True}
    files = st.file_uploader(label, types, key=f"{name}-{count}", **kind)
    found = [(file.name, file.getvalue()) for file in files]
    if found:
        st.session_state[f"uploads-{name}"] = count + 1
        _forget([file.file_id for file in files])
    return found


def _forget(file_ids: list[str]) -> None:
    """Removes the server's copies."""
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    for file_id in file_ids if remove else []:
        remove(context.session_id, file_id)
