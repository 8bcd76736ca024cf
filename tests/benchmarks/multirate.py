"""One model for every β against five of one β each: D + βR on MNIST's test set, and the time.

Network, data, optimiser and epochs are the same. All six take turns, an epoch each, so that a
busy machine slows all of them.
"""

from __future__ import annotations

import torch

from models.config import ModelConfig, ObjectiveConfig, RunConfig, TrainingConfig
from models.data.load import load
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.metrics.statistics import estimate
from models.training.events import EpochEnd
from models.training.trainer import Training
from tests.benchmarks.common import Row, arguments, interleaved, show

BETAS = (0.1, 0.3, 1.0, 5.0, 30.0)
MOST_NATS = 2.0
MOST_TIME = 2.0
SEED = 1
"""The model was designed with seed 0."""


def start(family: str, latent_dim: int, beta: float, epochs: int, count: int, test_count: int):
    """A training on the first images of MNIST."""
    config = RunConfig(
        "mnist",
        ModelConfig(family, latent_dim=latent_dim),
        ObjectiveConfig(beta, kl_warmup_steps=500),
        TrainingConfig(epochs, seed=SEED),
    )
    train, test = load("mnist", "train").images[:count], load("mnist", "test").images[:test_count]
    return Training(build_model(config.model, SEED), config, train, test)


def loss(training: Training, beta: float) -> torch.Tensor:
    """D + βR of every test image, with the same noise for every model, nats."""
    terms = elbo(training.model.at(beta), training.test_images, seed=0)
    return terms.distortion + beta * terms.rate.sum(1)


def compare(latent_dim: int, quick: bool) -> None:
    """Trains the six and prints their table."""
    epochs, count, test_count = (2, 2560, 500) if quick else (5, 60_000, 10_000)
    sizes = (epochs, count, test_count)
    trainings = {"multirate": start("multirate", latent_dim, 1.0, *sizes)}
    trainings |= {f"β = {beta:g}": start("vae", latent_dim, beta, *sizes) for beta in BETAS}
    events = {name: training.events() for name, training in trainings.items()}

    def epoch(name: str) -> None:
        next(event for event in events[name] if isinstance(event, EpochEnd))

    loops = {name: lambda name=name: epoch(name) for name in trainings}
    seconds = interleaved(loops, rounds=epochs)
    rows = []
    for beta in BETAS:
        every, alone = loss(trainings["multirate"], beta), loss(trainings[f"β = {beta:g}"], beta)
        gap, error = estimate(every - alone)
        value = f"{every.mean():.2f} - {alone.mean():.2f} = {gap:+.2f} ± {error:.2f} nats/image"
        rows.append(Row(f"β = {beta:g}", value, None, f"<= {MOST_NATS:g} nats", gap <= MOST_NATS))
    one = sum(seconds[f"β = {beta:g}"] for beta in BETAS) / len(BETAS)
    ratio = seconds["multirate"] / one
    rows.append(
        Row(
            "an epoch, against one of a single β",
            f"{seconds['multirate']:.1f} / {one:.1f} s",
            ratio,
            f"<= {MOST_TIME:g} x",
            ratio <= MOST_TIME,
        )
    )
    title = f"D + βR of {latent_dim} latents after {epochs} epochs: multirate - trained for this β"
    show(title, rows, quick)


if __name__ == "__main__":
    options = arguments(__doc__)
    torch.set_num_threads(1)
    for latent_dim in (2, 10):
        compare(latent_dim, options.quick)
