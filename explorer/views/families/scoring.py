"""The button that has models draw images and scores them, and how far that is."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import page_queue, state
from explorer.services import families
from explorer.services.catalogue import Entry
from explorer.views import looking
from explorer.widgets import inputs
from explorer.widgets.text import plain

TICK_SECONDS = 1.0


def show(data: str, missing: Sequence[Entry]) -> None:
    """Offers to score the models that have no report yet, or follows that.

    Args:
        data: Name of their data set.
        missing: The models.
    """
    progress = families.progress(data)
    if progress is not None and progress.is_running:
        page_queue.fragment(_follow, run_every=TICK_SECONDS)(data)
        return
    if progress is not None and progress.problem:
        st.error(plain(f"The images could not be scored: {progress.problem}."))
    missing = [entry for entry in missing if families.can_draw(entry)]
    if not missing:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if looking.may_make():
            count = f"{len(missing)} model" + "s" * (len(missing) > 1)
            inputs.button(f"Score the images of {count}", lambda: _start(data, missing))
            st.caption(f"Each draws {families.COUNT:,} images; a few seconds each.")
    if st.session_state.pop("scoring_refused", False):
        st.info("Two data sets are being scored already. Try again when one of them is done.")


def _start(data: str, missing: Sequence[Entry]) -> None:
    st.session_state.scoring_refused = not families.measure(data, missing)


def _follow(data: str) -> None:
    """A bar until it ends; then the page is shown again."""
    progress = families.progress(data)
    if progress is None or not progress.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.share, f"Drawing images and scoring them: {progress.share:.0%}")
        if families.may_cancel(data):
            inputs.button("Cancel", lambda: families.cancel(data), key="cancel-scoring")
    state.publish()
