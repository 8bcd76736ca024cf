"""How cost grows: time and memory against images, pixels, latents, points, runs and values of β.

Every measurement is a process of its own (`growth.py`), so that its peak of memory is its own, and
its time is processor time, which other programs do not add to. For each quantity the exponent is
that of a power law fitted to the times by least squares of logarithms, with its 95 % interval; the
first values, where overhead rules, show in it. The bound is what the machine could do at best: its
memory's bandwidth, its peak of matrix products, or the pixels of the screen; all measured here.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from tests.benchmarks.common import ROOT, arguments, show
from tests.benchmarks.common import Row as TableRow
from tests.benchmarks.growth import measure

PICTURE = ROOT / "tests/benchmarks/scaling.svg"


class Growth(NamedTuple):
    """What grows, its values, the unit of one, what is timed, and the values of --quick."""

    name: str
    values: Sequence[int]
    quick: Sequence[int]
    what: str
    bound: str


GROWTHS = (
    Growth(
        "images", (1000, 10_000, 100_000, 1_000_000), (1000, 4000, 16_000),
        "an epoch of 784-64-2, batch 256, images as bytes", "matrix products",
    ),
    Growth(
        "reading", (1000, 10_000, 100_000, 1_000_000), (1000, 10_000, 60_000),
        "reading that set from the library", "memory",
    ),
    Growth(
        "pixels", (64, 256, 784, 1024, 4096), (64, 784, 4096),
        "a step of pixels-256-2, batch 128, one channel", "matrix products",
    ),
    Growth(
        "pixels in colour", (192, 768, 3072, 12_288), (192, 768, 3072),
        "the same of three channels", "matrix products",
    ),
    Growth(
        "convolutions", (64, 256, 784, 4096), (64, 256, 784),
        "a step of convolutions 8-16, batch 64", "matrix products",
    ),
    Growth(
        "latents", (2, 8, 32, 128), (2, 16, 128),
        "a step of 784-256-latents, batch 128", "matrix products",
    ),
    Growth(
        "points, file", (1000, 10_000, 100_000, 1_000_000), (1000, 10_000, 100_000),
        "making the file of a map", "memory",
    ),
    Growth(
        "points, frame", (1000, 10_000, 100_000, 1_000_000), (1000, 10_000, 100_000),
        "drawing a frame of the map, 1000 × 700 pixels", "pixels of the screen",
    ),
    Growth(
        "runs", (10, 100, 1000), (10, 50, 200),
        "a look at a folder of runs that has not changed", "memory",
    ),
    Growth(
        "β", (1, 2, 4, 8, 16), (1, 4, 8),
        "a step of all runs of a sweep, digits-2d", "matrix products",
    ),
)  # fmt: skip


def measured(name: str, value: int) -> dict[str, float]:
    """What a process of its own finds of one value; it starts with this one's imports done."""
    kinds = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in kinds else "spawn")
    with context.Pool(1) as pool:
        return pool.apply(measure, (name, value))


def exponent(values: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """The slope of ln seconds over ln values, and half of its 95 % interval (infinite for two)."""
    x, y = np.log(values), np.log(seconds)
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    free = len(x) - 2
    if free < 1:
        return slope, math.inf
    error = math.sqrt(residual @ residual / free / (x @ x))
    return slope, float(student.ppf(0.975, free)) * error


def table(growths: Mapping[str, list[dict[str, float]]], quick: bool) -> list[TableRow]:
    """A row a quantity: the last value's time and peak, the exponent, the distance to the bound."""
    rows = []
    for growth in GROWTHS:
        found = growths[growth.name]
        slope, half = exponent([f["value"] for f in found], [f["seconds"] for f in found])
        last = found[-1]
        text = f"{last['value']:,}: {scaled(last['seconds'])}, {last['megabytes']:.0f} MB"
        rows.append(
            TableRow(
                f"{growth.name}: {growth.what}",
                f"{text}; ^{slope:.2f} ± {half:.2f}",
                last["seconds"] / last["bound"] if last.get("bound") else None,
                "^<= 1.1", slope - half <= 1.1,
            )
        )  # fmt: skip
    return rows


def scaled(seconds: float) -> str:
    """Seconds with a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


SIDE, COLUMNS, MARGIN = 190, 5, 34
"""Of a chart of the picture in pixels, how many stand in a row, and the room for its numbers."""
SERIES = {"seconds": "#2b6cb0", "bound": "#999999"}


def picture(growths: Mapping[str, list[dict[str, float]]]) -> str:
    """A drawing with a chart for every quantity: seconds and bound over values, logarithmic."""
    rows = -(-len(GROWTHS) // COLUMNS)
    width, height = SIDE * COLUMNS, (SIDE + 16) * rows + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>',
        '<text x="6" y="15" font-size="12">Seconds of processor time (blue) and the bound (grey), '
        "logarithmic; the exponent with its 95 % interval.</text>",
    ]
    for place, growth in enumerate(GROWTHS):
        left, top = SIDE * (place % COLUMNS), 24 + (SIDE + 16) * (place // COLUMNS)
        parts.append(f'<g transform="translate({left} {top})">')
        parts += [*_chart(growth.name, growths[growth.name]), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(name: str, found: list[dict[str, float]]) -> list[str]:
    """The lines of one chart."""
    values = np.log10([f["value"] for f in found])
    series = {kind: np.log10([f[kind] for f in found]) for kind in SERIES}
    low = math.floor(min(map(np.min, series.values())))
    high = math.ceil(max(map(np.max, series.values())))
    inner = SIDE - MARGIN - 12
    x = MARGIN + inner * (values - values[0]) / (values[-1] - values[0])
    slope, half = exponent([f["value"] for f in found], [f["seconds"] for f in found])
    parts = [f'<text x="{MARGIN}" y="12">{name}: {slope:.2f} ± {half:.2f}</text>']
    for level in range(low, high + 1):
        y = 20 + inner * (high - level) / (high - low)
        parts.append(f'<path d="M{MARGIN} {y:.1f}h{inner}" stroke="#ddd"/>')
        parts.append(f'<text x="2" y="{y + 3:.1f}">1e{level}</text>')
    for kind, logarithms in series.items():
        y = 20 + inner * (high - logarithms) / (high - low)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{SERIES[kind]}"/>')
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2" fill="{SERIES[kind]}"/>'
            for a, b in zip(x, y, strict=True)
        ]
    for at, anchor, end in ((x[0], "start", found[0]), (x[-1], "end", found[-1])):
        text = f'<text x="{at:.1f}" y="{SIDE}" text-anchor="{anchor}">{end["value"]:,}</text>'
        parts.append(text)
    return parts


def main() -> None:
    quick = arguments(__doc__).quick
    growths = {}
    for growth in GROWTHS:
        growths[growth.name] = [
            measured(growth.name, value) for value in (growth.quick if quick else growth.values)
        ]
        each = ", ".join(
            f"{f['value']:,}: {scaled(f['seconds'])} {f['megabytes']:.0f} MB"
            for f in growths[growth.name]
        )
        print(f"{growth.name}: {each}", flush=True)
    show("How cost grows (ratio: to its bound)", table(growths, quick), quick)
    if not quick:
        PICTURE.write_text(picture(growths), encoding="utf-8")
        print(f"Written: {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
