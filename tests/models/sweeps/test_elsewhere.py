"""Sweeps on Dask: a real scheduler, real workers, and whatever may happen to them."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from models.data.ingest import read_path
from models.data.library import add
from models.engines.dask_scheduler import DaskError
from models.runs.folder import Run, list_runs
from models.runs.status import run_status
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps.elsewhere import dask_engine
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.sweeps.worker import Advanced, Done, Failed, Started
from tests.helpers.dask_cluster import NEEDS_DASK
from tests.helpers.processes import finish, python, wait
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import command, endless, explode
from tests.helpers.workers import descendants, is_gone

pytestmark = [*NEEDS_DASK]


@pytest.fixture
def images(digits, tmp_path, monkeypatch):
    """The name of a set of the library, which no worker has."""
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "home"))
    return add(read_path(digits), "digits").id


@pytest.fixture
def own(config, images):
    """Settings of runs on these images."""
    return replace(config, data=images)


@pytest.fixture
def long(own):
    """Settings of runs that take some seconds, so that something can happen meanwhile."""
    return replace(own, training=replace(own.training, epochs=120))


def weights(run):
    """All that must be equal: weights, scores, history, and the updates made."""
    found = read(run.model_path)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history.rows()]
    return {k: v.tobytes() for k, v in found.weights.items()}, found.card.metrics, rows


def assert_equal(found, expected):
    """The runs of two sweeps ended with the same bits, and left the same files."""
    for ours, theirs in zip(found.members, expected.members, strict=True):
        assert weights(ours.run) == weights(theirs.run)
        assert sorted(os.listdir(ours.run.folder)) == sorted(os.listdir(theirs.run.folder))
        assert not [name for name in os.listdir(ours.run.folder) if name.startswith(".")]


def local(folder, configs):
    """The same sweep on the local engine."""
    found = Sweep.open(folder, configs)
    assert not [event for event in found.train() if isinstance(event, Failed)]
    return found


def until(events, condition):
    """Takes events until a condition holds."""
    taken = []
    for event in events:
        taken.append(event)
        if condition(event):
            return taken
    raise AssertionError(f"never: {taken[-5:]}")


def states(found):
    """The saved states by run: steps behind each."""
    return [
        int(read_tensors(member.run.state_path)[0]["step"][0])
        if member.run.state_path.exists() else -1
        for member in found.members
    ]  # fmt: skip


def test_two_workers_train_what_the_local_engine_would(own, tmp_path, cluster):
    configs = grid(own, [0.3, 1.0, 4.0], seeds=2)
    expected = local(tmp_path / "local", configs)
    for _ in range(2):
        cluster.start_worker()
    found = Sweep.open(tmp_path / "dask", configs)
    events = []
    for event in found.train(engine=dask_engine(cluster.address, found.members)):
        events.append(event)
        if isinstance(event, Done):
            (run,) = [each.run for each in found.members if each.run.id == event.run_id]
            assert run_status(run).model_steps is not None, "its checkpoint is there"
    assert sum(isinstance(event, Started) for event in events) == 6
    assert sum(isinstance(event, Done) for event in events) == 6 and not found.failures
    assert any(isinstance(event, Advanced) for event in events)
    assert_equal(found, expected)
    for worker in cluster.workers:
        (kept,) = [path for path in worker.home.rglob("latent-files/*")]
        wait(lambda: not [path for path in worker.home.rglob("runs/*")])  # noqa: B023
        stamp = kept.stat().st_mtime_ns
        again = Sweep.open(tmp_path / f"more-{worker.pid}", configs[:2])
        list(again.train(engine=dask_engine(cluster.address, again.members)))
        assert kept.stat().st_mtime_ns == stamp, "they travel once"
    again = [*found.train(engine=dask_engine(cluster.address, found.members))]
    assert {type(event) for event in again} == {Done}, "all is done"


def test_what_fails_there_is_told_here_and_the_others_go_on(own, tmp_path, cluster):
    cluster.start_worker()
    found = Sweep.open(tmp_path, grid(own, [0.3, 1.0, 4.0]))
    explode(found.members[1].run)
    events = [*found.train(engine=dask_engine(cluster.address, found.members))]
    (failure,) = [event for event in events if isinstance(event, Failed)]
    assert failure.run_id == found.members[1].run.id
    assert_sentence(failure.reason)
    assert [row["status"] for row in found.rows()] == ["done", "failed", "done"]
    assert run_status(found.members[1].run).state == "failed", "its folder says so, too"


def test_cancel_reaches_running_members_within_two_seconds(own, tmp_path, cluster):
    worker = cluster.start_worker()
    found = Sweep.open(tmp_path, grid(endless(own), [0.3, 1.0, 4.0]))
    events = found.train(engine=dask_engine(cluster.address, found.members))
    until(events, lambda event: isinstance(event, Advanced))
    taken = []
    for _ in range(3):
        began = time.monotonic()
        events.close()
        taken.append(time.monotonic() - began)
        if taken[-1] < 2:
            break
        events = found.train(engine=dask_engine(cluster.address, found.members))
        until(events, lambda event: isinstance(event, Advanced))
    assert min(taken) < 2, taken
    for member in found.members:
        assert read(member.run.model_path).card.steps > 0
        with member.run.lock():
            pass  # nobody trains it any more
    assert [row["status"] for row in found.rows()] == ["stopped"] * 3
    assert len(set(states(found))) == 1 and states(found)[0] > 0
    wait(lambda: not [path for path in worker.home.rglob("runs/*")])


def test_a_killed_worker_costs_nothing(long, tmp_path, cluster):
    configs = grid(long, [0.3, 1.0])
    expected = local(tmp_path / "local", configs)
    first = cluster.start_worker()
    found = Sweep.open(tmp_path / "dask", configs)
    events = found.train(engine=dask_engine(cluster.address, found.members), autosave_seconds=0.2)
    taken = until(events, lambda event: isinstance(event, Advanced) and min(states(found)) > 0)
    before = states(found)
    second = cluster.start_worker()
    family = descendants(first.pid)
    first.kill()
    taken += [*events]
    assert not found.failures and sum(isinstance(event, Done) for event in taken) == 2
    wait(lambda: all(map(is_gone, family)))
    assert not is_gone(second.pid) and min(before) > 0
    assert_equal(found, expected)


def test_a_scheduler_that_dies_ends_all_in_one_sentence_and_it_goes_on(
    long,
    tmp_path,
    cluster,
):
    configs = grid(long, [0.3, 1.0], seeds=2)
    expected = local(tmp_path / "local", configs)
    cluster.start_worker()
    found = Sweep.open(tmp_path / "dask", configs)
    events = found.train(engine=dask_engine(cluster.address, found.members), autosave_seconds=0.2)
    until(events, lambda event: isinstance(event, Advanced) and max(states(found)) > 0)
    cluster.scheduler.kill()
    failures = [event for event in events if isinstance(event, Failed)]
    assert {event.run_id for event in failures} == {m.run.id for m in found.members}
    assert "start it again, and resume the sweep" in assert_sentence(failures[0].reason)
    before = states(found)
    cluster.scheduler.wait()
    cluster.start_scheduler()
    cluster.start_worker()
    again = Sweep.open(tmp_path / "dask", configs)
    assert again.members == found.members and max(before) > 0
    assert not [
        event
        for event in again.train(engine=dask_engine(cluster.address, again.members))
        if isinstance(event, Failed)
    ]
    assert_equal(again, expected)


def test_a_client_that_is_killed_leaves_nobody_behind_and_goes_on(
    config,
    tmp_path,
    cluster,
    monkeypatch,
):
    monkeypatch.setenv("LATENT_DASK_LOST_SECONDS", "2")
    longer = replace(config, training=replace(config.training, epochs=120))
    worker = cluster.start_worker()
    arguments = command(tmp_path / "runs", longer, "0.3,1", f"--dask={cluster.address}")
    process = python(*arguments)
    wait(
        lambda: (
            process.poll() is not None
            or [r for r in list_runs(tmp_path / "runs") if len(r.history.rows()) > 5]
        )
    )
    process.kill()
    process.communicate()
    wait(lambda: not [path for path in worker.home.rglob("runs/*")])
    before = {run.id: len(run.history.rows()) for run in list_runs(tmp_path / "runs")}
    assert len(before) == 2 and max(before.values()) > 5
    out = finish(python(*arguments))
    assert out.count("done") == 2 and "Written: " in out
    assert {run.id for run in list_runs(tmp_path / "runs")} == set(before), "no run twice"
    found = sorted(list_runs(tmp_path / "runs"), key=lambda run: run.config().objective.beta)
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "runs"))  # where the images are
    expected = local(tmp_path / "local", [run.config() for run in found])
    for run, member in zip(found, expected.members, strict=True):
        assert weights(run) == weights(member.run)


def test_ctrl_c_stops_a_sweep_on_a_cluster_of_its_own(config, tmp_path):
    process = python(
        *command(tmp_path, endless(config), "0.3,1,4", "--dask=local"), start_new_session=True
    )
    wait(lambda: process.poll() is not None or _have_begun(tmp_path, 3))
    family = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: its workers get it, too
    out = finish(process)
    assert "Stopped and kept. The same command continues." in out
    assert {run_status(run).state for run in list_runs(tmp_path)} == {"stopped"}
    wait(lambda: all(map(is_gone, family)))


def _have_begun(folder, count):
    """Whether there are so many runs, and all have finished an epoch."""
    runs = list_runs(folder)
    return len(runs) == count and all(run.history.rows() for run in runs)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threads": 2}, "has 2 threads and must have one"),
        ({"torch": "1.0.0"}, r"has torch 1\.0\.0 and this machine"),
        ({"elsewhere": True}, "was not started in the folder of this program"),
    ],
    ids=["threads", "torch", "program"],
)
def test_a_worker_that_cannot_do_the_work_is_named(
    options,
    sentence,
    own,
    tmp_path,
    cluster,
):
    start = {}
    if "torch" in options:
        folder = tmp_path / "other" / f"torch-{options['torch']}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Name: torch\nVersion: {options['torch']}\n")
        start["PYTHONPATH"] = f"{folder.parent}{os.pathsep}{os.getcwd()}"
    if "elsewhere" in options:
        start = {"cwd": tmp_path, "PYTHONPATH": ""}
    cluster.start_worker(threads=options.get("threads", 1), **start)
    found = Sweep.open(tmp_path / "runs", grid(own, [0.3]))
    with pytest.raises(DaskError, match=sentence) as caught:
        dask_engine(cluster.address, found.members)
    assert_sentence(str(caught.value))
    cluster.start_worker()  # beside it, one that can
    wait(lambda: _fits(cluster, found))
    events = [*found.train(engine=dask_engine(cluster.address, found.members))]
    assert not found.failures and Done(found.members[0].run.id) in events


def _fits(cluster, found):
    try:
        dask_engine(cluster.address, found.members).close()
    except DaskError:
        return False
    return True


@pytest.mark.parametrize("limit", [3_000, 40_000], ids=["images", "state"])
def test_a_full_disk_of_a_worker_is_one_sentence_and_loses_nothing(
    limit,
    own,
    tmp_path,
    cluster,
):
    full = cluster.start_worker(limit=limit)
    found = Sweep.open(
        tmp_path / "runs", grid(replace(own, model=replace(own.model, hidden=(64, 64))), [0.3, 1.0])
    )
    [*found.train(engine=dask_engine(cluster.address, found.members))]
    assert len(found.failures) == 2
    for reason in found.failures.values():
        assert "file too large" in assert_sentence(reason)
    full.kill()
    full.wait()
    cluster.start_worker()
    [*found.train(engine=dask_engine(cluster.address, found.members))]
    assert not found.failures and [row["status"] for row in found.rows()] == ["done"] * 2


def test_two_hundred_members_over_four_workers_none_twice_none_missing(config, tmp_path, cluster):
    config = replace(config, data="digits", training=replace(config.training, epochs=1))
    for _ in range(4):
        cluster.start_worker()
    configs = grid(config, np.geomspace(0.1, 10, 50).round(4).tolist(), seeds=4)
    found = Sweep.open(tmp_path / "runs", configs)
    engine = dask_engine(cluster.address, found.members)
    wait(lambda: engine.status.workers == 4)
    events = [*found.train(engine=engine)]
    names = sorted(run.id for run in list_runs(tmp_path / "runs"))
    for kind in (Started, Done):
        assert sorted(each.run_id for each in events if isinstance(each, kind)) == names
    assert len(names) == 200 and not found.failures
    assert all(len(Run(tmp_path / "runs" / name).history.rows()) == 1 for name in names)
    assert {row["status"] for row in found.rows()} == {"done"}
