"""Sweeps: the same request finds its runs; whatever stops a sweep, it goes on."""

import contextlib
import csv
import io
import json
import os
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

from models.engines.local import LocalEngine
from models.engines.system import cores
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.sweeps.table import COLUMNS, SCORES, by_beta, to_csv, to_text
from models.sweeps.worker import HEARTBEAT_SECONDS, Advanced, Done, Failed, Started
from models.training.control import send_request
from tests.helpers.processes import finish, python, wait
from tests.helpers.sentences import assert_sentence
from tests.helpers.sweeps import BETAS, RUN, command, endless


def test_the_same_request_finds_its_runs(tmp_path):
    configs = grid(RUN, BETAS, seeds=2)
    first = Sweep.open(tmp_path, configs)
    assert len(list_runs(tmp_path)) == 8
    assert {run.sweep for run in list_runs(tmp_path)} == {first.id}
    assert [member.config for member in first.members] == configs
    titles = {member.run.title for member in first.members}
    assert len(titles) == 8 and "digits sweep: β 0.3, 2 latents, seed 1" in titles
    more = [replace(c, training=replace(c.training, threads=2)) for c in configs]
    assert Sweep.open(tmp_path, more) == first  # threads change no result worth a new run
    last = [replace(c, training=replace(c.training, layout="channels_last")) for c in configs]
    assert Sweep.open(tmp_path, last) == first
    other = Sweep.open(tmp_path, configs, "another")
    assert other.id != first.id and len(list_runs(tmp_path)) == 16
    assert all(member.run.title.startswith("another: β ") for member in other.members)
    assert Sweep.open(tmp_path, configs[:4]).id not in (first.id, other.id)
    lost = first.members[3].run
    (lost.folder / "config.json").unlink()
    again = Sweep.open(tmp_path, more)
    assert again.id == first.id and again.members[3].run != lost
    assert {member.config.training.threads for member in again.members} == {1}  # all share one
    (again.members[0].run.folder / "config.json").write_bytes(b"{")  # somebody's damaged folder
    assert len(Sweep.open(tmp_path, configs).members) == 8


def test_a_run_that_was_changed_is_not_a_member(tmp_path):
    configs = grid(RUN, [0.3, 1.0])
    changed, kept = (member.run for member in Sweep.open(tmp_path, configs).members)
    events = execute(changed)
    next(events)
    send_request(changed.folder, beta=1.0)
    list(events)
    assert changed.config() == configs[0], "its settings are those it was made with"
    for _ in range(2):
        new, same = (member.run for member in Sweep.open(tmp_path, configs).members)
        assert same == kept and new != changed and new.config() == configs[0]
    assert len(list_runs(tmp_path)) == 3


def test_a_run_of_no_sweep_says_so(tmp_path):
    assert Run.create(tmp_path, RUN).sweep == ""


def test_every_member_starts_advances_and_is_done(finished):
    found, events, _ = finished
    assert set(map(type, events)) == {type(None), Started, Advanced, Done, Failed}
    for member in found.members[:3] + found.members[4:]:
        news = [e for e in events if e is not None and e.run_id == member.run.id]
        start, *advances, done = news
        assert start == Started(member.run.id, member.beta, member.seed, 2)
        assert done == Done(member.run.id) and member.is_done()
        steps = [event.step for event in advances]
        assert steps == sorted(steps) and all(0 < event.share <= 1 for event in advances)
        assert all(event.distortion > 0 and event.rate >= 0 for event in advances)


def test_one_failed_member_is_named_and_the_rest_go_on(finished):
    found, events, _ = finished
    (failure,) = [event for event in events if isinstance(event, Failed)]
    assert found.failures == {failure.run_id: failure.reason}
    assert failure.run_id == found.members[3].run.id
    assert "became nan at step 1 of " in assert_sentence(failure.reason)
    rows = found.rows()
    assert [row["status"] for row in rows] == [*["done"] * 3, "failed", *["done"] * 2]
    assert rows[3]["reason"] == failure.reason and rows[3]["distortion"] is None
    assert failure.reason in to_text(rows) and failure.reason in to_csv(rows)


def test_stream_is_never_silent_for_long(finished):
    _, events, times = finished
    gaps = np.diff(times)
    assert np.quantile(gaps, 0.9) < 0.5  # the machine may be busy for once
    assert max(gaps) < 5 * HEARTBEAT_SECONDS
    assert events.count(None) >= 1  # while the processes start


def test_members_are_what_single_runs_are(finished, tmp_path):
    found, *_ = finished
    for member in (found.members[0], found.members[4]):
        run = Run.create(tmp_path, member.config)
        for _ in execute(run):
            pass
        alone, swept = read(run.model_path), read(member.run.model_path)
        for score in SCORES:
            assert swept.card.metrics[score] == pytest.approx(alone.card.metrics[score], rel=1e-4)
        assert swept.card.command == "sweep them" and swept.card.title == member.run.title
    assert {run.id for run in list_runs(found.runs_dir)} == {m.run.id for m in found.members}


class NotedEngine(LocalEngine):
    """A local engine that keeps the handles of all that it has started."""

    def __init__(self):
        super().__init__(niceness=0, reuses=True)
        self.handles = []

    def start(self, work):
        self.handles.append(super().start(work))
        return self.handles[-1]


