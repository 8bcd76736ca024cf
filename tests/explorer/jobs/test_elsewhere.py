"""Sweeps on Dask in the queue of jobs: who names the scheduler, and what is known of it."""

import contextlib
import importlib.util
import json
import time

import pytest

from explorer.jobs import elsewhere
from explorer.jobs.elsewhere import DaskNews, Known, Scheduler
from explorer.jobs.job import JobError
from explorer.jobs.queue import Jobs
from models.engines.dask_scheduler import INSTALL
from models.engines.worker import WorkError
from models.runs.folder import list_runs
from models.sweeps.grid import grid
from tests.helpers.engines import FakeEngine, FakeHandle
from tests.helpers.jobs import CONFIG, ended
from tests.helpers.processes import wait

ADDRESS = "tcp://127.0.0.1:8786"
CONFIGS = grid(CONFIG, [1.0, 2.0])


def wait_for_stop(words, tell, is_stopped):
    """A sweep that tells of its workers and goes on until it is told to stop."""
    tell({"dask": {"workers": 2, "training": 2, "waiting": 0, "dashboard": "", "note": ""}})
    while not is_stopped():
        time.sleep(0.005)


@pytest.fixture
def told(monkeypatch):
    """The seconds that work was given when it was told to end; it needs none."""
    found, cancel = [], FakeHandle.cancel
    monkeypatch.setattr(FakeHandle, "cancel", lambda h, s: found.append(s) or cancel(h, 0.0))
    return found


@pytest.fixture
def jobs_with(runs_dir, told):
    """Makes a queue with a scheduler, or none, whose work is done in threads."""
    made = []

    def make(dask=ADDRESS, task=wait_for_stop, **options):
        engine = FakeEngine(task)
        made.append(Jobs(runs_dir, engine=engine, dask=dask, **options))
        return made[-1], engine

    yield make
    for jobs in made:
        for job in jobs.all():
            with contextlib.suppress(JobError):  # another queue's
                jobs.cancel(job.id)
        wait(lambda jobs=jobs: not jobs._working)


def begin(runs_dir):
    """Lets the runs of the folder look as if their training had begun."""
    for run in list_runs(runs_dir):
        run.state_path.touch()


def test_the_address_is_that_of_the_start_and_lies_on_no_disk(jobs_with, runs_dir):
    jobs, engine = jobs_with()
    job_id = jobs.sweep(CONFIGS, engine="dask")
    wait(lambda: engine.handles)
    sweep = jobs.watch(job_id).sweep
    assert engine.handles[0].work.words == ("sweep", f"--resume={sweep}", f"--dask={ADDRESS}")
    record = (runs_dir / ".jobs" / job_id / "job.json").read_text()
    assert "127.0.0.1" not in record and json.loads(record)["engine"] == "dask"
    begin(runs_dir)
    jobs.cancel(job_id)
    assert ended(jobs, job_id).state == "cancelled"
    other, engine = jobs_with("tls://cluster.example:8786")
    other.resume(job_id)
    wait(lambda: engine.handles)
    assert engine.handles[0].work.words[-1] == "--dask=tls://cluster.example:8786"


def test_a_record_that_names_a_scheduler_is_none(jobs_with, runs_dir):
    jobs, engine = jobs_with()
    job_id = jobs.sweep(CONFIGS, engine="dask")
    begin(runs_dir)
    jobs.cancel(job_id)
    ended(jobs, job_id)
    path = runs_dir / ".jobs" / job_id / "job.json"
    record = json.loads(path.read_text())
    record["arguments"].append("--dask=tls://evil.example:8786")
    path.write_text(json.dumps(record))
    other, engine = jobs_with()
    with pytest.raises(JobError, match="There is no such job"):
        other.resume(job_id)
    assert engine.handles == []


def test_a_start_without_dask_trains_nothing_there_and_says_what_to_do(jobs_with, runs_dir):
    jobs, engine = jobs_with(dask="")
    for name in ("dask", ADDRESS):
        with pytest.raises(JobError, match="start it with --dask, or train the same values"):
            jobs.sweep(CONFIGS, engine=name)
    assert list_runs(runs_dir) == [] and engine.handles == []
    with_dask, _ = jobs_with()
    job_id = with_dask.sweep(CONFIGS, engine="dask")
    begin(runs_dir)
    with_dask.cancel(job_id)
    runs = ended(with_dask, job_id).runs
    with pytest.raises(JobError, match="which the app was not started with"):
        jobs.resume(job_id)
    again = jobs.sweep(CONFIGS)
    assert jobs.watch(again).runs == runs, "the same values go on with the same runs"
    wait(lambda: engine.handles)
    assert engine.handles[0].work.words[-1].startswith("--resume=")


