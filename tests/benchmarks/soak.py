"""Ten minutes of visitors who come and go, beside one training: does the server grow?

Every visitor opens the map, pins points, looks at the other pages, leaves, and is followed by
another. Streamlit keeps a visitor who has left for two minutes, and memory settles for some minutes
more, so the first ten are left out. The growth is the median of the slopes between pairs of samples
(Theil-Sen), which single steps move little; only pairs that are a tenth of the time apart count.
Half of the slopes lie in the span given.
"""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.app import EXPLORER, server
from tests.benchmarks.common import Row, arguments, percentile, show
from tests.benchmarks.concurrency import (
    MODEL,
    PAUSE_SECONDS,
    POINTS,
    load_generator,
    sampling,
    training_job,
    warm_up,
)
from tests.benchmarks.session import Session

ACTIONS = ("pin", "pin", "pin", "train", "trade-off")
STAYS = 8
"""Most actions of a visitor."""


def passers_by(url: str, visitors: int, seconds: float) -> tuple[int, int]:
    """So many visitors at any time, each with a tour of its own; how many came, their errors."""
    end, numbers, met = time.monotonic() + seconds, itertools.count(), []
    with ThreadPoolExecutor(visitors) as pool:
        for task in [pool.submit(_stream, url, end, numbers, met) for _ in range(visitors)]:
            task.result()
    return len(met), sum(met)


def _stream(url: str, end: float, numbers: itertools.count, met: list[int]) -> None:
    """One visitor after another, each with a tour of its own."""
    while time.monotonic() < end:
        generator = random.Random(next(numbers))
        time.sleep(PAUSE_SECONDS * generator.random())
        session = Session(url, f"model={MODEL}")
        for action in generator.choices(ACTIONS, k=generator.randint(1, STAYS)):
            session.rest(PAUSE_SECONDS)
            if action != "pin":
                session.visit(action)
            elif session.is_on_map:
                session.pin(generator.randrange(POINTS))
            else:
                session.visit("")
        met.append(session.errors)
        session.close()


def growth(times: Sequence[float], values: Sequence[float], apart: float) -> list[float]:
    """Quartiles of the slopes between all samples that are so far apart: of each, per second."""
    pairs = itertools.combinations(zip(times, values, strict=True), 2)
    slopes = [(y - x) / (t - s) for (s, x), (t, y) in pairs if t - s >= apart]
    return [percentile(slopes, share) for share in (25, 50, 75)]


def main(quick: bool) -> None:
    visitors, lead, seconds = (8, 10, 20) if quick else (40, 600, 600)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(EXPLORER, Path(folder)) as app,
        load_generator() as pool,
    ):
        warm_up(app)
        with training_job(app.url, Path(folder)):
            task = pool.submit(passers_by, app.url, visitors, lead + seconds)
            time.sleep(lead)
            with sampling(lambda: (time.monotonic(), app.memory_mb()), 1) as samples:
                sessions, errors = task.result()
    times, values = zip(*samples, strict=True)
    low, rate, high = (3600 * slope for slope in growth(times, values, seconds / 10))
    start = percentile(values[:30], 50)
    rows = [
        Row("errors", f"{errors} in {sessions} sessions", None, "0", errors == 0),
        Row("memory at first, at last", f"{start:.1f}, {percentile(values[-30:], 50):.1f} MB"),
        Row("growth in an hour", f"{rate:+.1f} MB (half of the slopes: {low:+.1f} to {high:+.1f})"),
        Row.at_most("growth in two hours, by this rate", 200 * rate / start, "%", 10),
        Row.at_most("most memory", max(values), "MB", 1000),
    ]
    show(f"{visitors} visitors who come and go for {seconds} seconds", rows, quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
