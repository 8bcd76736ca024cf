"""A click on the map: until the inspector shows the image's number and its pictures.

Clicks go to the most isolated points in view that no earlier pin covers, one at a time. Time runs
in the browser, from the release of the button to the animation frame that finds heading and
pictures. What the page sends meanwhile is counted, messages and requests. The reference is
`plain_app.py`, plain Streamlit with Streamlit's defaults, clicked in turn. A session without a
browser tells what a click costs the server afterwards, for the link: from the pin sent to "script
finished".
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
PAUSE_MS = 600
"""After a click: two are no double click, and the link is written."""
TARGETS_MS = {50: 20, 95: 50}
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


def click(page, points: list[dict]) -> dict | None:
    """Clicks on the first of the points that nothing lies over, and takes it off the list.

    Returns:
        Milliseconds to "number", "pictures" and "painted"; how much the page sent "before" they
        were there, and "after"; None without an answer.
    """
    point = points.pop(page.evaluate("points => window.benchmark.uncovered(points)", points))
    box = page.locator(".latent-map .stage, .js-plotly-plot").first.bounding_box()
    page.evaluate("number => window.benchmark.watch(number)", point["number"])
    page.mouse.move(box["x"] + point["x"], box["y"] + point["y"])
    page.wait_for_timeout(100)
    page.mouse.down()
    page.mouse.up()
    times = page.evaluate("() => window.benchmark.answer")
    page.wait_for_timeout(PAUSE_MS)
    if times:
        start, end = times["start"], times["start"] + times["pictures"]
        sent = "([from, to]) => window.benchmark.sent(from, to)"
        times["before"] = page.evaluate(sent, [start, end])
        times["after"] = page.evaluate(sent, [end, end + PAUSE_MS])
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
            places.append(pages[-1].evaluate(isolated, 3 * clicks + WARM_UP))
        for _ in range(clicks + WARM_UP):
            for page, points, times in zip(pages, places, answers, strict=True):
                times.append(click(page, points))
    ours, plain = ([t for t in times[WARM_UP:] if t] for times in answers)
    return rows_of_clicks(ours, plain, clicks)


def rows_of_clicks(ours: list[dict], plain: list[dict], clicks: int) -> list[Row]:
    """What was answered, how soon, and what was sent for it."""

    def both(what: str, share: int) -> tuple[float, float]:
        mine, other = (percentile([t[what] for t in times], share) for times in (ours, plain))
        return mine, other / mine

    before, after = (max(answer[when] for answer in ours) for when in ("before", "after"))
    rows = [Row("clicks answered", f"{len(ours)} of {clicks}", None, "all", len(ours) == clicks)]
    for share, target in TARGETS_MS.items():
        mine, ratio = both("pictures", share)
        rows.append(
            Row.at_most(f"click -> number and pictures, p{share}", mine, "ms", target, ratio)
        )
    for share in TARGETS_MS:
        mine, ratio = both("painted", share)
        rows.append(Row(f"  until that frame was painted, p{share}", f"{mine:.1f} ms", ratio))
    return [
        *rows,
        Row("messages and requests before they show, most", f"{before}", None, "0", before == 0),
        Row("  afterwards, most", f"{after}"),
    ]


def without_browser(apps: list[Server], name: str, count: int, clicks: int) -> list[Row]:
    """The round trip of a pin, and the server's processor time for it."""
    sessions = [Session(app.url, f"model={name}") for app in apps]
    for number in range(5):
        for session in sessions:
            session.pin(number)
    before = [app.cpu_seconds() for app in apps]
    trips = [[s.pin(17 * turn % count) for s in sessions] for turn in range(1, clicks + 1)]
    used = [(app.cpu_seconds() - b) / clicks for app, b in zip(apps, before, strict=True)]
    mine, plain = (percentile(times, 50) for times in zip(*trips, strict=True))
    wrong = sum(session.errors for session in sessions)
    assert not wrong, f"{wrong} runs of a script ended in an error"
    return [
        Row("server, afterwards: pin -> link kept, p50", f"{1e3 * mine:.1f} ms", plain / mine),
        Row("  processor time of it", f"{1e3 * used[0]:.1f} ms", used[1] / used[0]),
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
