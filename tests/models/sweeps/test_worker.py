"""A worker trains what it is told to, group after group, and reports whatever happens."""

import io
import json
import os
import queue
import threading
from dataclasses import replace

import pytest

from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps import worker as worker_module
from tests.helpers.configs import tiny
from tests.helpers.processes import PATIENCE
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import RUN, assert_same_result, created


class Reports(io.StringIO):
    """What a worker writes, line by line."""

    def __init__(self):
        super().__init__()
        self.lines = queue.Queue()

    def write(self, text):
        if text.strip():
            self.lines.put(json.loads(text))

    def until(self, last):
        seen = []
        while not seen or not last(seen[-1]):
            seen.append(self.lines.get(timeout=PATIENCE))
        return seen


@pytest.fixture
def worker(tmp_path):
    """A worker in a thread, its orders (a file to write to) and its reports."""
    receive, send = os.pipe()
    reports = Reports()
    with open(receive) as orders, open(send, "w", buffering=1) as given_orders:
        thread = threading.Thread(
            target=worker_module.work, args=(orders, reports, tmp_path), daemon=True
        )
        thread.start()
        yield given_orders, reports
        given_orders.close()
        thread.join(60)
        assert not thread.is_alive()


def test_worker_trains_group_after_group(worker, separate, tmp_path):
    orders, reports = worker
    runs = created(tmp_path)
    for group in (runs[:3], runs[3:]):
        orders.write(json.dumps([run.id for run in group]) + "\n")
        seen = reports.until(lambda message: message == "ready")
        assert sorted(m["run_id"] for m in seen[:-1] if m["kind"] == "done") == sorted(
            run.id for run in group
        )
        assert all(0 < m["share"] <= 1 for m in seen[:-1] if m["kind"] == "advanced")
    for run in runs:
        assert_same_result(run, separate)


def test_worker_keeps_everything_when_it_is_told_no_more(worker, tmp_path):
    orders, reports = worker
    runs = created(tmp_path, config=tiny(training={"epochs": 10_000}))
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    reports.until(lambda message: message["kind"] == "advanced")
    orders.close()
    reports.until(lambda message: message == "ready")
    steps = {read(run.model_path).card.steps for run in runs}
    assert len(steps) == 1 and 0 < steps.pop() < 200_000
    assert {int(read_tensors(run.state_path)[0]["step"][0]) for run in runs} == {
        read(runs[0].model_path).card.steps
    }


def test_worker_reports_a_full_disk(worker, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "/tmp/private")

    orders, reports = worker
    runs = created(tmp_path, [0.3, 1.0])
    monkeypatch.setattr("models.atomic.os.fsync", full)
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    *seen, _ = reports.until(lambda message: message == "ready")
    for message in seen:
        assert message["kind"] == "failed"
        assert "no space left on device" in assert_sentence(message["reason"])


def test_worker_reports_data_that_is_not_there(worker, tmp_path):
    orders, reports = worker
    runs = created(tmp_path, [0.3, 1.0], replace(RUN, data="gone.npz"))
    orders.write(json.dumps([run.id for run in runs]) + "\n")
    *seen, last = reports.until(lambda message: message == "ready")
    assert last == "ready" and [message["kind"] for message in seen] == ["failed", "failed"]
    for message in seen:
        assert "data must be one of" in assert_sentence(message["reason"])