def test_its_workers_are_known_and_a_slow_process_here_is_no_trouble(jobs_with):
    jobs, _ = jobs_with()
    job_id = jobs.sweep(CONFIGS, engine="dask")
    found = wait(lambda: (job := jobs.watch(job_id)).dask and job)
    assert found.dask == DaskNews(workers=2, training=2) and found.trouble == ""
    assert found.engine == "dask" and found.text == "0 of 2 runs done"


@pytest.mark.parametrize(("engine", "patience"), [("", 0.7), ("dask", 4.0)])
def test_workers_elsewhere_have_time_to_send_what_they_saved(
    jobs_with, monkeypatch, engine, patience
):
    told, cancel = [], FakeHandle.cancel
    monkeypatch.setattr(FakeHandle, "cancel", lambda h, s: told.append(s) or cancel(h, s))
    jobs, fake = jobs_with()
    job_id = jobs.sweep(CONFIGS, engine=engine)
    wait(lambda: fake.handles and fake.handles[0].latest)
    jobs.cancel(job_id)
    ended(jobs, job_id)
    assert told == [patience]


@pytest.mark.parametrize(("dask", "working"), [(ADDRESS, 2), ("local", 1)])
def test_a_sweep_on_other_machines_leaves_room_for_others_here(jobs_with, dask, working):
    jobs, engine = jobs_with(dask, slots=2)
    jobs.sweep(CONFIGS, engine="dask")
    jobs.train(CONFIG)
    wait(lambda: len(engine.handles) == working)
    assert [job.state for job in jobs.all()].count("running") == working


@pytest.mark.skipif(
    importlib.util.find_spec("distributed") is not None, reason="the package is here"
)
def test_without_the_package_the_job_says_what_to_install(queue_of):
    jobs = queue_of(dask=ADDRESS)
    found = ended(jobs, jobs.sweep(CONFIGS, engine="dask"))
    assert (found.state, found.reason, found.can_resume) == ("failed", INSTALL, True)


@pytest.mark.parametrize(
    "told",
    [None, 0.5, [], {}, {"dask": None}, {"dask": [4]}, {"workers": 4}],
)
def test_what_is_no_news_of_dask_is_none(told):
    assert DaskNews.of(told) is None


@pytest.mark.parametrize(
    "dashboard",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://", "//evil", 7, None,
     "http://[::1", "http://a\nb"],
)  # fmt: skip
def test_a_dashboard_is_a_page_or_nothing(dashboard):
    told = {
        "workers": -1,
        "training": "4",
        "waiting": True,
        "dashboard": dashboard,
        "note": "a\x1b",
    }
    assert DaskNews.of({"dask": told}) == DaskNews(note="a")


def test_a_scheduler_is_asked_now_and_then_by_a_process(monkeypatch):
    answers = iter([4, 5])
    engine = FakeEngine(lambda words, tell, is_stopped: tell({"workers": next(answers)}))
    scheduler = Scheduler(ADDRESS, engine)
    assert scheduler.known() == Known(None, False, ""), "only who looks asks"
    scheduler.look()
    wait(lambda: scheduler.known() == Known(4, False, ""))
    assert scheduler.look() == Known(4, False, "") and len(engine.handles) == 1
    assert engine.handles[0].work.words == ("workers", f"--dask={ADDRESS}")
    monkeypatch.setattr(elsewhere, "LOOK_SECONDS", 0.0)
    assert scheduler.look().workers in (4, 5), "the old answer counts until there is a new one"
    monkeypatch.setattr(elsewhere, "LOOK_SECONDS", 60.0)
    wait(lambda: scheduler.known().workers == 5)
    assert len(engine.handles) == 2


def test_a_scheduler_that_is_gone_has_no_workers_and_a_reason():
    def fail(words, tell, is_stopped):
        raise WorkError("a Dask scheduler must listen")

    scheduler = Scheduler(ADDRESS, FakeEngine(fail))
    scheduler.look()
    wait(lambda: not scheduler.known().is_asked)
    assert scheduler.known() == Known(None, False, "a Dask scheduler must listen")
