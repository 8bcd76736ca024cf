"""What the tests of jobs share: a folder of runs, and queues on it."""

import contextlib
import os
from contextlib import suppress

import psutil
import pytest

from explorer.jobs.job import JobError
from explorer.jobs.queue import Jobs
from models.engines.local import COMMAND, LocalEngine
from tests.helpers.processes import wait
from tests.helpers.workers import supervisors, worker


@pytest.fixture
def runs_dir(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def queue_of(runs_dir, tmp_path):
    """Makes a queue whose jobs run a script, or the real command line; ends what it started."""
    made = []

    def make(script=None, command=COMMAND, niceness=0, **options):
        command = command if script is None else worker(tmp_path, script)
        runs_dir.mkdir(exist_ok=True)
        environment = {"LATENT_RUNS_DIR": str(runs_dir), "OMP_NUM_THREADS": "1"}
        engine = LocalEngine(niceness, environment=environment, command=command)
        made.append((Jobs(runs_dir, engine=engine, **options), engine))
        return made[-1][0]

    yield make
    for queue, engine in made:
        for job in queue.all():
            with suppress(JobError):
                queue.cancel(job.id)
        wait(lambda queue=queue: not queue._working)
        engine.close()


@pytest.fixture(autouse=True)
def no_process_of_other_tests():
    """Ends the processes that pages opened by other tests have made ready for their next job."""
    leftovers = []
    for pid in supervisors(os.getpid()):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            leftovers.append(psutil.Process(pid))
    for process in leftovers:
        process.kill()
    psutil.wait_procs(leftovers)
