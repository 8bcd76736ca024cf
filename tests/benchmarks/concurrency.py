"""Many at once: forty visitors with three seconds between actions, one training, three browsers.

Visitors are sessions without a browser. They all open the map at the same moment; then they click
on it, and every fourth also looks at the trade-off and watches the training, which was started
with the page's own button. They live in a process of their own, which tells how late its threads
woke up and how much of a core it took: so much of a round trip is not the server's. In the third
round three pages in Chromium hover and click beside them. In life they would have processors of
their own; here they are niced, so that they take what the server leaves, and are slow themselves.
The reference, for clicks, is `plain_app.py` with Streamlit's defaults, beside the same training.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from explorer.jobs.queue import Jobs
from tests.benchmarks.app import EXPLORER, PLAIN, Server, browser, open_map, server
from tests.benchmarks.click import click
from tests.benchmarks.common import Row, arguments, percentile, show
from tests.benchmarks.live import circle
from tests.benchmarks.session import Session

MODEL, POINTS = "digits-2d-beta-1", 500
PAUSE_SECONDS = 3.0
TICK_SECONDS = 0.01
"""Between two looks of the load generator at how late it is."""
TRAINING = "preset=digits-2d&epochs=1000&batch=4&hidden=512,512"
"""One that takes longer than any benchmark."""
CLICKS = ("click",)
TOUR = ("train", "click", "trade-off", "click", "click")
"""What one visitor in four does, over and over; the others click."""


class Load(NamedTuple):
    """What visitors met: milliseconds of openings, clicks, changes of page and looks at a training;
    errors; milliseconds by which their threads woke up late, and their share of a core; the share
    of the whole processor that nobody asked for."""

    openings: list[float]
    clicks: list[float]
    visits: list[float]
    looks: list[float]
    errors: int
    late: list[float]
    share: float
    idle: float


class Seen(NamedTuple):
    """What browsers met: of every click the milliseconds to number and picture, None without an
    answer; milliseconds from pointer to paint; frames a second of every hover."""

    clicks: list[dict[str, float] | None]
    paints: list[float]
    frames: list[float]


# --- visitors, in a process of their own ---------------------------------------------------------


def load_generator() -> Executor:
    """The process in which `crowd` is to run."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def crowd(url: str, visitors: int, seconds: float, tour: tuple[str, ...] = TOUR) -> Load:
    """Visitors that all come at once and go after so many seconds."""
    found, barrier = Load([], [], [], [], 0, [], 0.0, 0.0), threading.Barrier(visitors)
    used, start, unused = time.process_time(), time.monotonic(), _idle_seconds()
    with ThreadPoolExecutor(visitors) as pool, sampling(_lateness, TICK_SECONDS) as late:
        tours = [CLICKS if seed % 4 else tour for seed in range(visitors)]
        tasks = [
            pool.submit(_stay, url, random.Random(seed), seconds, tour, barrier, found)
            for seed, tour in enumerate(tours)
        ]
        errors = sum(task.result() for task in tasks)
    seconds = time.monotonic() - start
    share, idle = time.process_time() - used, (_idle_seconds() - unused) / os.cpu_count()
    return found._replace(errors=errors, late=late, share=share / seconds, idle=idle / seconds)


def _idle_seconds() -> float:
    """Of all cores together, since the machine was started (Linux)."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[4]) / os.sysconf("SC_CLK_TCK")


def _lateness() -> float:
    start = time.perf_counter()
    time.sleep(TICK_SECONDS)
    return 1e3 * (time.perf_counter() - start - TICK_SECONDS)


def _stay(
    url: str,
    generator: random.Random,
    seconds: float,
    tour: tuple[str, ...],
    barrier: threading.Barrier,
    found: Load,
) -> int:
    """One visitor from the first page on; the errors met."""
    barrier.wait()
    session = Session(url, f"model={MODEL}")
    found.openings.append(1e3 * session.seconds)
    end = time.monotonic() + seconds
    time.sleep(PAUSE_SECONDS * (1 + generator.random()))
    for action in itertools.cycle(tour):
        _act(session, action, generator.randrange(POINTS), found)
        found.looks.extend(1e3 * look for look in session.rest(PAUSE_SECONDS))
        if time.monotonic() >= end:
            session.close()
            return session.errors
    raise AssertionError("a tour must have an action")


def _act(session: Session, action: str, point: int, found: Load) -> None:
    """Goes to a page, or clicks on the map, after the way back to it."""
    if action != "click":
        found.visits.append(1e3 * session.visit(action))
        return
    if not session.is_on_map:
        found.visits.append(1e3 * session.visit(""))
        session.rest(PAUSE_SECONDS)
    found.clicks.append(1e3 * session.click(point))


# --- what is around them -------------------------------------------------------------------------


@contextlib.contextmanager
def sampling(measure: Callable[[], Any], seconds: float) -> Iterator[list[Any]]:
    """Measures at once, and then again after every so many seconds while the block lasts."""
    samples, ended = [measure()], threading.Event()

    def sample() -> None:
        while not ended.wait(seconds):
            samples.append(measure())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def training_job(url: str, runs_dir: Path, form: str = TRAINING) -> Iterator[None]:
    """A training that a visitor starts with the page's button, and cancels at the end."""
    visitor, jobs = Session(url, form, "train"), Jobs(runs_dir)
    visitor.press("Train")
    try:
        _wait(lambda: any(job.share for job in jobs.all()))
        yield
        assert [job.state for job in jobs.all()] == ["running"], "the training must not end first"
    finally:
        visitor.rest(1)
        if "Cancel" in visitor.buttons:
            visitor.press("Cancel")
        visitor.close()
        _wait(lambda: not any(job.is_live for job in jobs.all()))


