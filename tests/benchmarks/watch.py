"""A training started on the page: click → first epoch and first frame on screen; → a good map.

A map is good here once −ELBO on the test set is within `NEAR` nats of where the training ends.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from models.runs.folder import list_runs
from tests.benchmarks.app import EXPLORER, PATIENCE_MS, Server, browser, server
from tests.benchmarks.common import Row, arguments, show

NEAR = 1.0
CLOCK = """() => {
    const signs = {
        epoch: () => /epoch \\d+ of \\d+: D/.test(document.body.textContent),
        frame: () => document.querySelector(".training-film .codes")?.offsetParent,
        curve: () => document.querySelector(".js-plotly-plot .main-svg"),
    };
    window.seen = {};
    document.addEventListener("click", () => {
        const start = performance.now();
        const look = () => {
            for (const [name, isThere] of Object.entries(signs)) {
                if (!(name in seen) && isThere()) seen[name] = (performance.now() - start) / 1000;
            }
            if (Object.keys(seen).length < 3) requestAnimationFrame(look);
        };
        look();
    }, {capture: true, once: true});
}"""
"""Seconds from the click until the page shows the first epoch's scores, frame and curve."""


def negative_elbos(runs_dir: Path) -> list[float]:
    """−ELBO of every epoch of the newest run, nats per test image."""
    return [
        row["test_distortion"] + row["test_rate"]
        for run in list_runs(runs_dir)[:1]
        for row in run.history.rows()
    ]


def watch(page, app: Server, runs_dir: Path) -> tuple[dict[str, float], list[float], list[float]]:
    """Seconds until each sign of `CLOCK` is shown; of each epoch, and its score."""
    for folder in (run.folder for run in list_runs(runs_dir)):
        shutil.rmtree(folder)
    page.goto(f"{app.url}/train")
    page.get_by_text("parameters ·").wait_for()
    app.wait_until_idle()
    page.evaluate(CLOCK)
    start = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("() => 'epoch' in window.seen")
    times: list[float] = []
    while not list_runs(runs_dir)[0].model_path.exists():
        count = len(negative_elbos(runs_dir))
        times += [time.perf_counter() - start] * (count - len(times))
        page.wait_for_timeout(100)
    return page.evaluate("window.seen"), times, negative_elbos(runs_dir)


def main(quick: bool) -> None:
    signs: list[dict[str, float]] = []
    goods, totals = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        server(EXPLORER, Path(folder)) as app,
        browser() as chromium,
    ):
        for _ in range(1 if quick else 5):
            page = chromium.new_page(viewport={"width": 1440, "height": 1200})
            page.set_default_timeout(PATIENCE_MS)
            seen, times, scores = watch(page, app, Path(folder))
            page.close()
            good = next(i for i, score in enumerate(scores) if score <= scores[-1] + NEAR)
            signs.append(seen)
            goods.append(times[min(good, len(times) - 1)])
            totals.append(times[-1])
    middle = statistics.median
    epoch, frame, curve = (middle(s[name] for s in signs) for name in ("epoch", "frame", "curve"))
    rows = [
        Row.at_most("click → first epoch's scores on screen", epoch, "s", 3),
        Row.at_most("click → first frame of the map on screen", frame, "s", 3),
        Row("click → curves on screen", f"{curve:.1f} s"),
        Row.at_most(f"click → −ELBO within {NEAR:g} nat of its end", middle(goods), "s", 10),
        Row("click → last epoch", f"{middle(totals):.1f} s"),
    ]
    show(f"digits-2d trained from the page, median of {len(signs)}", rows, quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
