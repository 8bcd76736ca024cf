"""What may happen to the process of a job, to its supervisor, to a spare one, or to the server."""

import errno
import os
import signal
import subprocess
import time

import pytest

from explorer.jobs.job import JobError
from explorer.jobs.queue import Jobs
from models.cli.arguments import train_command
from models.engines import supervisor
from models.engines.handle import UNEXPECTED
from models.runs.folder import list_runs
from models.storage.checkpoint import read
from tests.helpers.job_server import Server
from tests.helpers.jobs import (
    CONFIG,
    ON_LINUX,
    begun,
    ended,
    train,
)
from tests.helpers.processes import wait
from tests.helpers.sentences import assert_sentence
from tests.helpers.workers import (
    LASTING,
    SHORT,
    STOPPED,
    STUBBORN,
    assert_within,
    family,
    is_gone,
    pids,
    supervisors,
    worker,
)


@pytest.mark.promise
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
        return max(taken, 2 * told)  # the caller waits for less than half of it

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
    wait(lambda: all(map(is_gone, everybody)))


def test_a_killed_worker_is_one_sentence_and_the_next_job_starts(queue_of, runs_dir):
    queue = queue_of(LASTING, slots=1)
    first, second = (queue.submit(["train"]) for _ in range(2))
    child, leader = pids(runs_dir, 2)
    os.kill(leader, signal.SIGKILL)
    found = ended(queue, first)
    assert found.state == "failed"
    assert_sentence(found.reason)
    assert found.reason == "its process must live to the end, but it was killed: resume it to go on"
    wait(lambda: is_gone(child))  # what it had started goes with it
    wait(lambda: queue.watch(second).state == "running")


def test_a_job_cancelled_before_it_hears_is_cancelled(queue_of):
    queue = queue_of(STUBBORN)
    for _ in range(3):
        job_id = queue.submit(["train"])
        queue.cancel(job_id)
        assert ended(queue, job_id).state == "cancelled"


def test_a_job_that_somebody_else_stops_is_interrupted(queue_of, runs_dir):
    queue = queue_of(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nnote(os.getpid())\ntime.sleep(3600)"
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
    hog = "start('import time; x = bytearray(300 * 2**20); print(1, flush=True); time.sleep(3600)')"
    queue = queue_of(hog + "\nnote(os.getpid())\ntime.sleep(3600)", slots=2, memory_bytes=2**28)
    small = queue_of(LASTING)
    other, job_id = small.submit(["train"]), queue.submit(["train"])
    found = ended(queue, job_id)
    assert_sentence(found.reason)
    assert found.reason.startswith("the work must fit into 0.1 GB of memory, but it grew")
    assert small.watch(other).state == "running", "the others go on"


def test_a_log_that_cannot_be_written_loses_nothing_but_itself(tmp_path):
    log = supervisor.Log()
    log.begin(str(tmp_path / "no" / "folder"))
    with open(tmp_path / "printed", "w+b") as pipe:
        pipe.write(b"one\nError: two.\n")
        pipe.flush()
        pipe.seek(0)
        log.follow(pipe)
    assert os.listdir(tmp_path) == ["printed"]


# what may happen to a server, or to a supervisor


@pytest.mark.promise
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


def spare_of(queue):
    """The supervisor and the worker that wait, once both are there."""
    # the thread and the supervisor of the last job outlive it a little
    wait(lambda: not queue._working and not supervisors(os.getpid()))
    queue.prepare()
    return family(os.getpid())


@ON_LINUX
def test_a_spare_process_does_the_next_job_as_a_new_one_does_it(queue_of, runs_dir):
    queue = queue_of(slots=1)
    everybody = spare_of(queue)
    queue.prepare()
    assert supervisors(os.getpid()) == everybody[:1], "one waits, not two"
    with_spare = train(queue, epochs=1)
    assert ended(queue, with_spare).state == "done"
    wait(lambda: all(map(is_gone, everybody)))
    without = train(queue, epochs=1)
    assert ended(queue, without).state == "done"
    models = [read(run.model_path) for run in list_runs(runs_dir)]
    assert len({model.fingerprint for model in models}) == 1
    (command,) = {model.card.command for model in models}
    assert command == train_command(models[0].card.config, "mine")


@ON_LINUX
def test_no_spare_is_in_the_way_of_a_job(queue_of):
    queue = queue_of(slots=1)
    everybody = spare_of(queue)
    job_id = train(queue, epochs=10000)
    assert queue.watch(job_id).state == "running"
    queue.prepare()
    assert supervisors(os.getpid()) == everybody[:1]
    queue.cancel(job_id)
    assert ended(queue, job_id).state == "cancelled"


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
@pytest.mark.promise
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
@pytest.mark.promise
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
