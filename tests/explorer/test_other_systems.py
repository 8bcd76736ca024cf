"""A system without what only POSIX has, as Windows is: every page opens, and a run is trained.

What macOS lacks beside Linux is part of it: nothing of the kernel ends an orphan there.
"""

import ast
import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from models.runs.folder import list_runs
from tests.helpers.jobs import ON_LINUX
from tests.helpers.paths import ROOT
from tests.helpers.processes import finish, python, wait
from tests.helpers.workers import is_gone

HIDING = ROOT / "tests/helpers/without_posix"
PAGES = ["latent_map", "train", "trade_off", "collapse", "families", "lessons"]
OPEN_AND_TRAIN = """
import os, signal, sys, time
assert not hasattr(os, "killpg") and not hasattr(os, "sysconf") and not hasattr(signal, "SIGKILL")
from tests.helpers.app_test import open_view
for page in sys.argv[2:]:
    open_view(page)
from explorer.jobs.queue import Jobs
from tests.helpers.jobs import ended, train
jobs = Jobs(sys.argv[1], slots=1)
job = ended(jobs, train(jobs, epochs=2))
assert (job.state, job.reason) == ("done", ""), job
stopped = train(jobs, epochs=10_000)
while not jobs.watch(stopped).share:
    time.sleep(0.05)
jobs.cancel(stopped)
assert ended(jobs, stopped).state == "cancelled"
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="nothing is there to be hidden")
def test_without_what_only_posix_has_every_page_opens_and_a_run_is_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (HIDING, ROOT))))
    finish(subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_TRAIN, str(tmp_path), *PAGES],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ))  # fmt: skip
    assert len(list_runs(tmp_path)) == 2


ORPHAN = """
import sys
from models.engines import system
system._LIBC = None
from models.engines.supervisor import Supervisor
Supervisor(sys.argv[1:], 0).run()
"""
ENDLESS = """
import time
from models.engines.worker import serve
serve(lambda words: time.sleep(3600))
"""


@ON_LINUX
def test_work_ends_when_its_supervisor_is_killed_without_the_kernels_help(tmp_path):
    """As on macOS: the worker sees that its supervisor is gone."""
    supervisor = python("-c", ORPHAN, sys.executable, "-c", ENDLESS, stdin=-1)
    order = {"work": ["anything"], "log": "", "memory": 0}
    supervisor.stdin.write(json.dumps(order) + "\n")
    supervisor.stdin.flush()
    worker = json.loads(supervisor.stdout.readline())["pid"]
    wait(lambda: psutil.Process(worker).status() == psutil.STATUS_SLEEPING)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.communicate()
    wait(lambda: is_gone(worker))
    assert supervisor.returncode == -signal.SIGKILL, "it had no time to end anything itself"


def text_without_encoding(source):
    """Lines in which a file is read or written as text in the system's own encoding."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        is_open = isinstance(node.func, ast.Name) and node.func.id == "open"
        modes = [arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)]
        is_text = name in ("read_text", "write_text") or (is_open and "b" not in "".join(modes))
        if is_text and not any(option.arg == "encoding" for option in node.keywords):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("path.read_text()", [1]),
        ("open(path)", [1]),
        ("open(path, 'a')", [1]),
        ("open(path, 'rb')\npath.write_text(x, encoding='utf-8')", []),
        ("image.open(path)", []),
    ],
)
def test_text_without_an_encoding_is_seen(source, expected):
    assert text_without_encoding(source) == expected


def test_every_text_file_names_its_encoding():
    """Windows would read it in another one."""
    found = {
        str(path.relative_to(ROOT)): lines
        for package in ("models", "explorer")
        for path in (ROOT / package).rglob("*.py")
        if (lines := text_without_encoding(path.read_text(encoding="utf-8")))
    }
    assert found == {}
