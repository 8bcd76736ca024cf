"""All scores of one model's codes against known factors: 10 000 codes, 10 latents, 5 factors.

The codes are those of sprites as a model might have them: five latents are the factors turned a
little into each other, with noise, and five are noise alone. Seconds are the processor's, of all
threads together: work of others beside it does not count.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from models.data.sprites import load_sprites
from models.latents.codes import Codes
from models.metrics.disentanglement.preparation import standardise
from models.metrics.disentanglement.scores import PROBES, SCORES, rotate, score_codes
from models.metrics.statistics import t_interval
from tests.benchmarks.common import Row, arguments, show

LATENTS = 10
TARGET = 10.0
"""Seconds for all scores."""
ROUNDS = 5


def codes(count: int, seed: int) -> Codes:
    """Codes of so many sprites: (count, 10), the first five beside the factors."""
    parts = [load_sprites("sprites-8", split) for split in ("train", "test")]
    factors = np.concatenate([part.factors for part in parts])[:count]
    random = np.random.default_rng(seed)
    mean = random.normal(size=(len(factors), LATENTS))
    known = factors.shape[1]
    mean[:, :known] *= 0.3
    mean[:, :known] += rotate(rotate(standardise(factors), 20, 0, 1), 20, 3, 4)
    labels = np.concatenate([part.labels for part in parts])[:count]
    spread = np.full(mean.shape, -2.0, np.float32)
    return Codes(mean.astype(np.float32), spread, np.full(len(mean), 20.0), labels, factors)


def seconds(known: Codes, seed: int) -> float:
    """What the processor works for all scores."""
    start = time.process_time()
    found = score_codes(known, seed)
    assert found.keys() == SCORES.keys() | PROBES.keys()
    return time.process_time() - start


def main() -> None:
    """Rounds with other codes each, and one table."""
    quick = arguments(__doc__).quick
    count, seeds = (500, range(2)) if quick else (10_000, range(ROUNDS))
    rounds = [seconds(codes(count, seed), seed) for seed in seeds]
    mean, half = t_interval(rounds)
    size = f"{count:,} codes, {LATENTS} latents, 5 factors"
    rows = [
        Row.at_most("all scores, median", statistics.median(rounds), "s", TARGET),
        Row("mean ± half the 95 % interval", f"{mean:.2f} ± {half:.2f} s"),
    ]
    show(f"{size}, {len(rounds)} rounds, processor seconds", rows, quick)


if __name__ == "__main__":
    main()
