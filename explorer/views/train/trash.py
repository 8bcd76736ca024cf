"""Deleted runs: the notice to their owner and the way back; and the room that a class has."""

from __future__ import annotations

import time

import streamlit as st

from explorer import state
from explorer.services import class_room, permissions, run_library
from explorer.services.run_library import Deleted
from explorer.views.train.attempts import attempt
from explorer.widgets import inputs
from explorer.widgets.text import plain, size
from models.runs.folder import Run


def delete(run: Run) -> None:
    """Moves a run aside, and remembers what can be undone."""
    title = run.title
    run_library.discard(run.id)
    st.session_state.deleted = run.id, title
    if state.get("own") == run.id:
        state.put(own=None)


def show() -> None:
    """The way back for the run that was deleted just now, for those that somebody else deleted,
    and, in a drawer, for all others."""
    just_now = st.session_state.get("deleted", ("", ""))[0]
    deleted = run_library.deleted()
    told = [one for one in deleted if one.run.id == just_now or _is_news(one)]
    for one in told:
        _line(one, "was deleted" if one.run.id == just_now else f"was deleted by {_by(one)}")
    others = [one for one in deleted if one not in told]
    if others and permissions.is_class():
        with st.expander(
            f"Deleted runs: {len(others)}, each kept for {run_library.KEPT_DAYS} days"
        ):
            for one in others:
                _line(one, "was deleted")


def _is_news(one: Deleted) -> bool:
    """Whether somebody else deleted a run of this session's."""
    return permissions.is_class() and one.run.owner == permissions.owner() != one.by


def _by(one: Deleted) -> str:
    return "the teacher" if one.by == permissions.TEACHER else "somebody else"


def _line(one: Deleted, what: str) -> None:
    """What became of a run, and the way back."""
    until = time.strftime("%d %B, %H:%M", time.localtime(one.until))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(f"The run “{one.title}” {what}. It can be restored until {until}."))
        inputs.button(
            "Undo", lambda: attempt(lambda: run_library.recover(one.run.id)),
            key=f"undo-{one.run.id}",
        )  # fmt: skip


def show_room() -> None:
    """Where the runs of a class have no room: what this session could delete."""
    if not class_room.is_full():
        return
    st.warning(f"{class_room.state()}: nothing new can be trained until there is room.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if offer := class_room.offer():
            inputs.button(
                plain(f"Delete the oldest, “{offer.title}”, {size(offer.bytes)}"),
                lambda: attempt(lambda: delete(offer.run)), key="delete-oldest",
            )  # fmt: skip
        if deleted := run_library.deleted():
            total = sum(class_room.size_of(one.run.folder) for one in deleted)
            names = [one.run.id for one in deleted]
            inputs.button(
                f"Remove {len(deleted)} deleted for good, {size(total)}",
                lambda: attempt(lambda: run_library.remove_for_good(names)),
                key="empty-trash", help="This cannot be undone.",
            )  # fmt: skip
