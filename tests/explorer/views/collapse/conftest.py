"""A small collapsed run, for the tests of the Collapse page."""

import pytest

from tests.helpers.collapse_page import SMALL, train


@pytest.fixture
def small(no_runs):
    """A small run on the digits."""
    return train(no_runs, SMALL)
