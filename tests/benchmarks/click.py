"""A click on the map: until the inspector shows the image's number, and its decoded picture.

Clicks go to the most isolated points in view, one at a time. Time runs in the browser, from the
release of the button to the animation frame that finds the heading, or the loaded picture. The
reference is `plain_app.py`, plain Streamlit with Streamlit's defaults, clicked in turn. A session
without a browser tells the server's share: from the selection sent to "script finished".
"""

from __future__ import annotations

import subprocess
import sys

from models.storage.checkpoint import read
from tests.benchmarks.app import EXPLORER, PLAIN, Server, browser, open_map, server
from tests.benchmarks.common import ROOT, Row, arguments, percentile, show
from tests.benchmarks.session import Session

MODELS = ("digits-2d-beta-1", "mnist-2d-beta-1")
WARM_UP = 2
COLLECT = """
import gc, statistics, time
from explorer.services import warm_up
from explorer.views.latent_map import page

def collect():
    start = time.perf_counter()
    gc.collect(2)
    return 1e3 * (time.perf_counter() - start)

warm_up.import_and_freeze()
frozen = statistics.median(collect() for _ in range(9))
gc.unfreeze()
print(frozen, statistics.median(collect() for _ in range(9)))
"""


def click(page, number: int, x: float, y: float) -> dict | None:
    """One click, with a pause so that two are no double click; None without an answer."""
    box = page.locator(".js-plotly-plot").first.bounding_box()
    page.evaluate("number => window.benchmark.watch(number)", number)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.wait_for_timeout(100)
    page.mouse.down()
    page.mouse.up()
    times = page.evaluate("() => window.benchmark.answer")
    page.wait_for_timeout(400)
    return times


def in_browser(apps: list[Server], name: str, count: int, clicks: int) -> list[Row]:
    """Clicks on our map and on the plain app's, in turn."""
    with browser() as chromium:
        pages, places, answers = [], [], [[] for _ in apps]
        for app in apps:
            pages.append(chromium.new_page(viewport={"width": 1400, "height": 1000}))
            open_map(pages[-1], f"{app.url}/?model={name}", count)
            app.wait_until_idle()
            isolated = "count => window.benchmark.isolated(count)"
            places.append(pages[-1].evaluate(isolated, clicks + WARM_UP))
        for turn in range(clicks + WARM_UP):
            for page, points, times in zip(pages, places, answers, strict=True):
                times.append(click(page, **points[turn]))
    ours, plain = ([t for t in times[WARM_UP:] if t] for times in answers)
    rows = [Row("clicks answered", f"{len(ours)} of {clicks}", None, "all", len(ours) == clicks)]
    for share, target in ((50, 60), (95, 150)):
        mine, other = (percentile([t["number"] for t in times], share) for times in (ours, plain))
        rows.append(Row.at_most(f"click -> number, p{share}", mine, "ms", target, other / mine))
    for share in (50, 95):
        mine, other = (percentile([t["picture"] for t in times], share) for times in (ours, plain))
        rows.append(Row(f"click -> decoded picture, p{share}", f"{mine:.1f} ms", other / mine))
    return rows


def without_browser(apps: list[Server], name: str, count: int, clicks: int) -> list[Row]:
    """The round trip of a selection, and the server's processor time for it."""
    sessions = [Session(app.url, f"model={name}") for app in apps]
    for number in range(5):
        for session in sessions:
            session.click(number)
    before = [app.cpu_seconds() for app in apps]
    trips = [[s.click(17 * turn % count) for s in sessions] for turn in range(1, clicks + 1)]
    used = [(app.cpu_seconds() - b) / clicks for app, b in zip(apps, before, strict=True)]
    mine, plain = (percentile(times, 50) for times in zip(*trips, strict=True))
    wrong = sum(session.errors for session in sessions)
    assert not wrong, f"{wrong} runs of a script ended in an error"
    trip = "server: selection -> script finished, p50"
    return [
        Row.at_most(trip, 1e3 * mine, "ms", 10, plain / mine),
        Row("server: processor time of a click", f"{1e3 * used[0]:.1f} ms", used[1] / used[0]),
    ]


def garbage() -> list[Row]:
    """`gc.collect(2)` after the warm-up, in a process of its own."""
    command = [sys.executable, "-c", COLLECT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    frozen, thawed = map(float, done.stdout.split())
    return [
        Row.at_most("gc.collect(2) after warm-up", frozen, "ms", 10),
        Row("the same without gc.freeze()", f"{thawed:.1f} ms"),
    ]


def main(quick: bool) -> None:
    clicks = 4 if quick else 40
    with server(EXPLORER) as ours, server(PLAIN) as plain:
        for name in MODELS:
            count = len(read(ROOT / f"checkpoints/{name}.safetensors").codes)
            what = ([ours, plain], name, count, clicks)
            title = f"{clicks} clicks, {name}, {count:,} points; ratio: plain / ours"
            show(title, in_browser(*what) + without_browser(*what), quick)
    show("Garbage collection", garbage(), quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
