"""The queue of jobs: order, limits, what is stored, and what may happen to a job or a server."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.jobs import queue as queue_module
from explorer.jobs import store as store_module
from explorer.jobs.job import Job, JobError, presentable
from explorer.jobs.queue import MAX_WAITING, Jobs
from explorer.services import job_queue
from models.cli.arguments import train_command
from models.config import ModelConfig, RunConfig, TrainingConfig, override
from models.engines import supervisor
from models.engines.handle import UNEXPECTED
from models.engines.local import COMMAND, NICENESS, LocalEngine
from models.presets import preset
from models.runs.folder import Run, list_runs
from models.runs.train import execute
from models.storage.checkpoint import read
from models.storage.tensors import read_tensors
from models.sweeps.grid import grid
from models.sweeps.sweep import Sweep
from models.training.control import send_request
from tests.helpers.job_server import Server
from tests.helpers.processes import wait
from tests.helpers.sentences import assert_sentence
from tests.helpers.workers import (
    LASTING,
    SHORT,
    STOPPED,
    STUBBORN,
    assert_within,
    descendants,
    family,
    is_gone,
    pids,
    supervisors,
    worker,
)

TIMEOUT = 60
CONFIG = RunConfig("digits", ModelConfig(image_shape=(1, 8, 8)), training=TrainingConfig(epochs=4))
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")


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


def ended(queue, job_id) -> Job:
    wait(lambda: not queue.watch(job_id).is_live)
    return queue.watch(job_id)


def epoch_row(epoch, distortion=20.5, rate=3.25):
    return {"epoch": epoch, "step": epoch + 1, "test_distortion": distortion, "test_rate": rate}


def test_progress_is_read_from_the_run_folder(runs_dir, queue_of):
    run = Run.create(runs_dir, CONFIG, "mine")
    queue = queue_of(LASTING)
    job_id = queue.go_on(run.id, "a title")
    found = queue.watch(job_id)
    assert (found.title, found.state, found.position) == ("a title", "running", 0)
    assert (found.share, found.seconds_left, found.text) == (0.0, None, "first epoch")
    assert (found.runs, found.sweep, found.reason) == ((run.id,), "", "")
    seen = []
    for epoch in range(3):
        run.history.append(epoch_row(epoch))
        wait(lambda share=(epoch + 1) / 4: queue.watch(job_id).share == share)
        seen.append(queue.watch(job_id))
        time.sleep(0.3)
    assert seen[-1].text == "epoch 3 of 4: D 20.50, R 3.25, −ELBO 23.75 nats per test image"
    assert seen[0].seconds_left is None
    assert 0 < seen[2].seconds_left < 10, "one epoch of about as long as those before"
    elsewhere = Jobs(runs_dir).watch(job_id)
    same = ("id", "title", "state", "share", "text", "runs")
    assert [getattr(elsewhere, n) for n in same] == [getattr(queue.watch(job_id), n) for n in same]


# the queue


def test_a_job_runs_aside_and_ends(runs_dir, queue_of):
    queue = queue_of(
        SHORT + "\nprint(words, os.environ['OMP_NUM_THREADS'], os.getsid(0), flush=True)"
        "\nprint(os.getpriority(os.PRIO_PROCESS, 0), flush=True)",
        niceness=NICENESS,
    )
    job_id = queue.submit(["train", "--beta", "4"])
    found = ended(queue, job_id)
    assert (found.state, found.share, found.reason, found.title) == ("done", 1.0, "", "train")
    printed = (runs_dir / ".jobs" / job_id / "log").read_text()
    arguments, threads, session = printed.splitlines()[0].rsplit(" ", 2)
    assert arguments == "['train', '--beta', '4']" and threads == "1"
    assert int(session) != os.getsid(0)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(printed.splitlines()[1]) == min(19, own + NICENESS)


AUTOGROUP = Path("/proc/self/autogroup")
"""Of Linux, where its scheduler shares the processor out between sessions first."""


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel looks at single processes alone")
def test_the_session_of_a_job_gives_way_to_the_servers(runs_dir, queue_of):
    queue = queue_of(
        SHORT + "\nprint(open('/proc/self/autogroup').read(), flush=True)",
        niceness=NICENESS,
    )
    job_id = queue.submit(["train"])
    assert ended(queue, job_id).state == "done"
    printed = (runs_dir / ".jobs" / job_id / "log").read_text()
    ours = AUTOGROUP.read_text()  # empty where nothing above us has opened a session
    assert f" nice {NICENESS}" in printed and f" nice {NICENESS}" not in ours


def test_jobs_wait_in_line_and_are_refused_beyond_it(runs_dir, queue_of):
    queue = queue_of(LASTING, slots=1)
    made = [begun(queue) for _ in range(1 + MAX_WAITING)]
    running, *waiting = [queue.go_on(run.id, f"job {i}") for i, run in enumerate(made)]
    assert queue.watch(running).state == "running"
    assert [queue.watch(job_id).position for job_id in waiting] == list(range(1, MAX_WAITING + 1))
    assert {queue.watch(job_id).state for job_id in waiting} == {"queued"}
    for refused in (lambda: queue.submit(["train"]), lambda: queue.submit(["sweep"])):
        with pytest.raises(JobError) as caught:
            refused()
        assert str(caught.value) == (
            "At most 25 jobs can wait, and 25 do: try again when one of them has ended."
        )
    queue.cancel(waiting[3])
    assert queue.watch(waiting[3]).state == "cancelled"
    assert [queue.watch(job_id).position for job_id in waiting[2:6]] == [3, 0, 4, 5]
    late = queue.submit(["train"])
    assert queue.watch(late).position == MAX_WAITING
    assert [job.id for job in queue.all()] == [late, *reversed(waiting), running]
    queue.cancel(running)
    wait(lambda: queue.watch(waiting[0]).state == "running")
    assert queue.watch(waiting[1]).position == 1
    with pytest.raises(JobError, match="has not ended"):
        queue.resume(waiting[1])
    queue.resume(running)
    assert queue.watch(running).position == MAX_WAITING, "at the end of the line"


def test_many_at_once_are_counted_right(queue_of):
    queue, taken, refused = queue_of(LASTING, slots=1), [], []

    def submit():
        gate.wait(TIMEOUT)
        try:
            taken.append(queue.submit(["train"]))
        except JobError as error:
            refused.append(str(error))

    gate = threading.Barrier(40)
    threads = [threading.Thread(target=submit) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(set(taken)) == 1 + MAX_WAITING and len(refused) == 40 - len(taken)
    found = [queue.watch(job_id) for job_id in taken]
    assert sorted(job.position for job in found) == list(range(MAX_WAITING + 1))


def test_trainings_share_the_slots_and_a_sweep_takes_them_all(queue_of):
    queue = queue_of(LASTING, slots=2)
    first, second, sweep, last = [queue.submit([k]) for k in ("train", "train", "sweep", "train")]

    def states():
        return [queue.watch(job_id).state for job_id in (first, second, sweep, last)]

    assert states() == ["running", "running", "queued", "queued"]
    queue.cancel(first)
    assert ended(queue, first).state == "cancelled"
    assert states()[1:] == ["running", "queued", "queued"], "none overtakes"
    queue.cancel(second)
    wait(lambda: states()[2:] == ["running", "queued"])
    queue.cancel(sweep)
    wait(lambda: states()[3] == "running")


def begun(queue):
    """A run of the queue's folder whose training has begun."""
    run = Run.create(queue.runs_dir, CONFIG)
    run.state_path.touch()
    return run


