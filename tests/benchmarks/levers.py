"""Levers on the time to quality: nats of held-out images after equal processor time, each alone.

Every recipe differs from the first in one thing. What a step of it costs is measured beforehand, so
that all get as many steps as the same processor time pays for; schedules are functions of the
share of that time. One thread and processor time: other work on the machine matters little. The
last 5,000 training images are held out and scored; test images are never looked at.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from models.config import ModelConfig
from models.data.load import load
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.objectives.schedules import StepObjective
from models.objectives.trainable import Batch
from models.training.linear_start import leading_directions, start_linear
from models.training.optimizer import Adam
from tests.benchmarks.common import Row, arguments, show

HELD_OUT = 5000
COST_ROUNDS, COST_STEPS = 5, 5
"""Turns, and steps of a turn, in which the cost of a step is measured."""


@dataclass(frozen=True)
class Recipe:
    """How to train; shares are of the processor time.

    `batches` follow each other, each for an equal share. `average` is the share over which an
    exponential moving average of the weights reaches back; 0: none. `binarize` as in the settings.
    """

    hidden: tuple[int, ...] = (512, 256)
    activation: str = "relu"
    precision: str = "float32"
    batches: tuple[int, ...] = (128,)
    plateau: float = 0.0
    peak: float = 2e-3
    final: float = 0.005
    warmup: float = 0.04
    kl_warmup: float = 0.1
    clip: float = 0.0
    average: float = 0.0
    start: str = "random"
    second_moment: float = 0.999
    binarize: bool = False


LEVERS: dict[str, dict] = {
    "base: 512-256, ReLU, float32, batch 128, cosine from 2e-3": {},
    "SiLU": {"activation": "silu"},
    "GELU": {"activation": "gelu"},
    "SELU, peak 1e-3": {"activation": "selu", "peak": 1e-3},
    "bfloat16": {"precision": "bfloat16"},
    "peak 4e-3": {"peak": 4e-3},
    "peak 4e-3, gradient clipped at 50": {"peak": 4e-3, "clip": 50.0},
    "plateau of 60 %": {"plateau": 0.6},
    "constant rate, weights averaged": {"plateau": 1.0, "average": 0.1},
    "plateau of 60 %, weights averaged": {"plateau": 0.6, "average": 0.03},
    "batch 256, peak 3e-3": {"batches": (256,), "peak": 3e-3},
    "batch 64, 128, 256": {"batches": (64, 128, 256)},
    "no KL warm-up": {"kl_warmup": 0.0},
    "KL warm-up of 30 %": {"kl_warmup": 0.3},
    "first and last layer from principal components": {"start": "whitened"},
    "linear start": {"start": "linear"},
    "linear start, no KL warm-up": {"start": "linear", "kl_warmup": 0.0},
    "one hidden layer of 400": {"hidden": (400,)},
    "one hidden layer of 800": {"hidden": (800,)},
    "256-128": {"hidden": (256, 128)},
    "384-256-128": {"hidden": (384, 256, 128)},
    "Adam's second decay .99": {"second_moment": 0.99},
}
"""What each recipe changes."""
TOGETHER = {"activation": "silu", "precision": "bfloat16", "start": "linear", "plateau": 0.6}
LEVERS |= {
    "together: SiLU, bfloat16, linear start, plateau": TOGETHER,
    "together, peak 3e-3": TOGETHER | {"peak": 3e-3},
    "together, no KL warm-up": TOGETHER | {"kl_warmup": 0.0},
    "together, constant rate, weights averaged": TOGETHER | {"plateau": 1.0, "average": 0.1},
    "together without plateau": TOGETHER | {"plateau": 0.0},
    "together with ReLU": TOGETHER | {"activation": "relu"},
    "together, 256-128": TOGETHER | {"hidden": (256, 128)},
    "together, one hidden layer of 400": TOGETHER | {"hidden": (400,)},
}
SELF_NORMALISING = {"selu"}
ACTIVATIONS = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": lambda: nn.GELU(approximate="tanh"),
    "selu": nn.SELU,
}


def rate(recipe: Recipe, share: float) -> float:
    """The learning rate after a share of the time, as a share of its peak."""
    if share < recipe.warmup:
        return max(0.01, share / recipe.warmup)
    rest = (share - recipe.warmup) / (1 - recipe.warmup)
    if recipe.plateau == 1:
        return 1.0
    fall = max(0.0, rest - recipe.plateau) / (1 - recipe.plateau)
    return recipe.final + (1 - recipe.final) * 0.5 * (1 + math.cos(math.pi * fall))


def build(recipe: Recipe, latent_dim: int, images: Tensor, seed: int) -> nn.Module:
    """An untrained model with the recipe's activation and start."""
    config = ModelConfig(latent_dim=latent_dim, hidden=recipe.hidden, activation="silu")
    model = build_model(config, seed)
    for part in (model.encoder.layers, model.decoder.layers):
        for i, layer in enumerate(part):
            if isinstance(layer, nn.SiLU):
                part[i] = ACTIVATIONS[recipe.activation]()
            elif recipe.activation in SELF_NORMALISING:
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
                nn.init.zeros_(layer.bias)
    model.start_at(images)
    if recipe.start != "random":
        START[recipe.start](model, images)
    return model


