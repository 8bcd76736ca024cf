"""A queue that starts no job, for the tests of the Train page."""

import pytest

from explorer.services import job_queue
from tests.helpers.train_page import Desk


@pytest.fixture
def desk(monkeypatch):
    found = Desk()
    monkeypatch.setattr(job_queue, "jobs", lambda: found)
    return found