def test_a_job_cancelled_before_it_began_takes_its_empty_run_with_it(queue_of, runs_dir):
    queue = queue_of(LASTING, slots=1)
    queue.submit(["train"])
    kept = begun(queue)
    jobs = [
        queue.train(CONFIG, "mine"),
        queue.sweep(grid(CONFIG, [1.0, 2.0])),
        queue.go_on(kept.id),
    ]
    assert len(list_runs(runs_dir)) == 4
    for job_id in jobs:
        queue.cancel(job_id)
    assert list_runs(runs_dir) == [kept], "only what has begun is kept"
    found = [queue.watch(job_id) for job_id in jobs]
    assert {job.state for job in found} == {"cancelled"}
    assert [job.can_resume for job in found] == [False, False, True]


def test_a_refused_job_leaves_no_run_behind(queue_of, runs_dir, monkeypatch):
    queue = queue_of(LASTING, slots=1)
    queue.submit(["train"])
    monkeypatch.setattr(queue_module, "MAX_WAITING", 0)
    for refused in (lambda: queue.train(CONFIG), lambda: queue.sweep(grid(CONFIG, [1.0, 2.0]))):
        with pytest.raises(JobError, match="At most 0 jobs can wait"):
            refused()
    assert list_runs(runs_dir) == []


