"""What the benchmarks share: interleaved rounds and one table. `app.py` has server and browser.

The processor's speed drifts and others use it too. So a loop and its reference take turns in
one process, medians are compared, and a target is a ratio wherever it can be.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
VERDICTS = {None: "", True: "met", False: "MISSED"}


def arguments(text: str | None, *flags: str, **options: int | str) -> argparse.Namespace:
    """The command line: --quick, and what one benchmark has; finds MNIST beside the root.

    Args:
        text: The benchmark's docstring.
        flags: Its switches.
        options: Its options, each with its default.
    """
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="does it run? no figure counts")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    if (ROOT.parent / "shared/data").is_dir():
        os.environ.setdefault("LATENT_DATA_DIR", str(ROOT.parent / "shared/data"))
    return parser.parse_args()


def interleaved(
    loops: Mapping[str, Callable[[], float | None]], rounds: int, discard: int = 0
) -> dict[str, float]:
    """The median seconds of each loop over `rounds`, the first `discard` left out.

    Every other round runs in reverse order. A loop may return the seconds it measured itself.
    """
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(discard + rounds):
        for name in list(loops)[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            own = loops[name]()
            seconds[name].append(time.perf_counter() - start if own is None else own)
    return {name: statistics.median(values[discard:]) for name, values in seconds.items()}


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that `share` per cent of the values do not exceed."""
    return sorted(values)[max(0, -(-share * len(values) // 100) - 1)]


class Row(NamedTuple):
    """A line of a table: what, the number with its unit, ratio to the reference, target, met."""

    what: str
    value: str
    ratio: float | None = None
    target: str = ""
    met: bool | None = None

    @classmethod
    def at_least(cls, what: str, value: str, ratio: float, target: float | None) -> Row:
        """A row whose ratio may have a target."""
        goal, met = ("", None) if target is None else (f">= {target:g} x", ratio >= target)
        return cls(what, value, ratio, goal, met)

    @classmethod
    def at_most(cls, what: str, number: float, unit: str, target: float, ratio=None) -> Row:
        """A row whose number has a target."""
        return cls(what, f"{number:.1f} {unit}", ratio, f"<= {target:g} {unit}", number <= target)


def show(title: str, rows: Sequence[Row], quick: bool) -> None:
    """Prints rows as an aligned table."""
    cells = [("", "value", "ratio", "target", "")]
    for what, value, ratio, target, met in rows:
        verdict = "?" if quick and target else VERDICTS[met]
        cells.append((what, value, "" if ratio is None else f"{ratio:.2f} x", target, verdict))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(title + " (--quick: a trial only)" * quick)
    for first, *others in cells:
        padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *padded]).rstrip())