@torch.no_grad()
def start_whitened(model: nn.Module, images: Tensor) -> None:
    """First layer: random mixtures of whitened principal components; last: of components."""
    first, last = model.encoder.layers[0], model.decoder.layers[-1]
    pixels = images[:10_000].flatten(1)
    mean = pixels.mean(0)
    values, vectors = leading_directions(pixels - mean, 64)
    mix = torch.randn(len(first.weight), 64) / 8
    weight = mix @ (vectors / values.sqrt()).T
    first.weight.copy_(weight)
    first.bias.copy_(-weight @ mean)
    mix = torch.randn(64, last.in_features) / last.in_features**0.5
    last.weight.copy_(vectors @ (values.sqrt()[:, None] * mix))


START = {"whitened": start_whitened, "linear": start_linear}


class Loop:
    """A training by a recipe, step by step.

    Args:
        recipe: How.
        images: x, shape (N, 1, 28, 28).
        latent_dim: Z.
        seed: Of weights, order and noise.
    """

    def __init__(self, recipe: Recipe, images: Tensor, latent_dim: int, seed: int) -> None:
        self.recipe, self.images = recipe, images
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = build(recipe, latent_dim, images, seed)
        parameters = list(self.model.parameters())
        self.adam = Adam(parameters, 0.0, (0.9, recipe.second_moment))
        self.average = [parameter.detach().clone() for parameter in parameters]
        self.order = self._order()

    def _order(self) -> Iterator[int]:
        while True:
            yield from torch.randperm(len(self.images), generator=self.generator).tolist()

    def batch_size(self, share: float) -> int:
        sizes = self.recipe.batches
        return sizes[min(len(sizes) - 1, int(share * len(sizes)))]

    def step(self, share: float, step_share: float) -> None:
        """One update after a share of the time, which costs `step_share` of it."""
        recipe, model = self.recipe, self.model
        chosen = torch.tensor(list(itertools.islice(self.order, self.batch_size(share))))
        images = self.images[chosen]
        if recipe.binarize:
            images = torch.bernoulli(images, generator=self.generator)
        noise = model.noise(len(images), self.generator)
        weight = min(1.0, (share + step_share) / max(recipe.kl_warmup, 1e-9))
        batch = Batch(images, noise, self.generator, StepObjective(weight, 0.0, 0.0))
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            loss = model.losses("model", batch).loss
        self.adam.rate = recipe.peak * rate(recipe, share)
        self.adam.zero_grad()
        loss.backward()
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.adam.parameters, recipe.clip)
        self.adam.step()
        if recipe.average:
            # as far back as the share says, but no further than a tenth of what has passed
            reach = min(recipe.average, 0.1 * (share + step_share))
            new = min(1.0, step_share / reach)
            torch._foreach_lerp_(self.average, [p.detach() for p in self.adam.parameters], new)

    def averaged(self) -> nn.Module:
        """The model with the averaged weights in place of its own."""
        with torch.no_grad():
            for parameter, mean in zip(self.adam.parameters, self.average, strict=True):
                parameter.copy_(mean)
        return self.model


def costs(recipes, images: Tensor, latent_dim: int) -> dict[str, dict[int, float]]:
    """Processor seconds of a step of every recipe, by batch size: the second cheapest of many.

    The recipes take turns, so that a busy moment of the machine meets all of them.
    """
    loops = {
        (name, size): Loop(replace(recipe, batches=(size,), start="random"), images, latent_dim, 0)
        for name, recipe in recipes.items()
        for size in sorted(set(recipe.batches))
    }
    taken = {key: [] for key in loops}
    for _ in range(COST_ROUNDS):
        for key, loop in loops.items():
            for _ in range(COST_STEPS):
                start = time.process_time()
                loop.step(0.5, 1e-3)
                taken[key].append(time.process_time() - start)
    found = {name: {} for name in recipes}
    for (name, size), seconds in taken.items():
        found[name][size] = sorted(seconds)[1]
    return found


def nats(model: nn.Module, images: Tensor) -> float:
    terms = elbo(model, images, draws=1)
    return (terms.distortion + terms.rate.sum(1)).mean().item()


def outcome(
    recipe: Recipe, images: Tensor, held_out: Tensor, latent_dim: int, seed: int,
    budget: float, costs: dict[int, float],
) -> tuple[float, int]:  # fmt: skip
    """−ELBO of the held-out images after `budget` processor seconds, and the steps made."""
    loop, share, steps = Loop(recipe, images, latent_dim, seed), 0.0, 0
    while share < 1:
        step_share = costs[loop.batch_size(share)] / budget
        loop.step(share, step_share)
        share += step_share
        steps += 1
    return nats(loop.averaged() if recipe.average else loop.model, held_out), steps


def main(quick: bool, latents: int, seconds: int, seeds: int, only: str) -> None:
    """Trains every recipe whose name contains `only`, and prints what it reaches."""
    every = torch.tensor(load("mnist", "train").images)
    images, held_out = (every[:2560], every[-500:]) if quick else every.split(len(every) - HELD_OUT)
    budget = 0.2 if quick else seconds
    chosen = {name: Recipe(**changes) for name, changes in LEVERS.items() if only in name}
    found, rows = costs(chosen, images, latents), []
    for name, recipe in chosen.items():
        given = recipe, images, held_out, latents
        ends = [outcome(*given, seed, budget, found[name]) for seed in range(seeds)]
        mean = statistics.mean(nats for nats, _ in ends)
        rows.append(Row(name, f"{mean:.2f} nats after {ends[0][1]:,} steps"))
    title = f"Held-out -ELBO, {latents} latents, {budget:g} processor seconds, {seeds} seeds"
    show(title, rows, quick)


if __name__ == "__main__":
    options = arguments(__doc__, latents=20, seconds=8, seeds=1, only="")
    torch.set_num_threads(1)
    main(options.quick, options.latents, options.seconds, options.seeds, options.only)