@pytest.mark.parametrize("job_id", ["", ".", "..", "../../etc", "/etc", "*", "a\0b", "x" * 300])
def test_an_id_is_compared_and_never_joined(job_id, queue_of):
    queue = queue_of(SHORT)
    ended(queue, queue.submit(["train"], "<b>\u202e\n x"))
    assert [job.title for job in queue.all()] == ["<b> x"]
    for method in (queue.watch, queue.cancel, queue.pause, queue.resume):
        with pytest.raises(JobError, match="There is no such job"):
            method(job_id)


def test_damaged_folders_are_passed_over_and_old_ones_forgotten(queue_of, monkeypatch, runs_dir):
    monkeypatch.setattr(store_module, "MAX_KEPT", 3)
    queue = queue_of(SHORT)
    for name, content in (("0a", b""), ("0b", b"[1]"), ("0c", b'{"title": "x"}'), ("0d", b"\xff")):
        (queue.folder / name).mkdir(parents=True)
        (queue.folder / name / "job.json").write_bytes(content)
    made = []
    for _ in range(4):
        made.append(queue.submit(["train"]))
        assert ended(queue, made[-1]).state == "done"
    assert [job.id for job in queue.all()] == made[:0:-1]
    assert sorted(os.listdir(queue.folder)) == made[1:]
    assert list_runs(runs_dir) == []


def test_a_job_that_is_held_is_not_forgotten(queue_of, monkeypatch):
    queue = queue_of(LASTING, slots=1)
    gone, *kept = [queue.submit(["train"]) for _ in range(4)]
    queue.cancel(gone)
    assert ended(queue, gone).state == "cancelled"
    monkeypatch.setattr(store_module, "MAX_KEPT", 1)
    kept.append(queue.submit(["train"]))
    assert [job.id for job in queue.all()] == kept[::-1]
    assert {job.is_live for job in queue.all()} == {True}


def test_the_server_has_one_queue_and_clearing_caches_keeps_it(monkeypatch, tmp_path):
    import streamlit as st

    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path))
    found = job_queue.jobs()
    st.cache_resource.clear()
    assert job_queue.jobs() is found and found.runs_dir == tmp_path
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path / "other"))
    assert job_queue.jobs() is not found


# what may happen to a worker


@pytest.mark.parametrize("script", [LASTING, STUBBORN, STOPPED], ids=["plain", "deaf", "stopped"])
def test_a_cancelled_job_is_gone_within_a_second(script, queue_of, runs_dir):
    queue = queue_of(script)

    def attempt():
        (runs_dir / "pids").unlink(missing_ok=True)
        job_id = queue.submit(["train"])
        everybody = pids(runs_dir, 2)
        began = time.monotonic()
        queue.cancel(job_id)
        told = time.monotonic() - began
        wait(lambda: all(map(is_gone, everybody)) and not queue.watch(job_id).is_live)
        taken = time.monotonic() - began
        assert queue.watch(job_id).state == "cancelled"
        assert told < 0.5, "the caller does not wait"
        return taken

    assert_within(1.0, attempt)


