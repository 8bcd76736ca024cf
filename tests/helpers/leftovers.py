"""Removes what a test has left in the runs folder of a server that other tests share."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.jobs.queue import Jobs
from models.runs.folder import list_runs


def runs_and_jobs(runs_dir: Path) -> set[Path]:
    """Folders of the runs, and of the jobs that have ended."""
    jobs = {Path(runs_dir, ".jobs", job.id) for job in Jobs(runs_dir).all() if not job.is_live}
    return jobs | {run.folder for run in list_runs(runs_dir)}


@contextmanager
def removing_new(runs_dir: Path) -> Iterator[None]:
    """Removes, at the end, the runs and the ended jobs that were not there at the beginning."""
    before = runs_and_jobs(runs_dir)
    yield
    for folder in runs_and_jobs(runs_dir) - before:
        shutil.rmtree(folder)
