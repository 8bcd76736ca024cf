"""The live map: pointer to paint, frames, first paint, bytes on the wire, one decode; β’s slider.

The pointer goes round the map while every move is timed in the browser, from the event to after
the frame that shows it. 70 000 points are seven draws of q(z|x) for each of MNIST's 10 000 test
codes. Chromium has no window and draws WebGL in software, so that absolute times are pessimistic.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from models.latents.codes import Codes
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from tests.benchmarks.app import EXPLORER, Server, browser, open_map, server
from tests.benchmarks.common import ROOT, Row, arguments, percentile, show

MNIST = ROOT / "checkpoints/mnist-2d-beta-1.safetensors"
MULTIRATE = ("digits-2d-multirate", "mnist-2d-multirate")
DRAWS = 7


def large_run(runs_dir: Path) -> tuple[str, int]:
    """A run with `DRAWS` times as many codes as MNIST's test set: its id and their number."""
    stored = read(MNIST)
    codes, generator = stored.codes, np.random.default_rng(0)
    mean = np.tile(codes.mean, (DRAWS, 1))
    log_variance = np.tile(codes.log_variance, (DRAWS, 1))
    mean += np.exp(0.5 * log_variance) * generator.normal(size=mean.shape).astype(np.float32)
    many = Codes(mean, log_variance, np.tile(codes.distortion, DRAWS), np.tile(codes.labels, DRAWS))
    run = Run.create(runs_dir, stored.card.config, "large")
    write(run.model_path, stored.card, stored.weights, many)
    return run.id, len(many)


def circle(page, moves: int) -> dict:
    """Moves the pointer round the map and returns the times of the moves and the frame rate."""
    box = page.locator(".nsewdrag").bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("() => window.benchmark.hover()")
    for turn in range(moves):
        radius = 0.42 * box["height"] * (0.3 + 0.7 * abs(math.sin(turn / 40)))
        angle = turn / 15
        page.mouse.move(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
    return page.evaluate("() => window.benchmark.stop()")


def hovering(app: Server, name: str, count: int, moves: int, floor: int | None) -> list[Row]:
    """A page of its own: first paint, bytes, moves, decodes."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        received = []
        page.on(
            "response", lambda answer: received.append(answer) if "/latent/" in answer.url else 0
        )
        seconds = open_map(page, f"{app.url}/?model={name}", count)
        page.wait_for_function("() => document.querySelector('.latent-map').latentMap?.nearest")
        app.wait_until_idle()
        sizes = {a.url.rpartition(".")[2]: int(a.headers["content-length"]) for a in received}
        circle(page, 50)
        found = circle(page, moves)
        decodes = page.evaluate("count => window.benchmark.decodes(count)", 200)
    p50, p95 = (percentile(found["times"], share) for share in (50, 95))
    rate = found["framesPerSecond"]
    return [
        Row("first paint of the map, warm server", f"{seconds:.1f} s"),
        Row("figure / library, gzipped", f"{sizes['json'] / 1e3:.0f} / {sizes['js'] / 1e3:.0f} kB"),
        Row("pointer -> paint, p50", f"{p50:.1f} ms"),
        Row.at_most("pointer -> paint, p95", p95, "ms", 33),
        Row("frames a second", f"{rate:.0f}", None, f">= {floor}", rate >= floor),
        Row.at_most("one decode, p95", percentile(decodes, 95), "ms", 1),
    ]


def sliding(app: Server, name: str, seconds: int) -> list[Row]:
    """The trade-off while its slider plays: codes, twenty decoded images, bars, point."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 1100})
        page.add_init_script(path=ROOT / "tests/benchmarks/page.js")
        page.goto(f"{app.url}/trade-off?model={name}&curve={name}")
        page.wait_for_function(
            "() => document.querySelector('.rates')?.betaSlider?.now", timeout=60_000
        )
        app.wait_until_idle()
        page.get_by_role("button", name="Play").click()
        found = page.evaluate("time => window.benchmark.frames(time)", 1000 * seconds)
    rate = found["framesPerSecond"]
    return [
        Row("frames a second", f"{rate:.0f}", None, ">= 30", rate >= 30),
        Row("drawing of a frame, p50", f"{percentile(found['drawing'], 50):.1f} ms"),
        Row("drawing of a frame, p95", f"{percentile(found['drawing'], 95):.1f} ms"),
    ]


def main(quick: bool) -> None:
    moves = 60 if quick else 600
    with tempfile.TemporaryDirectory() as folder:
        large, many = large_run(Path(folder))
        with server(EXPLORER, Path(folder)) as app:
            for name, count, floor in ((MNIST.stem, 10_000, 45), (large, many, 30)):
                title = f"{moves} moves over {count:,} points, {name}"
                show(title, hovering(app, name, count, moves, floor), quick)
            for name in MULTIRATE:
                show(f"β slider playing, {name}", sliding(app, name, 2 if quick else 9), quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