def test_a_stopped_worker_is_woken_to_save_its_work(queue_of, runs_dir):
    queue = queue_of(
        "signal.signal(signal.SIGTERM, lambda *_: (note(-1), sys.exit()))\n"
        "note(os.getpid())\nos.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    job_id = queue.submit(["train"])
    pids(runs_dir, 1)
    queue.pause(job_id)
    assert ended(queue, job_id).state == "paused"
    assert pids(runs_dir)[-1] == -1


def test_a_pause_leaves_time_and_a_cancel_ends_it(queue_of, runs_dir):
    queue = queue_of(STUBBORN)
    job_id = queue.submit(["train"])
    everybody = pids(runs_dir, 2)
    queue.pause(job_id)
    time.sleep(1.2)
    found = queue.watch(job_id)
    assert (found.state, found.text) == ("running", "stopping")
    queue.cancel(job_id)
    queue.pause(job_id)  # too late to think better of it
    assert ended(queue, job_id).state == "cancelled"
    assert all(map(is_gone, everybody))


def test_a_killed_worker_is_one_sentence_and_the_next_job_starts(queue_of, runs_dir):
    queue = queue_of(LASTING, slots=1)
    first, second = (queue.submit(["train"]) for _ in range(2))
    child, leader = pids(runs_dir, 2)
    began = time.monotonic()
    os.kill(leader, signal.SIGKILL)
    found = ended(queue, first)
    assert found.state == "failed"
    assert_sentence(found.reason)
    assert found.reason == "its process must live to the end, but it was killed: resume it to go on"
    assert is_gone(child), "what it had started went with it"
    assert time.monotonic() - began < 5
    wait(lambda: queue.watch(second).state == "running")


def test_a_job_cancelled_before_it_hears_is_cancelled(queue_of):
    queue = queue_of(STUBBORN)
    for _ in range(3):
        job_id = queue.submit(["train"])
        queue.cancel(job_id)
        assert ended(queue, job_id).state == "cancelled"


def test_a_job_that_somebody_else_stops_is_interrupted(queue_of, runs_dir):
    queue = queue_of(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nnote(os.getpid())\ntime.sleep(60)"
    )
    job_id = queue.train(CONFIG)
    os.kill(pids(runs_dir, 1)[0], signal.SIGTERM)
    assert ended(queue, job_id).state == "interrupted"


def test_what_has_ended_stays_as_it_ended(queue_of):
    queue = queue_of(SHORT)
    job_id = queue.submit(["train"])
    assert ended(queue, job_id).state == "done"
    queue.cancel(job_id)
    queue.pause(job_id)
    assert queue.watch(job_id).state == "done"
    with pytest.raises(JobError, match="and this one is done"):
        queue.resume(job_id)


def test_a_flood_of_output_costs_little(queue_of, runs_dir):
    queue = queue_of(
        "for i in range(20_000):\n    print('x' * 500)\nprint('Error: the end.')\nexit(1)"
    )
    job_id = queue.submit(["train"])
    assert ended(queue, job_id).reason == UNEXPECTED
    assert (runs_dir / ".jobs" / job_id / "log").stat().st_size <= supervisor.MAX_LOG_BYTES


@ON_LINUX
def test_a_job_that_eats_memory_is_stopped(queue_of, runs_dir):
    hog = "start('import time; x = bytearray(300 * 2**20); print(1, flush=True); time.sleep(60)')"
    queue = queue_of(hog + "\nnote(os.getpid())\ntime.sleep(60)", slots=2, memory_bytes=2**28)
    small = queue_of(LASTING)
    other, job_id = small.submit(["train"]), queue.submit(["train"])
    found = ended(queue, job_id)
    assert_sentence(found.reason)
    assert found.reason.startswith("the work must fit into 0.1 GB of memory, but it grew")
    assert small.watch(other).state == "running", "the others go on"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["train", "--resume=RUN"],
            "batch_size must be at most the 1297 training images, got 5000",
        ),
        (
            ["train", "--resume=RUN", "--autosave", "much"],
            "Invalid value for '--autosave': Input should be a valid number, "
            "unable to parse string as a number",
        ),
        (["train", "--nothing"], "No such option: --nothing"),
        (["train", "--resume=gone"], "the run must be one of the runs folder, got 'gone'"),
        (["sweep", "--resume=gone"], "the sweep must be one of the runs folder, got 'gone'"),
    ],
    ids=range(5),
)
def test_what_is_wrong_is_the_sentence_of_the_command_line(words, reason, queue_of, runs_dir):
    queue = queue_of()
    config = replace(CONFIG, training=replace(CONFIG.training, batch_size=5000))
    run = Run.create(runs_dir, config)
    words = [word.replace("RUN", run.id) for word in words]
    found = ended(queue, queue.submit(words, runs=[run.id]))
    assert (found.state, found.share) == ("failed", 0.0)
    assert_sentence(found.reason)
    assert found.reason == reason


