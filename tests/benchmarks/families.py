"""GANs on digits over seeds: how many collapse, and what those that do not collapse draw.

Every seed of a preset is trained as `python -m models train --preset NAME --seed N` does, on one
thread, and 1000 of its draws are scored as `python -m models judge score` does. A seed that is done
is kept in `checkpoints/seeds.json` at once: `--resume` goes on behind it, in any number of
sittings, and `--only NAME` measures one preset, so that two processes can share the work. A share
of collapsed seeds has its exact 95 % interval.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import torch
from filelock import FileLock

from models.atomic import write_bytes
from models.config import RunConfig, override
from models.data.load import load
from models.families.generate import generate
from models.families.registry import build_model
from models.judge.score import RealImages
from models.judge.seeds import DIVERGED, FAILED, KEPT, SeedResult, kept, share
from models.metrics.samples.modes import diagnose
from models.metrics.statistics import t_interval
from models.presets import preset
from models.training.events import TrainingDivergedError
from models.training.trainer import Training
from tests.benchmarks.common import Row, arguments, show

NAMES = ("digits-gan-collapsing", "digits-gan")
DRAWN = 1000

SCORES = ("confidence", "class_variance", "judge.frechet", "judge.recall", "copies")


def measure(name: str, seed: int, config: RunConfig, real: RealImages, images: tuple) -> SeedResult:
    """Trains one seed and scores its draws."""
    config = override(config, seed=seed, threads=1)
    training = Training(build_model(config.model, seed), config, *images)
    begun = time.process_time()
    try:
        for _ in training.events():
            pass
    except TrainingDivergedError:
        return SeedResult(name, seed, time.process_time() - begun, DIVERGED)
    seconds = time.process_time() - begun
    drawn = torch.cat(list(generate(training.model, DRAWN, seed=0))).numpy()
    scores = real.score(drawn)
    count = min(DRAWN, len(images[1]))
    found = {key: round(float(scores[key].value), 4) for key in SCORES}
    classes = int(scores["classes"].value)
    return SeedResult(
        name, seed, round(seconds, 1), diagnose(scores, count).verdict, classes, found
    )


def keep(result: SeedResult) -> None:
    """Adds a seed that is done to those that are, by this process or another."""
    with FileLock(Path(tempfile.gettempdir()) / "latent-seeds.lock"):
        found = {(each.name, each.seed): each for each in [*kept(), result]}
        lines = ",\n ".join(json.dumps(asdict(found[key])) for key in sorted(found))
        write_bytes(KEPT, f"[{lines}]\n".encode())


def rows(name: str, results: list[SeedResult]) -> list[Row]:
    """The rows of a preset."""
    collapsed = sum(each.verdict in FAILED for each in results)
    found = [
        Row(f"{name}: collapsed or diverged", share(collapsed, len(results))),
        Row("  seconds of one processor", f"{statistics.mean(r.seconds for r in results):.0f} s"),
    ]
    scored = [each for each in results if each.scores]
    for key in SCORES:
        values = [each.scores[key] for each in scored]
        mean, half = t_interval(values)
        found.append(Row(f"  {key}", f"{mean:.3f} ± {half:.3f}" if values[1:] else f"{mean:.3f}"))
    return found


def main() -> None:
    """Measures the seeds that are not kept yet and prints the table."""
    given = arguments(__doc__, "--resume", seeds=30, only="")
    torch.set_num_threads(1)
    train, test = load("digits", "train"), load("digits", "test")
    real, images = RealImages(train, test), (train.images, test.images)
    names = [given.only] if given.only else NAMES
    if not given.resume and not given.quick:
        write_bytes(KEPT, b"[]")
    results = [] if given.quick else kept()
    done = {(each.name, each.seed) for each in results}
    for seed in range(1 if given.quick else given.seeds):
        for name in names:
            if (name, seed) in done:
                continue
            config = override(preset(name), epochs=2) if given.quick else preset(name)
            results.append(measure(name, seed, config, real, images))
            print(results[-1], flush=True)
            if not given.quick:
                keep(results[-1])
    table = [row for name in names for row in rows(name, [r for r in results if r.name == name])]
    show(f"GANs on digits, {len(results)} seeds", table, given.quick)


if __name__ == "__main__":
    main()
