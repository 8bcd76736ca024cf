"""Several jobs at a time, on machines with one to eight cores: every page shows them all."""

import shutil

import pytest

from explorer.jobs import queue
from explorer.jobs.job import Job
from models.runs.folder import Run
from models.training.snapshots import snapshot_folder
from tests.helpers.app_test import component_data, open_view, said
from tests.helpers.engines import FakeEngine
from tests.helpers.processes import wait
from tests.helpers.train_page import SMALL, trained

CORES = [1, 2, 4, 8]
PAGES = ["train", "trade_off", "collapse", "families", "lessons", "latent_map"]
ENDED = ["paused", "done", "failed", "cancelled", "interrupted"]


@pytest.fixture
def film(no_runs):
    """A finished run, so that there is a film to put beside."""
    return trained(no_runs, title="finished")


def jobs_of(runs_dir, count, cores, title):
    """So many live jobs, as many of them at work as such a machine has at a time; and one that
    ended in every way."""
    slots = max(1, cores // 2)
    jobs = [
        Job(f"{i:02}", f"{title} {i}", "running" if i < slots else "queued",
            position=max(0, i + 1 - slots), runs=(Run.create(runs_dir, SMALL, f"run {i}").id,))
        for i in range(count)
    ]  # fmt: skip
    run = trained(runs_dir, title="ended")
    return [Job(f"9{i}", f"{title} {s}", s, runs=(run.id,)) for i, s in enumerate(ENDED)] + jobs


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("cores", CORES)
def test_the_train_page_shows_all_that_work(film, no_runs, desk, cores, count):
    desk.jobs = jobs_of(no_runs, count, cores, "Training")
    working = [job for job in desk.jobs if job.state == "running"]
    at = open_view("train", **{"beside-live": film.id})
    assert len(at.get("progress")) == count
    films = [component_data(element)["films"] for element in at.get("bidi_component")]
    live = [each for each in films if each[0]["url"].split("/")[-1] in
            {job.runs[0] for job in working}]  # fmt: skip
    assert len(live) == len(working)


@pytest.mark.parametrize("cores", CORES)
@pytest.mark.parametrize("page", PAGES[1:])
def test_every_other_page_opens_beside_eight_jobs(no_runs, desk, page, cores):
    desk.jobs = jobs_of(no_runs, 8, cores, "β sweep")
    at = open_view(page)
    assert [error.value for error in at.error if "collapsed" not in error.value.lower()] == []


def test_a_film_chosen_beside_others_is_beside_all_but_itself(film, no_runs, desk):
    desk.jobs = jobs_of(no_runs, 2, 4, "Training")
    first, second = (job.runs[0] for job in desk.jobs[-2:])
    at = open_view("train", **{"beside-live": film.id})
    shown = [component_data(element)["films"] for element in at.get("bidi_component")]
    assert [len(each) for each in shown[:2]] == [2, 2]
    shutil.copytree(snapshot_folder(film.folder), snapshot_folder(no_runs / first))
    at = open_view("train", **{"beside-live": first})
    shown = [component_data(element)["films"] for element in at.get("bidi_component")]
    assert {each[0]["url"].split("/")[-1]: len(each) for each in shown[:2]} == {first: 1, second: 2}
    assert "in the link is not possible" not in said(at)


def test_two_jobs_of_two_servers_for_one_run_are_both_shown(no_runs, desk):
    run = Run.create(no_runs, SMALL, "shared")
    desk.jobs = [Job(name, f"job {name}", "running", runs=(run.id,)) for name in "ab"]
    at = open_view("train")
    assert len(at.get("progress")) == 2 and len(at.get("bidi_component")) == 1


@pytest.mark.parametrize(("cores", "working"), [(1, 1), (2, 1), (4, 2), (8, 4)])
def test_one_run_is_trained_for_two_cores(tmp_path, monkeypatch, cores, working):
    monkeypatch.setattr(queue, "cores", lambda: cores)
    jobs = queue.Jobs(tmp_path, engine=FakeEngine())
    names = [jobs.submit(["wait"], f"{i}") for i in range(8)]
    wait(lambda: [job.state for job in jobs.all()].count("running") == working)
    assert [jobs.watch(name).position for name in names[working:]] == [*range(1, 9 - working)]
    for name in reversed(names):
        jobs.cancel(name)
    wait(lambda: not any(job.is_live for job in jobs.all()))