FAILING = """
import errno, os, runpy
import models.runs.train
def full(run, training, seconds, kept=models.runs.train._save_state):
    if training.step >= int(os.environ["FULL_AFTER"]):
        path = run.folder / ".state.safetensors.x1"
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    kept(run, training, seconds)
models.runs.train._save_state = full
runpy.run_module("models", run_name="__main__")
"""
"""The command line on a disk that is full from some step on."""


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(queue_of, runs_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("FULL_AFTER", "50")
    failing = tmp_path / "failing.py"
    failing.write_text(FAILING)
    queue = queue_of(command=[sys.executable, str(failing)])
    found = ended(queue, train(queue, epochs=4, batch_size=64, autosave=0))
    assert_sentence(found.reason)
    assert found.reason == ".state.safetensors.x1 cannot be used: no space left on device"
    state = read_tensors(Run(runs_dir / found.runs[0]).state_path)[0]
    assert 0 < int(state["step"][0]) < 50
    monkeypatch.setenv("FULL_AFTER", "1000000")
    queue.resume(found.id)
    assert ended(queue, found.id).state == "done"
    assert_same_as_uninterrupted(Run(runs_dir / found.runs[0]), tmp_path)


def test_a_server_whose_disk_is_full_refuses_and_remembers(queue_of, monkeypatch):
    def full(_path, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    queue = queue_of(LASTING)
    job_id = queue.go_on(begun(queue).id)
    monkeypatch.setattr(store_module, "write_bytes", full)
    with pytest.raises(JobError) as caught:
        queue.submit(["train"])
    assert str(caught.value) == "The job cannot be stored: no space left on device."
    assert os.listdir(queue.folder) == [job_id]
    queue.cancel(job_id)
    assert ended(queue, job_id).state == "cancelled"
    with pytest.raises(JobError, match="cannot be stored"):
        queue.resume(job_id)
    assert queue.watch(job_id).state == "cancelled"
    monkeypatch.undo()
    queue.resume(job_id)
    assert queue.watch(job_id).state == "running"


def test_a_log_that_cannot_be_written_loses_nothing_but_itself(tmp_path):
    log = supervisor.Log()
    log.begin(str(tmp_path / "no" / "folder"))
    with open(tmp_path / "printed", "w+b") as pipe:
        pipe.write(b"one\nError: two.\n")
        pipe.flush()
        pipe.seek(0)
        log.follow(pipe)
    assert os.listdir(tmp_path) == ["printed"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/var/lib/runs/x/state cannot be used", "state cannot be used"),
        ("D must be in nats/image, got 1/2", "D must be in nats/image, got 1/2"),
        ("a\x1b[2Jb\u202ec", "a[2Jbc"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_reason_is_fit_for_the_screen(text, shown, runs_dir):
    assert presentable(text, runs_dir) == shown
    assert (
        presentable(f"{runs_dir}/run/a b.json must be whole", runs_dir) == "a b.json must be whole"
    )


# what may happen to a server, or to a supervisor


@pytest.mark.parametrize("script", [LASTING, STUBBORN, STOPPED], ids=["plain", "deaf", "stopped"])
def test_no_process_outlives_a_killed_server_by_two_seconds(script, runs_dir, tmp_path, queue_of):
    command = worker(tmp_path, script)
    run = begun(queue_of())

    def attempt():
        (runs_dir / "pids").unlink(missing_ok=True)
        with Server(runs_dir, *command) as server:
            job_id = server.call("go_on", run.id, "left")
            everybody = pids(runs_dir, 2)
            assert not any(map(is_gone, everybody))
            began = time.monotonic()
            server.kill()
        wait(lambda: all(map(is_gone, everybody)))
        taken = time.monotonic() - began
        assert Jobs(runs_dir).watch(job_id).state == "interrupted"
        return taken

    assert_within(2.0, attempt)
    queue = queue_of(SHORT)
    found = queue.all()[0]
    assert (found.title, found.state, found.can_resume) == ("left", "interrupted", True)
    queue.resume(found.id)
    assert not ended(queue, found.id).reason


# a process that waits for a job


def train(queue, autosave=10, **training):
    """Has a small model trained on digits by the real command; returns the job."""
    parts = replace(CONFIG.model, hidden=(8, 4)), replace(CONFIG.training, **training)
    run = Run.create(queue.runs_dir, replace(CONFIG, model=parts[0], training=parts[1]), "mine")
    return queue.submit(["train", f"--resume={run.id}", f"--autosave={autosave}"], "mine", [run.id])


def spare_of(queue):
    """The supervisor and the worker that wait, once both are there."""
    queue.prepare()
    return family(os.getpid())


@ON_LINUX
def test_a_spare_process_does_the_next_job_as_a_new_one_does_it(queue_of, runs_dir):
    queue = queue_of(slots=1)
    everybody = spare_of(queue)
    queue.prepare()
    assert supervisors(os.getpid()) == everybody[:1], "one waits, not two"
    with_spare = train(queue, epochs=1)
    wait(lambda: queue.watch(with_spare).state == "running")
    queue.prepare()
    assert supervisors(os.getpid()) == everybody[:1], "none is in the way of a job"
    assert ended(queue, with_spare).state == "done"
    wait(lambda: all(map(is_gone, everybody)))
    without = train(queue, epochs=1)
    assert ended(queue, without).state == "done"
    models = [read(run.model_path) for run in list_runs(runs_dir)]
    assert len({model.fingerprint for model in models}) == 1
    (command,) = {model.card.command for model in models}
    assert command == train_command(models[0].card.config, "mine")


@ON_LINUX
@pytest.mark.parametrize("which", [0, 1], ids=["supervisor", "worker"])
def test_a_spare_that_was_killed_costs_time_and_no_job(which, queue_of):
    queue = queue_of(slots=1)
    everybody = spare_of(queue)
    os.kill(everybody[which], signal.SIGKILL)
    wait(lambda: is_gone(everybody[which]))
    assert ended(queue, train(queue, epochs=1)).state == "done"
    wait(lambda: all(map(is_gone, everybody)))


@ON_LINUX
def test_a_spare_ends_with_its_server(runs_dir):
    def attempt():
        with Server(runs_dir) as server:
            server.call("prepare")
            everybody = family(server.process.pid)
            assert not any(map(is_gone, everybody))
            began = time.monotonic()
            server.kill()
        wait(lambda: all(map(is_gone, everybody)))
        return time.monotonic() - began

    assert_within(2.0, attempt)


@ON_LINUX
def test_a_job_of_a_spare_is_cancelled_within_a_second(queue_of):
    queue = queue_of(slots=1)

    def attempt():
        spare_of(queue)
        job_id = train(queue, epochs=10000)
        wait(lambda: queue.watch(job_id).share)
        began = time.monotonic()
        queue.cancel(job_id)
        assert ended(queue, job_id).state == "cancelled"
        return time.monotonic() - began

    assert_within(1.0, attempt)


def test_a_spare_on_a_machine_that_starts_no_process_is_done_without(queue_of, monkeypatch):
    queue = queue_of(slots=1)

    def refuse(*_arguments, **_options):
        raise OSError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    queue.prepare()
    job_id = queue.submit(["train"])
    assert ended(queue, job_id).reason == UNEXPECTED


@ON_LINUX
def test_a_stopped_supervisor_still_ends_with_its_server(runs_dir, tmp_path):
    with Server(runs_dir, *worker(tmp_path, STUBBORN)) as server:
        server.call("submit", ["train"])
        everybody = pids(runs_dir, 2) + supervisors(server.process.pid)
        assert len(everybody) == 3
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
    wait(lambda: all(map(is_gone, everybody)))


@ON_LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_its_supervisor_a_job_is_ended_by_the_server(number, queue_of, runs_dir):
    queue = queue_of(STUBBORN)
    job_id = queue.submit(["train"])
    everybody = pids(runs_dir, 2) + supervisors(os.getpid())
    assert len(everybody) == 3
    os.kill(everybody[-1], number)
    if number == signal.SIGSTOP:
        queue.cancel(job_id)
    assert ended(queue, job_id).state == ("failed" if number == signal.SIGKILL else "cancelled")
    wait(lambda: all(map(is_gone, everybody)))


def test_servers_on_one_folder_leave_each_other_their_jobs(runs_dir, tmp_path, queue_of):
    command = worker(tmp_path, LASTING)
    queue = queue_of(command=command, slots=1)
    with Server(runs_dir, *command) as other:
        theirs = [other.call("submit", ["train"], f"theirs {i}") for i in range(3)]
        mine = [queue.submit(["train"], f"mine {i}") for i in range(2)]
        pids(runs_dir, 4)  # one of each runs
        for found in (queue.watch(job_id) for job_id in theirs):
            with pytest.raises(JobError, match="in the hands of another server"):
                queue.cancel(found.id)
            with pytest.raises(JobError, match="has not ended"):
                queue.resume(found.id)
        with pytest.raises(JobError, match="in the hands of another server"):
            other.call("pause", mine[0])
        states = [(job.title, job.state, job.position) for job in reversed(queue.all())]
        assert states == [
            ("theirs 0", "running", 0), ("theirs 1", "queued", 1), ("theirs 2", "queued", 2),
            ("mine 0", "running", 0), ("mine 1", "queued", 1),
        ]  # fmt: skip
        assert Jobs(runs_dir).watch(mine[1]).position == 1, "files tell the same"
    wait(lambda: all(queue.watch(job_id).state == "interrupted" for job_id in theirs))
    assert [queue.watch(job_id).state for job_id in mine] == ["running", "queued"]


def assert_all_see(queue, job_id, state):
    """Many who look at once see the same, from the first look on."""
    seen = []

    def look():
        seen.extend(queue.watch(job_id).state for _ in range(50))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert seen == [state] * 400


def test_an_interrupted_job_is_resumed_by_one_server_only(runs_dir, tmp_path, queue_of):
    command = worker(tmp_path, LASTING)
    run = begun(queue_of())
    with Server(runs_dir, *command) as first:
        job_id = first.call("go_on", run.id)
        pids(runs_dir, 2)
    queues, won, lost = [queue_of(command=command) for _ in range(4)], [], []
    assert_all_see(queues[0], job_id, "interrupted")

    def resume(queue):
        gate.wait(TIMEOUT)
        try:
            queue.resume(job_id)
            won.append(queue)
        except JobError as error:
            lost.append(str(error))

    with Server(runs_dir, *command) as other:
        gate = threading.Barrier(4)
        threads = [threading.Thread(target=resume, args=(queue,)) for queue in queues]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        assert (len(won), len(lost)) == (1, 3), lost
        with pytest.raises(JobError, match="has not ended"):
            other.call("resume", job_id)
    assert {queue.watch(job_id).state for queue in queues} == {"running"}
    won[0].cancel(job_id)
    assert ended(won[0], job_id).state == "cancelled"


# real trainings


def assert_same_as_uninterrupted(run, folder):
    """Equal bits of weights, codes and training state, equal metrics."""
    whole = Run.create(folder / "whole", run.config(), run.title)
    for _ in execute(whole):
        pass
    assert read(run.model_path).fingerprint == read(whole.model_path).fingerprint
    assert read_tensors(run.state_path)[2] == read_tensors(whole.state_path)[2]
    rows = [[{**row, "seconds": 0} for row in each.history.rows()] for each in (run, whole)]
    assert rows[0] == rows[1] and len(rows[0]) == run.config().training.epochs


def test_a_training_killed_paused_and_resumed_ends_with_the_same_bits(queue_of, runs_dir, tmp_path):
    queue = queue_of()
    job_id = train(queue, epochs=40, autosave=0.2)
    wait(lambda: queue.watch(job_id).share > 0)
    os.kill(family(os.getpid())[1], signal.SIGKILL)
    found = ended(queue, job_id)
    assert found.state == "failed" and 0 < found.share < 1
    (run,) = list_runs(runs_dir)
    assert found.runs == (run.id,) and not run.model_path.exists()
    queue.resume(job_id)
    wait(lambda: queue.watch(job_id).share > found.share)
    queue.pause(job_id)
    paused = ended(queue, job_id)
    assert paused.state == "paused" and found.share < paused.share < 1
    steps = read(run.model_path).card.steps
    assert 0 < steps == int(read_tensors(run.state_path)[0]["step"][0]), "it can be explored"
    queue.resume(job_id)
    found = ended(queue, job_id)
    assert (found.state, found.share, found.runs) == ("done", 1.0, (run.id,))
    assert_same_as_uninterrupted(run, tmp_path)


def test_a_training_held_for_long_is_paused_and_goes_on_bit_for_bit(queue_of, runs_dir, tmp_path):
    hasty = tmp_path / "hasty.py"
    hasty.write_text(
        "import runpy, models.training.control as s\n"
        "s.MAX_PAUSE_SECONDS = 0.3; runpy.run_module('models', run_name='__main__')"
    )
    queue = queue_of(command=[sys.executable, str(hasty)])
    job_id = train(queue, epochs=40)
    wait(lambda: queue.watch(job_id).share)
    (run,) = list_runs(runs_dir)
    send_request(run.folder, order="hold")
    held = ended(queue, job_id)
    assert held.state == "paused" and held.share < 1
    queue.resume(job_id)
    assert ended(queue, job_id).state == "done"
    assert_same_as_uninterrupted(run, tmp_path)


def test_a_training_that_diverges_says_so(queue_of, runs_dir):
    queue = queue_of()
    bad = override(preset("digits-2d"), learning_rate=1.0, warmup_steps=0)
    found = ended(queue, queue.train(bad))
    assert found.state == "failed"
    assert found.reason.startswith("every term of the loss must stay finite, but the ")
    assert_sentence(found.reason)
    state = read_tensors(Run(runs_dir / found.runs[0]).state_path)[0]
    assert all(np.isfinite(value).all() for value in state.values())


@pytest.mark.slow
def test_a_sweep_dies_with_its_server_and_is_resumed_by_the_next(runs_dir, queue_of):
    queue = queue_of()
    small = replace(CONFIG.model, hidden=(8, 4)), replace(CONFIG.training, epochs=150)
    configs = grid(replace(CONFIG, model=small[0], training=small[1]), [0.5, 1.0, 2.0])
    sweep = Sweep.open(runs_dir, configs)
    words = ["sweep", f"--resume={sweep.id}", "--autosave=0.2"]
    with Server(runs_dir) as server:
        ids = [member.run.id for member in sweep.members]
        job_id = server.call("submit", words, "three", ids, sweep.id)
        wait(lambda: queue.watch(job_id).share > 0)
        found = queue.watch(job_id)
        everybody = descendants(server.process.pid)
        assert len(everybody) >= 4, "supervisors, sweep, and what it starts"
        server.kill()
        began = time.monotonic()
    wait(lambda: all(map(is_gone, everybody)))
    assert time.monotonic() - began < 4
    left = queue.watch(job_id)
    assert left.state == "interrupted" and 0 < left.share < 1
    assert (left.sweep, set(left.runs)) == (found.sweep, {run.id for run in list_runs(runs_dir)})
    queue.resume(job_id)
    wait(lambda: queue.watch(job_id).share > left.share)
    everybody = descendants(os.getpid())
    queue.cancel(job_id)
    assert ended(queue, job_id).state == "cancelled"
    wait(lambda: all(map(is_gone, everybody)))
    queue.resume(job_id)
    found = ended(queue, job_id)
    assert (found.state, found.share, found.text) == ("done", 1.0, "3 of 3 runs done")
    for run in list_runs(runs_dir):
        assert read(run.model_path).card.steps == run.history.rows()[-1]["step"]
        assert [row["epoch"] for row in run.history.rows()] == list(range(150))
