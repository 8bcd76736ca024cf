"""The t-SNE map: found on disk, or computed by the shared worker under a progress bar."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from explorer import cache, state
from explorer.jobs import JobError
from models.checkpoint import Checkpoint

MIN_POINTS = 4


def positions(entry: cache.Entry, checkpoint: Checkpoint) -> np.ndarray | None:
    """Positions (N, 2) of the test set; None if there are none, which is then said."""
    count = len(checkpoint.codes)
    if count < MIN_POINTS:
        st.info(f"t-SNE needs at least {MIN_POINTS} points; this test set has {count}.")
        return None
    path = cache.projections().path(checkpoint.fingerprint)
    if not path.exists() and not _compute(entry, path, count):
        return None
    return cache.tsne_positions(str(path))


def _compute(entry: cache.Entry, path, count: int) -> bool:
    """Watches the worker; any other click leaves it."""
    bar = st.progress(0.0, f"Preparing t-SNE of {count:,} codes…")
    st.button("Cancel", on_click=lambda: state.put(view="raw"))
    started = time.monotonic()
    try:
        for done in cache.projections().watch(entry.path, path):
            bar.progress(done or 0.0, _progress_text(done, count, time.monotonic() - started))
    except JobError as error:
        st.error(f"{error}.".capitalize())
        return False
    st.rerun(scope="fragment" if st.session_state.get("in_fragment") else "app")


def _progress_text(done: float | None, count: int, seconds: float) -> str:
    if done is None:
        return "Waiting: another t-SNE map is being computed…"
    if done < 0.05:
        return f"t-SNE of {count:,} codes: finding neighbours…"
    left = seconds * (1 - done) / done
    return f"t-SNE of {count:,} codes: {done:.0%}, about {left:.0f} s left"
