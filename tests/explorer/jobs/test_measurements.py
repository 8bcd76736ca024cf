"""Experiments that run again: one process for all who ask, a result that is whole, and an end."""

import pytest

from explorer.jobs.measurements import Measurements
from explorer.jobs.shared_work import MAX_RUNNING
from models.engines.handle import CANCELLED, DONE, FAILED, RUNNING, Result
from models.lessons.measurement import Measurement
from tests.helpers.processes import wait


class Handle:
    """Work that a test ends."""

    def __init__(self, work):
        self.work, self.state, self.latest, self.reason = work, RUNNING, None, ""

    def cancel(self, patience):
        self.state = CANCELLED

    def result(self, timeout=None):
        return Result(self.state, self.reason)


class Engine:
    """Starts nothing, and remembers what it was asked for."""

    def __init__(self):
        self.started = []

    def start(self, work):
        self.started.append(Handle(work))
        return self.started[-1]


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def measurements(engine, tmp_path):
    return Measurements(tmp_path / "lessons", engine)


def test_two_who_ask_for_the_same_share_one_process(measurements, engine):
    assert measurements.start("blur", (5, 6)) and measurements.start("blur", (5, 6))
    (handle,) = engine.started
    assert handle.work.words[:4] == ("lesson", "blur", "--seeds", "5,6")
    handle.latest = 0.25
    assert measurements.get("blur", (5, 6)) == (True, 0.25, "")
    assert measurements.get("blur", (7, 8)) is None


def test_there_is_room_for_a_few(measurements, engine):
    for seed in range(MAX_RUNNING):
        assert measurements.start("blur", (seed,))
    assert not measurements.start("blur", (99,))
    engine.started[0].state = DONE
    assert measurements.start("blur", (99,))


def test_one_that_is_cancelled_is_forgotten_and_can_start_again(measurements, engine):
    measurements.start("blur", (1,))
    measurements.cancel("blur", (1,))
    assert engine.started[0].state == CANCELLED and measurements.get("blur", (1,)) is None
    assert measurements.start("blur", (1,)) and len(engine.started) == 2


def test_one_that_fails_says_why(measurements, engine):
    measurements.start("blur", (1,))
    engine.started[0].state, engine.started[0].reason = FAILED, "the disk is full"
    assert measurements.get("blur", (1,)) == (False, 0.0, "the disk is full")


def test_a_real_process_leaves_a_whole_result(tmp_path):
    measurements = Measurements(tmp_path / "lessons")
    measurements.start("density", (3,))
    path = measurements.path("density", (3,))
    wait(lambda: not measurements.get("density", (3,)).is_running)
    assert measurements.get("density", (3,)).problem == ""
    found = Measurement.read(path)
    assert found.command == "python -m models lesson density --seeds 3"
    assert found.count == 20
