"""Sweeps on Dask from the Trade-off: what the form offers, and what is shown of one at work."""

import threading

import pytest

from explorer.jobs.elsewhere import DaskNews, Scheduler
from explorer.jobs.job import Job
from explorer.server import options
from explorer.server.options import Options
from explorer.services import job_queue, permissions
from models.engines.dask_scheduler import unreachable
from models.engines.system import cores
from models.engines.worker import WorkError
from tests.helpers.app_test import choose, open_view, press, said, settle
from tests.helpers.engines import FakeEngine
from tests.helpers.processes import wait
from tests.helpers.train_page import field

ADDRESS = "tcp://127.0.0.1:8786"
NEWS = DaskNews(4, 3, 1, "http://127.0.0.1:8787/status", "the worker w has another processor")
WORKING = Job(
    "1", "β sweep on Dask: digits", "running", share=0.5, text="4 of 8 runs done", runs=("a",),
    engine="dask", dask=NEWS,
)  # fmt: skip


@pytest.fixture
def started(monkeypatch, no_runs, desk):
    """Starts the app with a scheduler, of which a task in a thread answers what is asked."""

    def start(task=lambda words, tell, is_stopped: tell({"workers": 4}), address=ADDRESS):
        found = Scheduler(address, FakeEngine(task))
        monkeypatch.setattr(options, "_current", Options(dask=address))
        monkeypatch.setattr(job_queue, "_scheduler", lambda asked: found)
        return found

    return start


def answered(scheduler):
    """The same, once its first answer is there."""
    scheduler.look()
    wait(lambda: not scheduler.known().is_asked)
    return scheduler


def plain_text(at):
    """All that is written, as it is read."""
    return said(at).replace("\\", "")


def bar(at):
    """What stands at the one bar of the page."""
    (found,) = at.get("progress")
    return found.proto.text.replace("\xa0", " ").replace("\\", "")


def test_without_a_scheduler_of_the_start_there_is_no_choice(no_runs, desk):
    at = open_view("trade_off", **{"sweep-engine": "dask"})
    assert field(at, "sweep-engine") is None
    press(at, "Train 8 models")
    assert [engine for _, _, engine in desk.asked] == [""]


def test_the_form_offers_the_scheduler_of_the_start_and_no_other(started, desk):
    answered(started())
    at = open_view("trade_off", **{"sweep-engine": "tcp://evil.example:8786"})
    offered = field(at, "sweep-engine")
    assert offered.options == ["This machine", "Dask, 4 workers at 127.0.0.1:8786"]
    assert offered.value == "" and "is not possible" in said(at)
    assert [each.key for each in at.text_input] == ["control-betas"], "no address is typed"
    press(choose(at, "sweep-engine", "dask"), "Train 8 models")
    ((configs, label, engine),) = desk.asked
    assert (len(configs), engine) == (8, "dask") and label.startswith("β sweep on Dask: ")


def test_the_number_of_workers_comes_when_it_is_known(started):
    gate = threading.Event()
    scheduler = started(lambda words, tell, is_stopped: gate.wait() and tell({"workers": 1}))
    at = open_view("trade_off")
    assert field(at, "sweep-engine").options[1] == "Dask at 127.0.0.1:8786"
    gate.set()
    wait(lambda: not scheduler.known().is_asked)
    assert field(settle(at), "sweep-engine").options[1] == "Dask, 1 worker at 127.0.0.1:8786"
    settle(at)
    assert len(scheduler._engine.handles) == 1, "it is asked now and then, not at every run"


def test_workers_of_this_machine_are_known_without_asking(started):
    scheduler = started(address="local")
    count = cores()
    label = f"Dask, {count} worker{'' if count == 1 else 's'} on this machine"
    assert field(open_view("trade_off"), "sweep-engine").options[1] == label
    assert scheduler._engine.handles == []


def test_a_scheduler_that_does_not_answer_is_named_and_can_be_tried(started, desk):
    def fail(words, tell, is_stopped):
        raise WorkError(unreachable(ADDRESS))

    answered(started(fail))
    at = open_view("trade_off")
    assert "must listen" not in said(at), "nothing is said of what is not chosen"
    choose(at, "sweep-engine", "dask")
    sentence = unreachable(ADDRESS)
    assert sentence[1:] in plain_text(at)
    press(at, "Train 8 models")
    assert desk.asked[0][2] == "dask"


def test_workers_queue_and_dashboard_are_shown_while_it_works(started, desk):
    answered(started())
    desk.jobs = [WORKING]
    at = open_view("trade_off")
    assert bar(at) == "β sweep on Dask: digits: 4 of 8 runs done"
    (link,) = at.get("link_button")
    assert (link.proto.label, link.proto.url) == ("Dask’s dashboard", NEWS.dashboard)
    line = "Dask: 4 workers, 3 runs in training, 1 waiting. The worker w has another processor."
    assert line in plain_text(at)
    press(at, "Cancel")
    assert desk.done == [("cancel", "1")]


@pytest.mark.parametrize(
    ("news", "sentence"),
    [
        (None, "Connecting to Dask."),
        (DaskNews(0, 2, 0), "Dask: no worker now, 2 runs in training, 0 waiting."),
        (DaskNews(1, 1, 7), "Dask: 1 worker, 1 run in training, 7 waiting."),
    ],
)
def test_what_it_waits_for_is_said(started, desk, news, sentence):
    answered(started())
    desk.jobs = [Job(**{**vars(WORKING), "dask": news})]
    at = open_view("trade_off")
    assert sentence in plain_text(at) and not at.get("link_button")


def test_others_of_a_class_see_it_and_cannot_end_it(started, desk, monkeypatch):
    answered(started())
    monkeypatch.setattr(permissions, "is_teacher", lambda: False)
    monkeypatch.setattr(permissions, "may_change", lambda owner: owner == "mine")
    for owner, buttons in (("hers", 0), ("mine", 1)):
        desk.jobs = [Job(**{**vars(WORKING), "owner": owner})]
        at = open_view("trade_off")
        assert "Dask: 4 workers" in plain_text(at)
        assert not at.get("link_button"), "the dashboard can end work"
        assert [each.label for each in at.button].count("Cancel") == buttons


def test_an_end_is_one_sentence_and_it_can_be_resumed(started, desk):
    answered(started())
    reason = "the Dask scheduler must live to the end, but its connection broke"
    desk.jobs = [Job("1", WORKING.title, "failed", share=0.5, reason=reason, runs=("a",))]
    at = open_view("trade_off")
    assert f"β sweep on Dask: digits failed at 50%: {reason}." in plain_text(at)
    press(at, "Resume")
    assert desk.done == [("resume", "1")]
