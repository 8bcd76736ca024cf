"""Many at once: visitors of the map who do something every three seconds, beside a training.

Visitors are sessions without a browser. They all come at the same moment with an empty cache; once
all are there, each pins points, changes model, axes or colour, goes to another page and back, or
draws a digit, by a mix of its own. What the page's own scripts answer is not waited for: of a pin
the server hears only to keep the link. Pages are what a visitor waits for: all but the pins. The
visitors live in a process of their own, which tells how late its threads woke up and how much of a
core it took: so much of a round trip is not the server's. The training was started with the page's
own button. The reference, for openings and pins, is `plain_app.py` with Streamlit's defaults,
beside the same training, where a pin is a click that it answers.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from websockets.exceptions import WebSocketException

from explorer.jobs.queue import Jobs
from models.data.drawing import EXAMPLES
from tests.benchmarks.app import EXPLORER, PLAIN, Server, server
from tests.benchmarks.common import Row, arguments, percentile, show
from tests.benchmarks.session import Session

MODEL, POINTS = "digits-2d-beta-1", 500
PAUSE_SECONDS = 3.0
TICK_SECONDS = 0.01
"""Between two looks of the load generator at how late it is."""
TRAINING = "preset=digits-2d&epochs=1000&batch=4&hidden=512,512"
"""One that takes longer than any benchmark."""
MIX = {"pin": 70, "setting": 15, "draw": 5, "page": 5}
"""What a visitor of the map does; the way back from a page is the other five in a hundred."""
PINS_ONLY = {"pin": 1}
PAGES = ("train", "trade-off", "lessons")
SETTINGS = ("model", "view", "x", "colour")
NOT_CHOSEN = ("20 latents", "GAN", "iffusion", "t-SNE")
"""Parts of options that no visitor takes: pins that no longer fit, maps without test images to pin,
and positions yet to be computed."""


class Load(NamedTuple):
    """What visitors met: milliseconds of openings, and of what they did, by its name; of looks at a
    training; errors; milliseconds by which their threads woke up late, and their share of a core;
    the share of the whole processor that nobody asked for."""

    openings: list[float]
    actions: dict[str, list[float]]
    looks: list[float]
    errors: int
    late: list[float]
    share: float
    idle: float

    def of(self, *names: str) -> list[float]:
        """Milliseconds of all actions of these names."""
        return [time for name in names for time in self.actions.get(name, [])]

    @property
    def pages(self) -> list[float]:
        """Milliseconds of what a visitor waits for."""
        return self.of(*(name for name in self.actions if name != "pin"))


# --- visitors, in a process of their own ---------------------------------------------------------


def load_generator() -> Executor:
    """The process in which `crowd` is to run."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def crowd(url: str, visitors: int, seconds: float, mix: Mapping[str, int] = MIX) -> Load:
    """Visitors that all come at once and go after so many seconds."""
    load, barrier = Load([], {}, [], 0, [], 0.0, 0.0), threading.Barrier(visitors)
    used, start, unused = time.process_time(), time.monotonic(), _idle_seconds()
    with ThreadPoolExecutor(visitors) as pool, sampling(_lateness, TICK_SECONDS) as late:
        tasks = [
            pool.submit(_stay, url, random.Random(seed), seconds, mix, barrier, load)
            for seed in range(visitors)
        ]
        errors = sum(task.result() for task in tasks)
    seconds = time.monotonic() - start
    share, idle = time.process_time() - used, (_idle_seconds() - unused) / os.cpu_count()
    return load._replace(errors=errors, late=late, share=share / seconds, idle=idle / seconds)


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
    mix: Mapping[str, int],
    barrier: threading.Barrier,
    load: Load,
) -> int:
    """One visitor from the first page on; the errors met. One who is not answered leaves.

    Nobody acts before all have opened the page: what follows is not to wait for openings.
    """
    barrier.wait()
    session = _open(url, load)
    barrier.wait()
    if session is None:
        return 1
    try:
        end = time.monotonic() + seconds
        time.sleep(PAUSE_SECONDS * (1 + generator.random()))
        while True:
            name, taken = act(session, generator, mix)
            load.actions.setdefault(name, []).append(1e3 * taken)
            load.looks.extend(1e3 * look for look in session.rest(PAUSE_SECONDS))
            if time.monotonic() >= end:
                return session.errors
    except (OSError, WebSocketException):
        return session.errors + 1
    finally:
        session.close()


def _open(url: str, load: Load) -> Session | None:
    """Opens the map with an empty cache; None if it does not open."""
    try:
        session = Session(url, f"model={MODEL}")
        load.openings.append(1e3 * (session.seconds + session.fetch()))
    except (OSError, WebSocketException):
        return None
    return session


