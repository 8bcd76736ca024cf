"""Start: from the start of the process to the map on screen, with an empty cache; then a reload.

The reference is `plain_app.py`, the same map in plain Streamlit with Streamlit's defaults. The
browser runs already; every start has a new profile, hence an empty cache. The reload comes when
the server's warm-up is over.
"""

from __future__ import annotations

import statistics

from models.storage.checkpoint import read
from tests.benchmarks.app import EXPLORER, PLAIN, browser, open_map, server
from tests.benchmarks.common import ROOT, Row, arguments, show

MODELS = ("digits-2d-beta-1", "mnist-2d-beta-1")
STEPS = {
    "process start -> scatter, empty cache": 1.5,
    "  process start -> takes connections": None,
    "  goto -> scatter": None,
    "reload -> scatter": 1.3,
}
"""What is timed, and how many times sooner than the reference it is to be."""


def one_start(chromium, command: tuple[str, ...], name: str, count: int) -> list[float]:
    """Seconds of the four steps."""
    with server(command) as running:
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        first = open_map(page, f"{running.url}/?model={name}", count)
        running.wait_until_idle()
        again = open_map(page, None, count)
        page.close()
        return [running.seconds + first, running.seconds, first, again]


def table(ours: list[list[float]], plain: list[list[float]]) -> list[Row]:
    """Medians over the starts of both apps."""
    rows = []
    for index, (step, target) in enumerate(STEPS.items()):
        mine, other = (statistics.median(start[index] for start in app) for app in (ours, plain))
        rows.append(Row.at_least(step, f"{mine:.2f} s", other / mine, target))
    return rows


def main(quick: bool) -> None:
    rounds = 1 if quick else 5
    with browser() as chromium:
        for name in MODELS:
            count = len(read(ROOT / f"checkpoints/{name}.safetensors").codes)
            starts: dict[tuple, list] = {EXPLORER: [], PLAIN: []}
            for turn in range(rounds):
                for command in list(starts)[:: -1 if turn % 2 else 1]:
                    starts[command].append(one_start(chromium, command, name, count))
            title = f"Start, {name}, {count:,} points, median of {rounds}; ratio: plain / ours"
            show(title, table(starts[EXPLORER], starts[PLAIN]), quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
