"""The live map: pointer to paint, pan and zoom, bytes, one decode; β’s slider; the exported file.

The pointer goes round the map while every move is timed in the browser, from the event to after
the frame that shows it. Then the map is panned and zoomed by one step a frame, with every layer
that it has: prior, names, class means, decoded grid, pins and the path between them, a selection,
the selected image's posterior; "posteriors" adds the ellipses of all points. 70 000 points are
seven draws of q(z|x) for each of MNIST's 10 000 test codes. Chromium has no window and no graphics
hardware, so that absolute times are pessimistic.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from explorer.assets.html_export import export_page
from models.latents.codes import Codes
from models.runs.folder import Run
from models.storage.checkpoint import read, write
from tests.benchmarks.app import EXPLORER, PATIENCE_MS, Server, browser, open_map, server
from tests.benchmarks.common import ROOT, Row, arguments, percentile, show

DIGITS = ROOT / "checkpoints/digits-2d-beta-1.safetensors"
MNIST = ROOT / "checkpoints/mnist-2d-beta-1.safetensors"
EXPORTED_MB = {DIGITS: 0.6, MNIST: 4.5}
"""Most that a map may have as one HTML file, with the original images."""
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
    box = page.locator(".latent-map .stage").bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("() => window.benchmark.hover()")
    for turn in range(moves):
        radius = 0.42 * box["height"] * (0.3 + 0.7 * abs(math.sin(turn / 40)))
        angle = turn / 15
        page.mouse.move(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
    return page.evaluate("() => window.benchmark.stop()")


def drag(page, moves: int) -> dict:
    """Pans the map by hand, with the button held, in a small circle about its middle."""
    box = page.locator(".latent-map .stage").bounding_box()
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*centre)
    page.mouse.down()
    page.evaluate("() => window.benchmark.hover()")
    for turn in range(moves):
        page.mouse.move(
            centre[0] + 60 * math.sin(turn / 10), centre[1] + 60 * math.cos(turn / 10) - 60
        )
    found = page.evaluate("() => window.benchmark.stop()")
    page.mouse.up()
    return found


def fetched(page) -> list:
    """Notes the answers with the files of the map, as they come."""
    answers: list = []
    page.on("response", lambda answer: answers.append(answer) if "/latent/" in answer.url else None)
    return answers


def row_of_files(answers: list) -> Row:
    """Bytes of the files, as they were sent."""
    sizes = [(a.url.rpartition(".")[2], int(a.headers["content-length"])) for a in answers]
    script = sum(size for kind, size in sizes if kind == "js") / 1e3
    others = [size / 1e3 for kind, size in sizes if kind != "js"]
    files = " + ".join(f"{size:.0f}" for size in others)
    return Row("files of the map; script, gzipped", f"{files}; {script:.0f} kB")


def hovering(app: Server, name: str, count: int, moves: int, floor: int, most: float) -> list[Row]:
    """A page of its own: first paint, bytes, moves, pan and zoom, decodes."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        answers = fetched(page)
        seconds = open_map(page, f"{app.url}/?model={name}", count)
        page.wait_for_function("() => document.querySelector('.latent-map').latentMap?.nearest")
        app.wait_until_idle()
        circle(page, 50)
        found = circle(page, moves)
        moved = moving(page, moves // 2, most)
        decodes = page.evaluate("count => window.benchmark.decodes(count)", 200)
    p50, p95 = (percentile(found["times"], share) for share in (50, 95))
    rate = found["framesPerSecond"]
    return [
        Row("first paint of the map, warm server", f"{seconds:.1f} s"),
        row_of_files(answers),
        Row("pointer -> paint, p50", f"{p50:.1f} ms"),
        Row.at_most("pointer -> paint, p95", p95, "ms", 33),
        Row("frames a second", f"{rate:.0f}", None, f">= {floor}", rate >= floor),
        *moved,
        Row.at_most("one decode, p95", percentile(decodes, 95), "ms", 1),
    ]


def moving(page, count: int, most: float) -> list[Row]:
    """Pan and zoom with all layers: drawing of a frame, and until it was painted."""
    page.mouse.move(1, 1)
    page.evaluate("() => window.benchmark.layers('touched')")
    rows = []
    for kind in ("pan", "zoom"):
        frames = _moved(page, kind, count)
        for share in (50, 95):
            drawing = percentile(frames["drawing"], share)
            rows.append(Row.at_most(f"{kind}: a frame, p{share}", drawing, "ms", most))
        painted = percentile(frames["painted"], 95)
        rows.append(Row(f"{kind}: until it was painted, p95", f"{painted:.1f} ms"))
    by_hand = drag(page, count)
    paint = percentile(by_hand["times"], 95)
    rows.append(Row("pan by hand: pointer -> paint, p95", f"{paint:.1f} ms"))
    page.evaluate("() => window.benchmark.layers('all')")
    drawing = percentile(_moved(page, "pan", count // 4)["drawing"], 50)
    rows.append(Row("pan with all posteriors: a frame, p50", f"{drawing:.1f} ms"))
    return rows


def _moved(page, kind: str, count: int) -> dict:
    return page.evaluate(
        "([kind, count]) => window.benchmark.move(kind, count)", [kind, max(8, count)]
    )


def exported() -> list[Row]:
    """Sizes of maps as one HTML file; MNIST's images are only there where MNIST is."""
    return [
        Row(path.stem, f"{size:.2f} MB", None, f"<= {most:g} MB", size <= most)
        for path, most in EXPORTED_MB.items()
        for size in [len(export_page(path)) / 1e6]
    ]


def sliding(app: Server, name: str, seconds: int) -> list[Row]:
    """The trade-off while its slider plays: codes, twenty decoded images, bars, point."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1440, "height": 1100})
        page.add_init_script(path=ROOT / "tests/benchmarks/page.js")
        page.goto(f"{app.url}/trade-off?model={name}&curve={name}")
        page.wait_for_function(
            "() => document.querySelector('.rates')?.betaSlider?.now", timeout=PATIENCE_MS
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
            for name, count, floor, most in ((MNIST.stem, 10_000, 45, 4), (large, many, 30, 12)):
                title = f"{moves} moves over {count:,} points, {name}"
                show(title, hovering(app, name, count, moves, floor, most), quick)
            for name in MULTIRATE:
                show(f"β slider playing, {name}", sliding(app, name, 2 if quick else 9), quick)
    show("One HTML file with the map and its originals", exported(), quick)


if __name__ == "__main__":
    main(arguments(__doc__).quick)
