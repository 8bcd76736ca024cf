"""A Dask scheduler and workers in processes of their own, for tests of sweeps on Dask."""

import importlib.util
import json
import os
import resource
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT
from tests.helpers.processes import wait

NEEDS_DASK = (
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # of another's package
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None,
        reason="Dask is optional: pip install -r models/engines/requirements-dask.txt",
    ),
)


class Cluster:
    """A scheduler on this machine, and workers; what is still alive at the end is killed.

    Args:
        folder: For the files of all.
        options: Of the scheduler and of every worker.
    """

    def __init__(self, folder, options=()):
        self.folder, self.options, self.processes, self.workers = folder, options, [], []
        self.port = 0
        self.start_scheduler()

    def _start(self, arguments, cwd=ROOT, limit=None, **environment):
        def limit_files():
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        lonely = {"PYTHONPATH": str(ROOT), "LATENT_RUNS_DIR": str(self.folder / "nothing")}
        log = open(self.folder / f"log-{len(self.processes)}", "wb")  # noqa: SIM115
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", *map(str, arguments)],
                cwd=cwd, env={**os.environ, **lonely, **environment},
                stdout=log, stderr=log, preexec_fn=limit_files, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start_scheduler(self):
        """Starts one, at the address of the former one if there was one."""
        path = self.folder / "scheduler.json"
        path.unlink(missing_ok=True)
        words = [
            "--host",
            "127.0.0.1",
            "--port",
            self.port,
            "--scheduler-file",
            path,
            *self.options,
        ]
        self.scheduler = self._start(["distributed.cli.dask_scheduler", *words, "--no-dashboard"])
        wait(lambda: path.exists() and path.stat().st_size > 50)
        self.address = json.loads(path.read_text())["address"]
        self.port = self.address.rpartition(":")[2]

    def start_worker(self, threads=1, **options):
        """Starts one more; returns its process."""
        home = self.folder / f"worker-{len(self.processes)}"
        home.mkdir()
        words = ["--nthreads", threads, "--no-nanny", "--no-dashboard", "--local-directory", home,
                 "--death-timeout", 60, *self.options]  # fmt: skip
        process = self._start(["distributed.cli.dask_worker", self.address, *words], **options)
        process.home = home
        self.workers.append(process)
        return process

    def close(self):
        """Ends all."""
        for process in self.processes:
            process.kill()
            process.wait()
