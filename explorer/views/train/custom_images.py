"""The user's own images: new ones, and the sets that are kept, used, removed and restored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer import state
from explorer.services import data_sets, job_queue, permissions, run_folders
from explorer.views.train import new_images
from explorer.widgets import inputs
from explorer.widgets.text import plain
from models.data.image_set import DataError
from models.data.library import (
    MAX_SETS,
    MAX_STORED,
    DataSetInfo,
    list_paths,
)


def show() -> None:
    """Shows the upload of new images, and the sets that are kept."""
    with st.expander("Your own images", key="own-images"):
        for name, show_it in (("own_problem", st.error), ("own_done", st.success)):
            if text := st.session_state.pop(name, ""):
                show_it(plain(text))
        _undo()
        if not permissions.obstacle():
            new_images.show()
        _kept()


def _kept() -> None:
    """The sets there are, each with what can be done with it."""
    found = data_sets.custom_sets()
    damaged = [name for name in list_paths() if name not in found]
    for facts in found.values():
        _one(facts)
    for name in damaged:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"The file of {name} is damaged: remove it and add the images again.")
            if data_sets.may_change_set(name):
                _button("Remove", lambda name=name: _remove(name, name), name)
    if state.get("data") in found and "own_upload" not in st.session_state:
        images = data_sets.custom_samples(state.get("data"))
        if images is not None:
            new_images.show_pictures(images)
    if found:
        small = [facts for facts in found.values() if not facts.is_large]
        megabytes = sum(facts.bytes for facts in small) / 2**20
        st.caption(
            f"Sets: {len(found)}, {megabytes:z.1f} MB. They stay on this machine, beside your "
            f"runs. From this page there may be at most {MAX_SETS} sets and {MAX_STORED >> 20} MB."
            + _says_large([facts for facts in found.values() if facts.is_large])
        )


def _says_large(found: list[DataSetInfo]) -> str:
    """What is bounded by the disk instead."""
    if not found:
        return ""
    gigabytes = sum(facts.bytes for facts in found) / 2**30
    return f" Large sets take {gigabytes:z.1f} GB besides, each at most a quarter of the disk."


def _one(facts: DataSetInfo) -> None:
    """One set in a line, and its buttons."""
    is_chosen = state.get("data") == facts.id
    size = new_images.describe_size(facts.count, facts.train, facts.image_shape)
    classes = f", {facts.classes:,} classes" if facts.classes else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(facts.title)}** · {size}{classes}", width="stretch")
        label = "In use" if is_chosen else "Use"
        _button(label, lambda: new_images.use(facts.id), facts.id, disabled=is_chosen)
        if data_sets.may_change_set(facts.id):
            _button("Remove", lambda: _remove(facts.id, facts.title), facts.id)


def _button(label: str, action: Callable[[], object], name: str, **options: Any) -> None:
    """A button of one set."""
    inputs.button(label, lambda: new_images.attempt(action), key=f"{label}-{name}", **options)


def _remove(name: str, title: str) -> None:
    """Moves a set aside, unless a training run needs it, and remembers what can be undone."""
    users = [run.id for run, config in run_folders.configured_runs() if config.data == name]
    live = [job for job in job_queue.jobs().all() if job.is_live]
    if any(run_id in users for job in live for run_id in job.runs):
        raise DataError("a set can be removed once training on it has ended: cancel the run first")
    data_sets.remove_set(name)
    st.session_state.own_removed = name, title, len(users)
    if state.get("data") == name:
        state.put(data=None, batch=None)


def _undo() -> None:
    """The way back, after a set was removed."""
    name, title, users = st.session_state.get("own_removed", ("", "", 0))
    if name in data_sets.removed_sets():
        runs = f" Runs that no longer show their originals: {users}." if users else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"“{plain(title)}” was removed.{runs}")
            restore = lambda: data_sets.recover_set(name)  # noqa: E731
            inputs.button("Undo", lambda: new_images.attempt(restore), key="own-undo")