def test_closing_the_stream_stops_the_processes_and_keeps_all(config, tmp_path):
    found = Sweep.open(tmp_path, grid(endless(config), [0.3, 1.0, 4.0]))
    engine = NotedEngine()
    events = found.train(engine=engine)
    seen = set()
    while len(seen) < 3:
        event = next(events)
        seen |= {event.run_id} if isinstance(event, Advanced) else set()
    events.close()
    assert len(engine.handles) == min(cores(), 3)
    assert {handle.state for handle in engine.handles} == {"cancelled"}
    for member in found.members:
        card = read(member.run.model_path).card
        assert card.steps == int(read_tensors(member.run.state_path)[0]["step"][0]) > 0
        assert not member.is_done()
        with member.run.lock():
            pass  # nobody trains it any more
    assert [row["status"] for row in found.rows()] == ["stopped"] * 3


@pytest.mark.slow
def test_a_killed_worker_fails_its_runs_and_no_others(config, tmp_path):
    configs = [*grid(config, [0.3]), *grid(endless(config), [1.0])]
    found = Sweep.open(tmp_path, configs)
    killed = found.members[1].run.id
    engine, events = NotedEngine(), []
    for event in found.train(engine=engine):
        events.append(event)
        if isinstance(event, Advanced) and event.run_id == killed:
            (pid,) = {each.pid for each in engine.handles if killed in each.work.words}
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    (failure,) = [event for event in events if isinstance(event, Failed)]
    assert failure.run_id == killed
    assert "it was killed" in assert_sentence(failure.reason)
    assert Done(found.members[0].run.id) in events


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_killed_sweep_goes_on_where_it_stopped(kills, config, tmp_path):
    config = replace(config, training=replace(config.training, epochs=40 * kills))
    betas = [0.3, 1.0, 4.0]
    arguments = command(tmp_path / "swept", config, "0.3,1,4")
    moments, steps = random.Random(kills), []
    for _ in range(kills):
        process = python(*arguments)
        wait_for_progress(tmp_path / "swept", process)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        runs = list_runs(tmp_path / "swept")
        steps.append(min(int(read_tensors(run.state_path)[0]["step"][0]) for run in runs))
    out = finish(python(*arguments))
    assert out.count("done") == 3 and "Written: " in out
    assert steps == sorted(steps) and steps[0] > 0
    runs = {run.config().objective.beta: run for run in list_runs(tmp_path / "swept")}
    assert sorted(runs) == betas  # no run twice
    for beta, run in runs.items():
        other = Run.create(tmp_path / "single", replace(run.config(), data=config.data))
        for _ in execute(other):  # on the file itself: the sweep has put a copy beside its runs
            pass
        assert [row["step"] for row in run.history.rows()] == [
            row["step"] for row in other.history.rows()
        ]
        found, expected = (read(each.model_path).card.metrics for each in (run, other))
        for score in SCORES:
            assert found[score][0] == pytest.approx(expected[score][0], rel=0.01, abs=0.01), beta
        assert not [name for name in os.listdir(run.folder) if name.startswith(".")]


def wait_for_progress(runs_dir, process):
    """Waits until every run has a state that is newer than its first, or the process is gone."""
    first = {}

    def all_have_moved():
        paths = [run.state_path for run in list_runs(runs_dir)]
        if len(paths) < 3 or not all(path.exists() for path in paths):
            return False
        times = {path: path.stat().st_mtime_ns for path in paths}
        return all(times[path] != first.setdefault(path, times[path]) for path in paths)

    wait(lambda: all_have_moved() or process.poll() is not None)


@pytest.mark.slow
def test_interrupted_sweep_stops_soon_and_leaves_nobody_behind(config, tmp_path):
    process = python(*command(tmp_path, endless(config), "0.3,1,4"))
    wait_for_progress(tmp_path, process)
    process.send_signal(signal.SIGINT)
    out = finish(process)
    assert "Stopped and kept. The same command continues." in out
    for run in list_runs(tmp_path):
        assert read(run.model_path).card.steps > 0
        with run.lock():
            pass
    (table,) = tmp_path.glob("sweep-*.json")
    assert {row["status"] for row in json.loads(table.read_text())["members"]} == {"stopped"}


def test_written_tables_say_the_same(finished):
    found, *_ = finished
    assert found.failures  # as they are while the sweep is open
    found.write([{"low": 1.0}])
    document = json.loads(found.json_path.read_text())
    assert document["members"] == found.rows() and document["sandwich"] == [{"low": 1.0}]
    assert document["by_beta"] == by_beta(found.rows()) and document["sweep"] == found.id
    lines = list(csv.DictReader(io.StringIO(found.csv_path.read_text())))
    assert list(lines[0]) == list(COLUMNS)
    means = [mean for mean in by_beta(found.rows()) if mean["runs"] > 1]
    assert len(lines) == 6 + 2 == len(found.rows() + means)  # one β is left with one run
    for line, row in zip(lines, found.rows() + means, strict=True):
        for column in COLUMNS:
            assert line[column] == ("" if row[column] is None else str(row[column]))


@pytest.mark.parametrize("writes", [0, 1, 3])
def test_a_disk_that_fills_up_while_a_sweep_is_opened_keeps_none_of_it(
    tmp_path, monkeypatch, writes
):
    done = iter(range(2 * writes))  # file and folder

    def fsync(_file, kept=os.fsync):
        if next(done, None) is None:
            raise OSError(28, "No space left on device")
        kept(_file)

    configs = grid(RUN, BETAS)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space"):
            Sweep.open(tmp_path, configs)
    assert os.listdir(tmp_path) == []
    assert len(Sweep.open(tmp_path, configs).members) == 4
