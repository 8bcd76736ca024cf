"""Acts on jobs and runs; the next run of the page shows what went wrong."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.jobs.job import JobError


def attempt(action: Callable[[], object]) -> None:
    """Acts on jobs or runs, and keeps the sentence of why that failed."""
    try:
        action()
    except (JobError, ValueError) as error:
        st.session_state.train_problem = str(error)
