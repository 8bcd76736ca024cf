"""Processes for tests of engines and jobs: scripts in place of a worker, and who is alive."""

import os
import sys
from contextlib import suppress

import psutil

from tests.helpers.processes import wait

BEGIN = """
import json, os, signal, subprocess, sys, time
sys.stdout = sys.stderr  # standard output is for reports
words = json.loads(sys.stdin.readline() or sys.exit())
def note(pid):
    with open(os.path.join(os.environ["LATENT_RUNS_DIR"], "pids"), "a") as file:
        file.write(f"{pid}\\n")
def start(code):
    child = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    child.stdout.readline()
    note(child.pid)
"""
"""What the workers of these tests begin with: they write down who they are."""
LASTING = """
start("import time; print(1, flush=True); time.sleep(3600)")
note(os.getpid())
time.sleep(3600)
"""
STUBBORN = """
ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); "
start(ignore + "print(1, flush=True); time.sleep(3600)")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
note(os.getpid())
while True:
    time.sleep(60)
"""
STOPPED = """
start("import os, signal; print(1, flush=True); os.kill(os.getpid(), signal.SIGSTOP)")
note(os.getpid())
os.kill(os.getpid(), signal.SIGSTOP)
"""
SHORT = "note(os.getpid())"


def worker(folder, script):
    """The command of a worker that does what a script says, whatever its work is."""
    path = folder / f"worker-{len(os.listdir(folder))}.py"
    path.write_text(BEGIN + script)
    return [sys.executable, "-S", str(path)]


def pids(runs_dir, count=0):
    """The processes that have written themselves down, once there are so many."""
    path = runs_dir / "pids"
    wait(lambda: (path.read_text().count("\n") if path.exists() else 0) >= count)
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def is_gone(pid):
    """Whether a process has ended; its parent may not have noticed yet."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return True


def descendants(pid):
    """Ids of all processes below one."""
    with suppress(psutil.NoSuchProcess):
        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    return []


def supervisors(pid):
    """Ids of the supervisors below a process."""
    found = []
    for each in descendants(pid):
        with suppress(psutil.Error):
            if "models.engines.supervisor" in psutil.Process(each).cmdline():
                found.append(each)
    return found


def family(pid):
    """Ids of the supervisor of the work of a process and of its worker, once both are there."""
    wait(lambda: supervisors(pid) and descendants(supervisors(pid)[0]))
    (supervisor,) = supervisors(pid)
    return [supervisor, *descendants(supervisor)]


def assert_within(seconds, attempt, tries=8):
    """The fastest of some attempts is within its promise, however busy the machine is."""
    taken = []
    while len(taken) < tries and min(taken, default=seconds) >= seconds:
        taken.append(attempt())
    assert min(taken) < seconds, taken
