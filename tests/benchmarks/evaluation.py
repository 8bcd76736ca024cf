"""Evaluation: the ELBO of a test set, and the importance-weighted bound, against common loops.

The ELBO's reference is the tutorial's test loop. The bound's is a Python loop over images and
over chunks of 100 samples, collected in numpy, then one log-sum-exp. Both score our 20-latent
MNIST model, so the scores must agree too: they are printed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from models.data.load import load
from models.metrics.likelihood import binarize, elbo, importance_weighted_bound
from models.storage.checkpoint import read, restore
from tests.benchmarks import tutorial
from tests.benchmarks.common import CORES, ROOT, Row, arguments, interleaved, show

CHUNK = 100


@torch.no_grad()
def looped_bound(model: nn.Module, images: Tensor, samples: int) -> list[float]:
    """ln p(x) from below, one image and 100 samples at a time."""
    bounds = []
    for image in images:
        weights = []
        for _ in range(samples // CHUNK):
            repeated = image.expand(CHUNK, *image.shape)
            mean, log_variance = model.encode(repeated)
            noise = torch.randn_like(mean)
            z = mean + torch.exp(0.5 * log_variance) * noise
            log_ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(1)  # ln p(z)/q(z|x)
            weights.append((model.log_likelihood(repeated, z) + log_ratio).numpy())
        weights = np.concatenate(weights).astype(np.float64)
        largest = weights.max()
        bounds.append(largest + math.log(np.exp(weights - largest).mean()))
    return bounds


def main(quick: bool) -> None:
    model = restore(read(ROOT / "checkpoints/mnist-20d-beta-1.safetensors"))
    count, few, samples, rounds = (1000, 2, 1000, 2) if quick else (10_000, 20, 5000, 5)
    test = load("mnist", "test").images[:count]
    batches = tutorial.loader("test", count, shuffle=False)
    binary = binarize(torch.tensor(test[:few]))

    def our_elbo() -> float:
        terms = elbo(model, torch.tensor(test))
        return (terms.distortion + terms.rate.sum(1)).mean().item()

    def our_bound() -> float:
        return importance_weighted_bound(model, binary, samples).mean().item()

    work = {
        "-ELBO, tutorial loop": lambda: tutorial.score(model, batches),
        "-ELBO, elbo": our_elbo,
        "bound, loop": lambda: np.mean(looped_bound(model, binary, samples)),
        "bound, importance_weighted_bound": our_bound,
    }
    scores = {}

    def scored(name: str):
        return lambda: scores.update({name: work[name]()})

    seconds = interleaved({name: scored(name) for name in work}, rounds, discard=1)
    rows = []
    for name, taken in seconds.items():
        speed = f"{count / taken:,.0f} images/s"
        if name.startswith("bound"):
            speed = f"{1e3 * taken / few / (samples / 1000):.1f} ms per 1000 samples of an image"
        reference = next(other for other in work if other[:5] == name[:5])
        label = f"{name}: {scores[name]:.2f} nats/image"
        rows.append(Row(label, speed, seconds[reference] / taken))
    title = f"Scores of {count:,} images; bound of {few}, {samples} samples; {CORES} threads"
    show(f"{title}; no target is set", rows, quick)


if __name__ == "__main__":
    options = arguments(__doc__)
    torch.set_num_threads(CORES)
    main(options.quick)
