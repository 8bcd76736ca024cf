"""Forty visitors, a click a second each, beside one training job: round trips, errors, memory.

Visitors are sessions without a browser, in threads of this process, which shares the processor
with the server. The reference is `plain_app.py`, plain Streamlit with Streamlit's defaults.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.app import EXPLORER, PLAIN, Server, server
from tests.benchmarks.common import ROOT, Row, arguments, percentile, show
from tests.benchmarks.session import Session

MODEL, POINTS = "digits-2d-beta-1", 500


@contextlib.contextmanager
def training_job() -> Iterator[None]:
    """A training in a process of its own, longer than the benchmark, on one thread."""
    options = ["--preset", "digits-2d", "--epochs", "10000", "--threads", "1"]
    with tempfile.TemporaryDirectory() as runs, open(os.devnull, "w") as null:
        command = [sys.executable, "-m", "models", "train", *options, "--runs-dir", runs]
        process = subprocess.Popen(command, cwd=ROOT, stdout=null, stderr=null)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def visit(url: str, seed: int, seconds: float) -> tuple[list[float], int]:
    """One visitor's round trips in milliseconds, and the errors met."""
    generator, trips = random.Random(seed), []
    session = Session(url, f"model={MODEL}")
    time.sleep(2 + generator.random())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        taken = session.click(generator.randrange(POINTS))
        trips.append(1e3 * taken)
        time.sleep(max(0.0, 1 - taken))
    session.close()
    return trips, session.errors


def memory_mb(app: Server) -> float:
    """Resident memory of the server (Linux)."""
    pages = int(Path(f"/proc/{app.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def crowd(command: tuple[str, ...], visitors: int, seconds: float) -> tuple[list, int, float]:
    """All round trips, all errors, and the server's memory at the end."""
    with server(command) as app:
        Session(app.url, f"model={MODEL}").close()
        app.wait_until_idle()
        with training_job(), ThreadPoolExecutor(visitors) as pool:
            visits = [pool.submit(visit, app.url, seed, seconds) for seed in range(visitors)]
            found = [visit.result() for visit in visits]
        trips = [trip for times, _ in found for trip in times]
        return trips, sum(errors for _, errors in found), memory_mb(app)


def main(quick: bool) -> None:
    visitors, seconds = (4, 3) if quick else (40, 30)
    ours, errors, memory = crowd(EXPLORER, visitors, seconds)
    plain, _, plain_memory = crowd(PLAIN, visitors, seconds)
    half, most = (percentile(plain, share) / percentile(ours, share) for share in (50, 95))
    rows = [
        Row("round trip of a click, p50", f"{percentile(ours, 50):.1f} ms", half),
        Row.at_most("round trip of a click, p95", percentile(ours, 95), "ms", 250, most),
        Row("errors", f"{errors} in {len(ours)} clicks", None, "0", errors == 0),
        Row.at_most("memory of the server", memory, "MB", 1000, plain_memory / memory),
    ]
    show(f"{visitors} visitors and one training job, {MODEL}; ratio: plain / ours", rows, quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
