"""What a job is told of the machine: that it is busy, that its process is stopped, and its part."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from explorer.jobs import machine
from explorer.jobs.job import Job, new_id
from explorer.jobs.machine import IS_STOPPED, Pulse
from explorer.views.train import active_jobs
from models.engines import system
from models.engines.local import NICENESS
from tests.helpers.jobs import ON_LINUX
from tests.helpers.processes import wait
from tests.helpers.workers import LASTING


class Watched:
    """A process whose clock, processor time and status are given."""

    def __init__(self, monkeypatch):
        self.now, self.used, self.is_stopped, self.pulse = 100.0, 0.0, False, Pulse()
        monkeypatch.setattr(machine.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(
            machine, "_look", lambda _: machine._Sample(self.now, self.used, self.is_stopped)
        )

    def after(self, seconds, share):
        """What is said at the end of so many seconds with such a part of the processor."""
        for _ in range(seconds):
            self.now, self.used = self.now + 1, self.used + share
            said = self.pulse.trouble(os.getpid())
        return said


@pytest.fixture
def watched(monkeypatch):
    return Watched(monkeypatch)


def test_a_process_that_gets_little_is_told_so_and_how_much(watched):
    assert watched.after(3, 0.05) == "", "too early to tell"
    assert watched.after(9, 0.05) == "this machine is busy, and gives it 5% of a processor"
    assert watched.after(12, 0.9) == "", "that is over"
    assert "gives it 1% of" in watched.after(12, 0.0)


def test_a_process_that_works_is_left_in_peace_however_seldom_it_is_looked_at(watched):
    assert watched.after(30, 0.95) == ""
    watched.now, watched.used = watched.now + 600, watched.used + 570
    assert watched.pulse.trouble(os.getpid()) == ""


def test_a_stopped_process_is_told_so(watched):
    watched.after(5, 0.9)
    watched.is_stopped = True
    assert watched.after(2, 0.0) == IS_STOPPED
    watched.is_stopped = False
    assert watched.after(12, 0.9) == ""


def test_of_a_process_that_is_not_there_nothing_is_said():
    assert Pulse().trouble(0) == ""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert Pulse().trouble(process.pid) == ""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal stops a process")
def test_a_worker_that_is_stopped_is_told_of_on_the_page(queue_of, runs_dir, monkeypatch):
    monkeypatch.setattr(machine, "SAMPLE_SECONDS", 0.05)
    queue = queue_of(LASTING, slots=1)
    job_id = queue.submit(["train"], "stalled")
    worker = wait(lambda: getattr(queue._mine[job_id].handle, "pid", 0))
    os.kill(worker, signal.SIGSTOP)
    wait(lambda: queue.watch(job_id).trouble == IS_STOPPED)
    assert active_jobs._where(queue.watch(job_id), False).endswith(f"starting; {IS_STOPPED}")
    psutil.Process(worker).resume()
    queue.cancel(job_id)


def test_a_job_comes_after_those_before_it_though_the_clock_was_set_back():
    first = new_id(2 * 10**18, [])
    second = new_id(10**18, [first])
    third = new_id(10**18, [first, second, "lost+found"])
    assert first < second < third


SPIN = "import time; end = time.time() + {}\nwhile time.time() < end: pass"


@pytest.mark.slow
@ON_LINUX
def test_beside_one_who_takes_all_work_still_goes_on():
    """On one processor, in one session: at least a twentieth, and less than a third."""
    core = {min(os.sched_getaffinity(0))}
    busy, work = (subprocess.Popen([sys.executable, "-c", SPIN.format(6)]) for _ in range(2))
    for process in (busy, work):
        os.sched_setaffinity(process.pid, core)
    system.give_way(work.pid, NICENESS)
    used = {}
    for process in (busy, work):
        _, _, usage = os.wait4(process.pid, 0)
        used[process.pid], process.returncode = usage.ru_utime, 0
    share = used[work.pid] / (used[work.pid] + used[busy.pid])
    print(f"{share:.1%} of what both got")
    assert 0.05 < share < 0.33


def test_a_job_without_trouble_says_nothing_of_it():
    assert Job("a", "b", "running").trouble == ""
