"""The t-SNE map: found on disk, or computed by the shared worker under a progress bar.

Called outside every fragment: a click within one would wait until this run has ended, and
Cancel must not.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import numpy as np
import streamlit as st

from explorer import state
from explorer.jobs.queue import JobError
from explorer.services import cache
from explorer.widgets import inputs
from models.storage.checkpoint import Checkpoint

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


def _compute(entry: cache.Entry, path: Path, count: int) -> bool:
    """Watches the worker until the map is there; any other action of the user leaves it."""
    inputs.button("Cancel", lambda: state.put(view="raw"))
    bar = st.progress(0.0, "Starting…")
    started = time.monotonic()
    try:
        with closing(cache.projections().watch(entry.path, path)) as shares:
            for done in shares:
                bar.progress(done or 0.0, _text(done, count, time.monotonic() - started))
    except JobError as error:
        st.error(str(error))
        return False
    return True


def _text(done: float | None, count: int, seconds: float) -> str:
    """What is being done, and how long it will take."""
    if done is None:
        return "Waiting: another t-SNE map is being computed…"
    if done < 0.05:
        return f"t-SNE of {count:,} codes: finding neighbours…"
    left = seconds * (1 - done) / done
    return f"t-SNE of {count:,} codes: {done:.0%}, about {left:.0f} s left"
