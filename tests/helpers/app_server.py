"""A server of the app on a free port, as a user starts it."""

import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, contextmanager

from tests.helpers.paths import ROOT
from tests.helpers.processes import wait


def app_server(runs_dir, program=("-m", "streamlit")):
    """The app's server, as Streamlit starts it: its address, and its process.

    Args:
        runs_dir: Its runs folder.
        program: What Python is told to run Streamlit with.
    """
    flags = ("--server.headless", "true", "--server.port")
    return serving(runs_dir, [*map(str, program), "run", "explorer/app.py", *flags])


def free_port():
    """A port of this machine that nothing listens at."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(runs_dir, words):
    """A server until the end of the block: its address, and its process.

    Args:
        runs_dir: Its runs folder.
        words: What Python is told; the port follows them.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *words, str(port)],
        cwd=ROOT, env={**os.environ, "LATENT_RUNS_DIR": str(runs_dir)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def is_healthy():
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
                return answer.status == 200
        except OSError:
            return False

    try:
        wait(is_healthy)
        yield address, process
    finally:
        process.terminate()
        process.wait()
