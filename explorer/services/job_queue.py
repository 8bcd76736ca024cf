"""The work that goes on beside the pages, one of each for the whole server.

What changes a job asks first whether this session may change it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.jobs.downloads import Downloads
from explorer.jobs.elsewhere import Scheduler
from explorer.jobs.measurements import Measurements
from explorer.jobs.queue import Jobs
from explorer.jobs.shared_work import SharedWork
from explorer.jobs.tsne_maps import Projections
from explorer.server import options
from explorer.services import class_room, permissions
from models.config import RunConfig
from models.data.builtin import default_data_dir
from models.runs.folder import Run, default_runs_dir

_JOBS: dict[Path, Jobs] = {}
_OPENING = threading.Lock()


def jobs() -> Jobs:
    """Opens the queue of training runs and sweeps; clearing Streamlit's caches does not lose it."""
    folder = default_runs_dir().absolute()  # a link to nowhere is not followed
    with _OPENING:
        if folder not in _JOBS:
            start = options.current()
            _JOBS[folder] = Jobs(folder, is_shared=start.is_class, dask=start.dask)
        return _JOBS[folder]


def train(
    config: RunConfig, title: str, label: str, seconds: float | None = None, purpose: str = ""
) -> str:
    """Has a run of these settings made and trained, which is this session's; returns its job's id.

    Args:
        config: Of the run; it fits the data.
        title: Of the run.
        label: Of the job.
        seconds: What it takes, an estimate; None: unknown.
        purpose: Of the run: see `Run.create`.

    Raises:
        JobError: If this session may not, too many jobs wait, or there is no room.
    """
    _check_new()
    return jobs().train(config, title, label, permissions.owner(), seconds or 0.0, purpose)


def sweep(
    configs: Sequence[RunConfig], label: str, seconds: float | None = None, engine: str = ""
) -> str:
    """Has the runs of a sweep made and trained, which are this session's; returns the job's id.

    Args:
        configs: As `Jobs.sweep` takes them.
        label: Of the job.
        seconds: What all of them take, an estimate; None: unknown.
        engine: What trains them: empty, this machine; "dask", the scheduler of the start.

    Raises:
        JobError: As in `train`.
    """
    _check_new()
    return jobs().sweep(configs, "", label, permissions.owner(), seconds or 0.0, engine)


def scheduler() -> Scheduler | None:
    """Opens the Dask scheduler that the server was started with; None where there is none."""
    address = options.current().dask
    return _scheduler(address) if address else None


@st.cache_resource(show_spinner=False)
def _scheduler(address: str) -> Scheduler:
    return Scheduler(address)


def go_on(run: Run, label: str, seconds: float | None = None) -> str:
    """Has a run that was stopped trained to its end; returns the job's id.

    Raises:
        JobError: As in `train`, or if the run is somebody else's.
    """
    permissions.check(run.owner)
    _check_new()
    return jobs().go_on(run.id, label, run.owner, seconds or 0.0)


def _check_new() -> None:
    """Asks whether this session may have something trained, and whether there is room for it."""
    permissions.check_new()
    class_room.check()


def resume(job_id: str) -> None:
    """Puts a job that has ended back into the queue.

    Raises:
        JobError: If this session may not change it, or as in `Jobs.resume`.
    """
    _check(job_id)
    class_room.check()
    jobs().resume(job_id)


def cancel(job_id: str) -> None:
    """Has a job end within a second.

    Raises:
        JobError: If this session may not change it, or as in `Jobs.cancel`.
    """
    _check(job_id)
    jobs().cancel(job_id)


def pause(job_id: str) -> None:
    """Has a job save all, with a model to explore, and then end.

    Raises:
        JobError: If this session may not change it, or as in `Jobs.pause`.
    """
    _check(job_id)
    jobs().pause(job_id)


def _check(job_id: str) -> None:
    permissions.check(jobs().watch(job_id).owner)


def clear() -> int:
    """Cancels all waiting jobs of every owner, and returns how many.

    Raises:
        NotAllowed: If this session is not the teacher's.
    """
    permissions.check_teacher()
    return jobs().clear("the teacher cleared the queue" if permissions.is_class() else "")


@st.cache_resource(show_spinner=False)
def projections() -> Projections:
    """Opens the shared t-SNE worker; maps are kept beside the runs."""
    return Projections(default_runs_dir() / ".maps")


@st.cache_resource(show_spinner=False)
def downloads() -> Downloads:
    """Opens the downloads of data sets."""
    return Downloads()


@st.cache_resource(show_spinner=False)
def measurements() -> Measurements:
    """Opens the experiments of lessons; results are kept beside the runs."""
    return Measurements(default_runs_dir() / ".lessons")


@st.cache_resource(show_spinner=False)
def scoring() -> SharedWork:
    """Opens the scoring of images that models draw, by the name of their data set."""
    return SharedWork()


def start_download(name: str) -> None:
    """Starts the download of a data set to this machine.

    Raises:
        NotAllowed: If this session is not the teacher's.
        OSError: If no process can be started here.
    """
    permissions.check_teacher()
    downloads().start(name, default_data_dir())


def cancel_download(name: str) -> None:
    """Ends the download of a data set.

    Raises:
        NotAllowed: If this session is not the teacher's.
    """
    permissions.check_teacher()
    downloads().cancel(name, default_data_dir())
