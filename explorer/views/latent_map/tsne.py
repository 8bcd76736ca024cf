"""The t-SNE map: shipped, found on disk, or computed by the shared worker under a progress bar.

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
from explorer.jobs.job import JobError
from explorer.services import job_queue, page_files
from explorer.services.loaded_model import LoadedModel
from explorer.widgets import inputs

MIN_POINTS = 4


def positions(model: LoadedModel) -> np.ndarray | None:
    """Finds positions (N, 2) of the test set; None, with a message, if there are none."""
    count = len(model.codes)
    if count < MIN_POINTS:
        st.info(f"t-SNE needs at least {MIN_POINTS} points; this test set has {count}.")
        return None
    shipped = page_files.shipped_tsne(model)
    if shipped is not None:
        return shipped
    path = job_queue.projections().path(model.checkpoint.fingerprint)
    if not path.exists() and not _compute(model, path):
        return None
    return page_files.tsne_positions(str(path))


def _compute(model: LoadedModel, path: Path) -> bool:
    """Watches the worker until the map is there; any other action of the user leaves it."""
    inputs.button("Cancel", lambda: state.put(view=None))
    bar = st.progress(0.0, "Starting…")
    count, started = len(model.codes), time.monotonic()
    try:
        with closing(job_queue.projections().watch(model.entry.path, path)) as shares:
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
    return f"t-SNE of {count:,} codes: {done:.0%}, about {left:z.0f} s left"
