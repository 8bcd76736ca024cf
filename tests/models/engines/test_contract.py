"""What every engine promises, whatever does the work: all of them and a fake one keep it."""

import os
import time

import pytest

from models.engines.handle import CANCELLED, DONE, FAILED, RUNNING, UNEXPECTED, Result, Work
from tests.helpers.dask_cluster import NEEDS_DASK
from tests.helpers.engines import ENGINES
from tests.helpers.processes import PATIENCE, python, wait
from tests.helpers.workers import descendants, is_gone

KINDS = [pytest.param(kind, marks=[*NEEDS_DASK] * (kind == "dask")) for kind in ENGINES]


@pytest.fixture(params=KINDS)
def engine(request):
    made = ENGINES[request.param]()
    yield made
    made.close()


def test_events_come_in_order_and_then_the_end(engine):
    handle = engine.start(Work(("count", "200")))
    assert [event["number"] for event in handle.events()] == list(range(200))
    assert handle.result(PATIENCE) == Result(DONE, "") and handle.state == DONE
    assert handle.latest == {"number": 199}


def test_the_reason_of_a_failure_is_one_sentence(engine):
    handle = engine.start(Work(("fail", "beta must be 0 to 10000, got -2")))
    assert handle.result(PATIENCE) == Result(FAILED, "beta must be 0 to 10000, got -2")
    assert list(handle.events()) == [] and handle.state == FAILED


def test_an_unexpected_error_shows_nothing_of_itself(engine):
    assert engine.start(Work(("crash",))).result(PATIENCE) == Result(FAILED, UNEXPECTED)


def test_cancel_reaches_running_work_which_saves_and_ends(engine):
    handle = engine.start(Work(("wait",)))
    wait(lambda: handle.latest == "waiting")
    assert handle.state == RUNNING
    with pytest.raises(TimeoutError):
        handle.result(0.01)
    began = time.monotonic()
    handle.cancel(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2, "the caller does not wait"
    assert handle.result(PATIENCE) == Result(CANCELLED, "")
    assert list(handle.events()) == ["waiting", "saved"]
    handle.cancel(0.0)  # once more is no error
    assert handle.state == CANCELLED


def test_work_that_does_not_listen_is_ended(engine):
    handle = engine.start(Work(("ignore",)))
    wait(lambda: handle.latest == "waiting")
    handle.cancel(0.2)
    assert handle.result(PATIENCE).state == CANCELLED


def test_two_pieces_of_work_go_on_at_once_and_do_not_disturb_each_other(engine):
    first, second = (engine.start(Work(("wait",))) for _ in range(2))
    wait(lambda: first.latest == second.latest == "waiting")
    third = engine.start(Work(("fail", "no")))
    assert third.result(PATIENCE).state == FAILED
    first.cancel(PATIENCE)
    assert first.result(PATIENCE).state == CANCELLED and second.state == RUNNING
    second.cancel(PATIENCE)
    assert second.result(PATIENCE).state == CANCELLED


def test_after_an_end_there_is_more_work(engine):
    for count in (3, 1, 2):
        handle = engine.start(Work(("count", str(count))))
        assert len(list(handle.events())) == count


OWNER = """
import sys, time
from models.engines.handle import Work
from tests.helpers.engines import ENGINES
handle = ENGINES[sys.argv[1]]().start(Work(("beat", sys.argv[2])))
sys.stdin.read()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_work_outlives_its_owner(kind, tmp_path):
    path = tmp_path / "beats"
    owner = python("-c", OWNER, kind, str(path), stdin=-1)
    wait(lambda: path.exists() and path.stat().st_size > 3)
    family = descendants(owner.pid)
    assert family or kind == "fake", "a thread works in its owner's process"
    owner.kill()
    owner.communicate()
    wait(lambda: all(map(is_gone, family)))


def test_this_process_is_not_what_works(tmp_path):
    """Of the local engine: a crash there touches nobody here."""
    handle = ENGINES["local"]().start(Work(("wait",)))
    wait(lambda: handle.latest == "waiting")
    assert handle.pid not in (0, os.getpid())
    os.kill(handle.pid, 9)
    result = handle.result(PATIENCE)
    assert result.state == FAILED and "was killed" in result.reason
