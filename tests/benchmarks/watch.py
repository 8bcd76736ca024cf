"""A training started on the page: click → first epoch and first frame on screen; → a good map.

A map is good here once −ELBO on the test set is within `NEAR` nats of where the training ends.
"""

from __future__ import annotations

import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from models.runs import list_runs
from tests.benchmarks.app import EXPLORER, Server, browser, server
from tests.benchmarks.common import Row, arguments, show

NEAR = 1.0
EPOCH = re.compile(r"epoch \d+ of \d+: D")


def negative_elbos(runs_dir: Path) -> list[float]:
    """−ELBO of every epoch of the newest run, nats per test image."""
    return [
        row["test_distortion"] + row["test_rate"]
        for run in list_runs(runs_dir)[:1]
        for row in run.metrics()
    ]


def watch(page, app: Server, runs_dir: Path) -> tuple[float, float, list[float], list[float]]:
    """Seconds until the first epoch and the first frame are shown; of each epoch, and its score."""
    for folder in (run.folder for run in list_runs(runs_dir)):
        shutil.rmtree(folder)
    page.goto(f"{app.url}/train")
    page.get_by_text("parameters ·").wait_for()
    app.wait_until_idle()
    start = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".training-film canvas.codes").wait_for()
    frame = time.perf_counter() - start
    page.get_by_text(EPOCH).wait_for()
    first = time.perf_counter() - start
    times: list[float] = []
    while not list_runs(runs_dir)[0].model_path.exists():
        count = len(negative_elbos(runs_dir))
        times += [time.perf_counter() - start] * (count - len(times))
        page.wait_for_timeout(100)
    return first, frame, times, negative_elbos(runs_dir)


def main(quick: bool) -> None:
    firsts, frames, goods, totals = [], [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        server(EXPLORER, Path(folder)) as app,
        browser() as chromium,
    ):
        for _ in range(1 if quick else 5):
            page = chromium.new_page(viewport={"width": 1440, "height": 1200})
            first, frame, times, scores = watch(page, app, Path(folder))
            page.close()
            good = next(i for i, score in enumerate(scores) if score <= scores[-1] + NEAR)
            firsts.append(first)
            frames.append(frame)
            goods.append(times[min(good, len(times) - 1)])
            totals.append(times[-1])
    middle = statistics.median
    rows = [
        Row.at_most("click → first epoch on screen", middle(firsts), "s", 3),
        Row.at_most("click → first frame of the map", middle(frames), "s", 3),
        Row.at_most(f"click → −ELBO within {NEAR:g} nat of its end", middle(goods), "s", 10),
        Row("click → last epoch", f"{middle(totals):.1f} s"),
    ]
    show(f"digits-2d trained from the page, median of {len(firsts)}", rows, quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