def _wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def warm_up(app: Server) -> None:
    """Every page once, so that whatever is loaded once is loaded."""
    visitor = Session(app.url, f"model={MODEL}")
    for page in ("train", "trade-off", ""):
        visitor.visit(page)
    visitor.click(0)
    visitor.close()
    app.wait_until_idle()


@contextlib.contextmanager
def browsers(url: str, count: int = 3) -> Iterator[list[Any]]:
    """Pages in Chromium that show the map."""
    with browser() as chromium:
        pages = [chromium.new_page(viewport={"width": 1440, "height": 1000}) for _ in range(count)]
        for page in pages:
            open_map(page, f"{url}/?model={MODEL}", POINTS)
        yield pages


def give_way(name: str) -> None:
    """The sessions of programs with such a name take what others leave (Linux, sched(7))."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if name in (path / "comm").read_text():
                (path / "autogroup").write_text("10")


def use(pages: list[Any], task: Future) -> Seen:
    """Clicks and hovers on each page in turn, a round every `PAUSE_SECONDS`, until a task ends."""
    seen = Seen([], [], [])
    points = pages[0].evaluate("count => window.benchmark.isolated(count)", 40)
    for point in itertools.cycle(points):
        for page in pages:
            next_turn = time.monotonic() + PAUSE_SECONDS / len(pages)
            seen.clicks.append(click(page, **point))
            hover = circle(page, 20)
            seen.paints.extend(hover["times"])
            seen.frames.append(hover["framesPerSecond"])
            time.sleep(max(0.0, next_turn - time.monotonic()))
        if task.done():
            return seen
    raise AssertionError("there must be points in view")


# --- what is reported ----------------------------------------------------------------------------


def rows_of_opening(opened: Load, memory: list[float], visitors: int) -> list[Row]:
    """How long the first page took, and what a session costs."""
    p50, p95 = (percentile(opened.openings, share) / 1e3 for share in (50, 95))
    grown = (max(memory) - memory[0]) / visitors
    return [
        Row("open to script finished, p50 / p95", f"{p50:.2f} / {p95:.2f} s"),
        Row.at_most("the last", max(opened.openings) / 1e3, "s", 2),
        Row("memory of the server before", f"{memory[0]:.0f} MB"),
        Row.at_most("memory of one session", grown, "MB", 1),
    ]


def rows_of_load(load: Load, plain: Load) -> list[Row]:
    """Round trips, errors, and what was left of the processor."""
    actions = load.clicks + load.visits
    ratios = [percentile(plain.clicks, s) / percentile(load.clicks, s) for s in (50, 95)]
    return [
        Row("click, p50", f"{percentile(load.clicks, 50):.1f} ms", ratios[0]),
        Row("click, p95", f"{percentile(load.clicks, 95):.1f} ms", ratios[1]),
        Row("change of page, p95", f"{percentile(load.visits, 95):.1f} ms"),
        Row.at_most("both, p95", percentile(actions, 95), "ms", 250),
        Row("look at the training, p95", f"{percentile(load.looks, 95):.1f} ms"),
        Row("errors", f"{load.errors} in {len(actions)} actions", None, "0", load.errors == 0),
        Row("load generator: wakes up late, p95", f"{percentile(load.late, 95):.1f} ms"),
        Row("load generator: share of a core", f"{load.share:.0%}"),
        Row("idle processor", f"{load.idle:.0%}"),
    ]


def rows_of_browsers(seen: Seen) -> list[Row]:
    """Clicks and frames."""
    times = [answer for answer in seen.clicks if answer]
    count = f"{len(times)} of {len(seen.clicks)}"
    numbers, pictures = ([answer[what] for answer in times] for what in ("number", "picture"))
    return [
        Row("clicks answered", count, None, "all", len(times) == len(seen.clicks)),
        Row("click -> number, p50", f"{percentile(numbers, 50):.1f} ms"),
        Row("click -> number, p95", f"{percentile(numbers, 95):.1f} ms"),
        Row("click -> decoded picture, p95", f"{percentile(pictures, 95):.1f} ms"),
        Row("pointer -> paint, p95", f"{percentile(seen.paints, 95):.1f} ms"),
        Row("frames a second, p50", f"{percentile(seen.frames, 50):.0f}"),
    ]


def main(quick: bool) -> None:
    visitors, seconds = (5, 3) if quick else (40, 60)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(EXPLORER, Path(folder)) as ours,
        server(PLAIN) as plain,
        load_generator() as pool,
    ):
        warm_up(ours)
        Session(plain.url, f"model={MODEL}").close()
        with training_job(ours.url, Path(folder)), sampling(ours.memory_mb, 0.2) as memory:
            opened = pool.submit(crowd, ours.url, visitors, 0).result()
            first = rows_of_opening(opened, memory, visitors)
            alone = pool.submit(crowd, ours.url, visitors, seconds).result()
            with browsers(ours.url) as pages:
                give_way("chrom")
                task = pool.submit(crowd, ours.url, visitors, seconds)
                seen, load = use(pages, task), task.result()
            reference = pool.submit(crowd, plain.url, visitors, seconds / 2, CLICKS).result()
    show(f"{visitors} visitors come at once, beside a training", first, quick)
    title = f"{visitors} visitors, 3 s between actions, beside a training"
    show(f"{title}; ratio: plain / ours", rows_of_load(alone, reference), quick)
    show(f"{title} and three browsers; the same ratio", rows_of_load(load, reference), quick)
    most = Row.at_most("memory of the server", max(memory), "MB", 1000)
    show("The three browsers", [*rows_of_browsers(seen), most], quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
