"""The first start where Streamlit has never run: a terminal, a display, an empty home."""

import os
import pty
import select
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.helpers.paths import ROOT
from tests.helpers.processes import PATIENCE


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_first_start_asks_nothing(tmp_path):
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    terminal, end = pty.openpty()
    home = {"HOME": str(tmp_path), "DISPLAY": ":99", "BROWSER": "true"}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "explorer/app.py", "--server.port", str(port)],
        cwd=ROOT, env={**os.environ, **home}, stdin=end, stdout=end, stderr=end,
    )  # fmt: skip
    try:
        said, deadline = "", time.monotonic() + PATIENCE
        while "URL:" not in said:
            assert time.monotonic() < deadline and process.poll() is None, said
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 4096).decode(errors="replace")
            assert "Email" not in said, "a new user is asked before seeing anything"
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(end)