def act(session: Session, generator: random.Random, mix: Mapping[str, int]) -> tuple[str, float]:
    """Does what the mix says, or comes back to the map; its name, and the seconds it took."""
    if not session.is_on_map:
        return "page", session.visit("")
    [name] = generator.choices(list(mix), mix.values())
    if name == "draw" and not (session.pad or session.drawing_button):
        name = "pin"
    if name == "pin":
        return name, session.pin(generator.randrange(POINTS))
    if name == "draw":
        return name, session.draw(EXAMPLES[generator.randrange(10)])
    if name == "page":
        return name, session.visit(generator.choice(PAGES))
    setting = generator.choice([name for name in SETTINGS if name in session.choices])
    offered = session.choices[setting].options
    options = [text for text in offered if not any(word in text for word in NOT_CHOSEN)]
    seconds = session.choose(setting, generator.choice(options))
    return name, seconds + session.fetch()


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


def _wait(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def warm_up(app: Server) -> None:
    """Every page once, so that whatever is loaded once is loaded."""
    visitor = Session(app.url, f"model={MODEL}")
    visitor.fetch()
    for page in (*PAGES, ""):
        visitor.visit(page)
    visitor.pin(0)
    visitor.draw(EXAMPLES[0])
    visitor.close()
    app.wait_until_idle()


# --- what is reported ----------------------------------------------------------------------------


def rows_of_opening(load: Load, memory: list[float], visitors: int, plain: Load | None) -> list:
    """How long the first page took with its files, and what a session costs."""
    rows, reference = [], plain and plain.openings
    for share in (50, 95, 100):
        seconds = percentile(load.openings, share) / 1e3
        ratio = reference and percentile(reference, share) / 1e3 / seconds
        what = "the last" if share == 100 else f"p{share}"
        rows.append(Row(f"open, with all files, {what}", f"{seconds:.2f} s", ratio))
    grown = (max(memory) - memory[0]) / visitors
    return [
        *rows,
        Row("memory of the server before", f"{memory[0]:.0f} MB"),
        Row.at_most("memory of one session", grown, "MB", 1),
        Row.at_most("most memory of the server", max(memory), "MB", 1000),
    ]


def rows_of_load(load: Load, plain: Load | None) -> list[Row]:
    """Round trips, errors, and what was left of the processor."""
    rows = []
    for share in (50, 95):
        seconds = percentile(load.of("pin"), share)
        ratio = plain and percentile(plain.of("pin"), share) / seconds
        rows.append(Row(f"pin -> link kept, p{share}", f"{seconds:.1f} ms", ratio))
    names = {"setting": "change of model, axes or colour", "page": "change of page", "draw": "draw"}
    for name, text in names.items():
        if times := load.of(name):
            rows.append(Row(f"{text}, p95 of {len(times)}", f"{percentile(times, 95):.1f} ms"))
    done = sum(map(len, load.actions.values()))
    pages = load.pages or [0.0]
    looks = load.looks or [0.0]
    return [
        *rows,
        Row("pages, all but pins, p50", f"{percentile(pages, 50):.1f} ms"),
        Row.at_most("pages, all but pins, p95", percentile(pages, 95), "ms", 250),
        Row("pages and pins, p95", f"{percentile(load.of(*load.actions), 95):.1f} ms"),
        Row("look at the training, p95", f"{percentile(looks, 95):.1f} ms"),
        Row("errors", f"{load.errors} in {done} actions", None, "0", load.errors == 0),
        Row("load generator: wakes up late, p95", f"{percentile(load.late, 95):.1f} ms"),
        Row("load generator: share of a core", f"{load.share:.0%}"),
        Row("idle processor", f"{load.idle:.0%}"),
    ]


def main(quick: bool) -> None:
    sizes, seconds = ((4, 8), 6) if quick else ((40, 200), 60)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(EXPLORER, Path(folder)) as ours,
        server(PLAIN) as plain,
        load_generator() as pool,
    ):
        warm_up(ours)
        Session(plain.url, f"model={MODEL}").close()
        with training_job(ours.url, Path(folder)):
            few = (plain.url, sizes[0], seconds / 2, PINS_ONLY)
            reference: Load | None = pool.submit(crowd, *few).result()
            for visitors in sizes:
                start, used = time.monotonic(), ours.cpu_seconds()
                with sampling(ours.memory_mb, 0.2) as memory:
                    load = pool.submit(crowd, ours.url, visitors, seconds).result()
                used, start = ours.cpu_seconds() - used, time.monotonic() - start
                ratio = "; ratio: plain / ours" * (reference is not None)
                title = f"{visitors} visitors come at once, beside a training{ratio}"
                show(title, rows_of_opening(load, memory, visitors, reference), quick)
                title = f"{visitors} visitors, 3 s between actions, beside a training{ratio}"
                taken = f"{used:.1f} s in {start:.0f} s"
                row = Row("processor time of the server, with the openings", taken)
                show(title, [*rows_of_load(load, reference), row], quick)
                reference = None  # of the smaller crowd only


if __name__ == "__main__":
    main(arguments(__doc__).quick)
