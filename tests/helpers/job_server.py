"""A second server for tests: a process with a queue of jobs on the same folder."""

import json
import subprocess
import sys

from explorer.jobs.job import JobError
from models.engines.local import COMMAND
from tests.helpers.paths import ROOT

SERVER = """
import json, sys
from explorer.jobs.queue import Jobs
from models.engines.local import LocalEngine
runs_dir, *command = sys.argv[1:]
environment = {"LATENT_RUNS_DIR": runs_dir}
jobs = Jobs(runs_dir, engine=LocalEngine(0, environment=environment, command=command))
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        print(json.dumps(["", getattr(jobs, name)(*arguments)]), flush=True)
    except Exception as error:
        print(json.dumps([str(error), None]), flush=True)
"""


class Server:
    """Another server: a process with a queue of its own, told what to do line by line."""

    def __init__(self, runs_dir, *command):
        command = command or COMMAND
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(runs_dir), *command],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.kill()

    def call(self, *words):
        """What a method returns; its JobError is one here."""
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        problem, result = json.loads(self.process.stdout.readline())
        if problem:
            raise JobError(problem)
        return result

    def kill(self):
        self.process.kill()
        self.process.communicate()
