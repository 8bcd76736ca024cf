"""A server of the app and a browser to look at it, for the benchmarks that need both."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.common import ROOT

PATIENCE_MS = 300_000
"""A wait has failed after so many milliseconds, many times what any takes, loaded or not."""
EXPLORER = ("explorer/app.py",)
PLAIN = (
    "tests/benchmarks/plain_app.py", "--server.address", "127.0.0.1",
    "--browser.gatherUsageStats", "false",
)  # fmt: skip
"""The reference app, with Streamlit's own defaults; it too is seen and heard here only."""
CHROMIUM = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
)  # fmt: skip


class Server(NamedTuple):
    """A running app: its address, its process id, seconds until it took connections."""

    url: str
    pid: int
    seconds: float

    def cpu_seconds(self) -> float:
        """Processor time used so far (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def wait_until_idle(self, limit: int = 60) -> None:
        """Waits for a second with less than a twentieth of a core: the warm-up is over."""
        for _ in range(limit):
            before = self.cpu_seconds()
            time.sleep(1)
            if self.cpu_seconds() - before < 0.05:
                return


@contextlib.contextmanager
def server(command: tuple[str, ...], runs_dir: Path | None = None) -> Iterator[Server]:
    """A server of EXPLORER or PLAIN, on a free loopback port; by default with no runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    flags = ["--server.port", str(port), "--server.headless", "true"]
    arguments = [sys.executable, "-m", "streamlit", "run", *command, *flags]
    with tempfile.TemporaryDirectory() as runs, open(os.devnull, "w") as null:
        environment = {**os.environ, "LATENT_RUNS_DIR": str(runs_dir or runs)}
        start = time.perf_counter()
        process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=null, stderr=null)
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, "the server ended before it took connections"
                time.sleep(0.01)
            yield Server(f"http://127.0.0.1:{port}", process.pid, time.perf_counter() - start)
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window; the system's where there is one."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield chromium
        chromium.close()


def open_map(page: Any, url: str | None, count: int) -> float:
    """Seconds until the map is drawn with its `count` points; without a URL, of a reload."""
    start = time.perf_counter()
    if url is None:
        page.reload(wait_until="commit")
    else:
        page.add_init_script(path=ROOT / "tests/benchmarks/page.js")
        page.goto(url, wait_until="commit")
    page.wait_for_function("count => window.benchmark.drawn(count)", arg=count, timeout=PATIENCE_MS)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - start
