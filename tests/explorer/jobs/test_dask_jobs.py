"""Jobs on a real Dask scheduler with real workers: followed, cancelled, resumed."""

import time
from dataclasses import replace

import pytest

from explorer.jobs.elsewhere import Known, Scheduler
from explorer.jobs.queue import Jobs
from models.engines.dask_scheduler import unreachable
from models.runs.folder import Run
from models.runs.status import run_status
from models.sweeps.grid import grid
from tests.helpers.dask_cluster import NEEDS_DASK, Cluster
from tests.helpers.jobs import CONFIG, assert_same_as_uninterrupted, ended
from tests.helpers.processes import wait
from tests.helpers.sentences import assert_sentence

pytestmark = [*NEEDS_DASK]
EPOCHS = 300
"""Many seconds of work, so that something can happen meanwhile."""
LONG = grid(replace(CONFIG, training=replace(CONFIG.training, epochs=EPOCHS)), [0.5, 2.0])


@pytest.fixture
def cluster(tmp_path):
    """A scheduler with two workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    for _ in range(2):
        found.start_worker()
    yield found
    found.close()


def histories(jobs, job_id):
    """Epochs behind each run of a job."""
    return [len(Run(jobs.runs_dir / name).history.rows()) for name in jobs.watch(job_id).runs]


def test_a_sweep_is_followed_cancelled_and_resumed_with_the_same_bits(queue_of, cluster, tmp_path):
    scheduler = Scheduler(cluster.address)
    scheduler.look()
    wait(lambda: not scheduler.known().is_asked)
    assert scheduler.known() == Known(2, False, "")
    jobs = queue_of(dask=cluster.address)
    taken = []
    job_id = jobs.sweep(LONG, engine="dask")
    for _ in range(3):  # however busy the machine is
        before = histories(jobs, job_id)
        found = wait(lambda: (job := jobs.watch(job_id)).dask and job.dask.training and job)
        assert (found.dask.workers, found.dask.waiting) == (2, 0) and found.dask.training <= 2
        wait(lambda before=before: max(histories(jobs, job_id)) > max(before) + 1)
        began = time.monotonic()
        jobs.cancel(job_id)
        found = ended(jobs, job_id)
        taken.append(time.monotonic() - began)
        if taken[-1] < 2:
            break
        jobs.resume(job_id)
    assert found.state == "cancelled" and min(taken) < 2, taken
    before = histories(jobs, job_id)
    wait(lambda: not [p for worker in cluster.workers for p in worker.home.rglob("runs/*")])
    assert before == histories(jobs, job_id) and max(before) < EPOCHS, "nobody trains it any more"
    jobs.resume(job_id)
    assert ended(jobs, job_id).state == "done"
    assert_same_as_uninterrupted(Run(jobs.runs_dir / found.runs[0]), tmp_path)


def test_without_a_scheduler_or_when_it_dies_one_sentence_says_what_to_do(queue_of, cluster):
    jobs = queue_of(dask=cluster.address)
    job_id = jobs.sweep(LONG, engine="dask")
    wait(lambda: max(histories(jobs, job_id)) > 1)
    cluster.scheduler.kill()
    found = ended(jobs, job_id)
    assert found.state == "failed" and found.can_resume
    assert "start it again, and resume the sweep" in assert_sentence(found.reason)
    jobs.resume(job_id)
    found = ended(jobs, job_id)
    assert found.reason == unreachable(cluster.address), "it was not started again"
    cluster.scheduler.wait()
    cluster.start_scheduler()
    for _ in range(2):
        cluster.start_worker()
    jobs.resume(job_id)
    assert ended(jobs, job_id).state == "done"
    assert all(run_status(Run(jobs.runs_dir / name)).is_done for name in found.runs)
    assert Jobs(jobs.runs_dir).watch(job_id).engine == "dask"
