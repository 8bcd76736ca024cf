"""The work that goes on beside the pages, one of each for the whole server."""

from __future__ import annotations

import threading
from pathlib import Path

import streamlit as st

from explorer.jobs.downloads import Downloads
from explorer.jobs.measurements import Measurements
from explorer.jobs.queue import Jobs
from explorer.jobs.tsne_maps import Projections
from models.runs.folder import default_runs_dir

_JOBS: dict[Path, Jobs] = {}
_OPENING = threading.Lock()


def jobs() -> Jobs:
    """Opens the queue of training runs and sweeps; clearing Streamlit's caches does not lose it."""
    folder = default_runs_dir().resolve()
    with _OPENING:
        if folder not in _JOBS:
            _JOBS[folder] = Jobs(folder)
        return _JOBS[folder]


@st.cache_resource(show_spinner=False)
def projections() -> Projections:
    """Opens the shared t-SNE worker; maps are kept beside the runs."""
    return Projections(default_runs_dir() / ".maps")


@st.cache_resource(show_spinner=False)
def downloads() -> Downloads:
    """Opens the downloads of data sets."""
    return Downloads()


@st.cache_resource(show_spinner=False)
def measurements() -> Measurements:
    """Opens the experiments of lessons; results are kept beside the runs."""
    return Measurements(default_runs_dir() / ".lessons")
