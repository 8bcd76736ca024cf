"""Several visitors at once, beside a training that one of them has started, without a browser."""

import pytest

from models.data.drawing import EXAMPLES
from models.runs.folder import list_runs
from tests.benchmarks import concurrency
from tests.benchmarks.session import Session
from tests.helpers.leftovers import removing_new

pytestmark = [pytest.mark.slow, pytest.mark.promise]
VISITORS = 8
MIX = {"pin": 2, "setting": 1, "draw": 1, "page": 2}
TRAINING = "preset=digits-2d&epochs=1000&batch=16"


@pytest.fixture(scope="module")
def load(server, runs_dir):
    """What eight visitors met, and the epochs that were trained meanwhile."""
    Session(server[0], "").close()  # imports what the first one needs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concurrency, "PAUSE_SECONDS", 1.5)
        with removing_new(runs_dir), concurrency.training_job(server[0], runs_dir, TRAINING):
            run = list_runs(runs_dir)[0]
            before = len(run.history.rows())
            found = concurrency.crowd(server[0], VISITORS, 6, MIX)
            return found, len(run.history.rows()) - before


def test_all_come_at_once_and_are_answered(load):
    found, _ = load
    assert len(found.openings) == VISITORS
    assert found.errors == 0
    assert max(found.openings) < 10_000


def test_every_action_is_answered_soon(load):
    found, _ = load
    assert len(found.of(*MIX)) >= VISITORS
    assert set(found.actions) == set(MIX)
    assert max(found.of(*found.actions)) < 5000


def test_the_training_goes_on_and_is_looked_at(load):
    found, epochs = load
    assert epochs > 0
    assert found.looks and max(found.looks) < 5000


def test_a_stroke_runs_two_parts_of_the_page_and_not_the_whole(server):
    session = Session(server[0], "model=digits-2d-beta-1")
    session.draw(EXAMPLES[3])
    session.draw(EXAMPLES[4])
    session.pin(1)
    session.close()
    assert session.errors == 0 and session.whole_runs == 1


def test_a_point_that_is_not_there_is_counted_as_an_error(server):
    """So that a crowd without errors says something."""
    session = Session(server[0], "model=digits-2d-beta-1")
    assert session.errors == 0
    session.pin(10_000)
    session.close()
    assert session.errors == 1
