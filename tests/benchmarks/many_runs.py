"""A folder of 1,000 runs against none: changes of page on two warm servers, in turn.

The visitors are sessions without a browser, so a round trip is the server's work and the way there
and back. The runs are small; what a page reads of a run does not depend on its size.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.benchmarks.app import EXPLORER, server
from tests.benchmarks.common import Row, arguments, interleaved, show
from tests.benchmarks.concurrency import MODEL
from tests.benchmarks.session import Session
from tests.helpers.checkpoints import copies

PAGES = {"map": "", "Train": "train", "Trade-off": "trade-off", "Collapse": "collapse",
         "Lessons": "lessons"}  # fmt: skip
MOST_RATIO, MOST_MS, MOST_MB = 1.2, 300, 50
WARM_UP = 2
"""Visits of every page that do not count."""


def main(quick: bool) -> None:
    count, rounds = (20, 2) if quick else (1000, 15)
    with tempfile.TemporaryDirectory() as many, tempfile.TemporaryDirectory() as none:
        copies(Path(many), count)
        with server(EXPLORER, Path(many)) as full, server(EXPLORER, Path(none)) as empty:
            visitors = [Session(each.url, f"model={MODEL}") for each in (full, empty)]
            for _ in range(WARM_UP):
                for page in (*PAGES.values(), "train"):
                    for visitor in visitors:
                        visitor.visit(page)
            full.wait_until_idle(5)
            rows = []
            for name, page in PAGES.items():
                loops = {
                    which: lambda visitor=visitor, page=page: _visit(visitor, page)
                    for which, visitor in zip(("many", "none"), visitors, strict=True)
                }
                taken = interleaved(loops, rounds)
                milliseconds, ratio = 1e3 * taken["many"], taken["many"] / taken["none"]
                met = ratio <= MOST_RATIO and milliseconds <= MOST_MS
                goal = f"<= {MOST_RATIO} x, <= {MOST_MS} ms"
                rows.append(Row(f"{name}, p50", f"{milliseconds:.0f} ms", ratio, goal, met))
            more = full.memory_mb() - empty.memory_mb()
            rows.append(Row.at_most("memory more than with none", more, "MB", MOST_MB))
            errors = sum(visitor.errors for visitor in visitors)
            rows.append(Row("errors", str(errors), None, "0", errors == 0))
            for visitor in visitors:
                visitor.close()
    show(f"change of page with {count} runs; ratio: to none", rows, quick)


def _visit(visitor: Session, page: str) -> float:
    """Comes from another page; the seconds of the change."""
    visitor.visit("train" if page != "train" else "")
    time.sleep(0.2)  # the server lets twenty messages a second pass
    return visitor.visit(page)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
