"""An empty runs folder and empty caches, for the tests of the map's page."""

import pytest
import streamlit as st

from explorer.services import job_queue


@pytest.fixture(autouse=True)
def quiet(no_runs):
    """An empty runs folder, and no projection remembered of another one.

    What is known by a file's path and time, or by its content, may stay.
    """
    job_queue.projections.clear()


@pytest.fixture(autouse=True, scope="module")
def streamlit():
    """Streamlit with empty caches."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
