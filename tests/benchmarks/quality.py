"""Seconds until the test -ELBO is reached: ours, the PyTorch VAE example and pythae, in one run.

    a  what the example has after its 7th epoch, about 106.7 nats, 20 latents
    b  98.0 nats, 20 latents                     c  137.1 nats, 2 latents
    d  24.4 nats on scikit-learn's digits, 2 latents

The clock holds all that a trainer does from the untrained model on, reports and copies included;
imports and the reading of files come before. It stands still while the test images are scored
(grey, z sampled, weight 1). No recipe sees those: ours has a fixed length. The references are
scored after each of at most 20 epochs (`--epochs`), ours fifty times in its training. Processor
seconds are those of all threads.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from models.config import RunConfig
from models.data.load import load
from models.families.registry import build_model
from models.metrics.likelihood import elbo
from models.metrics.statistics import t_interval
from models.presets import preset
from models.training.trainer import Training
from tests.benchmarks import pythae_loop, tutorial
from tests.benchmarks.common import CORES, Row, arguments, show
from tests.benchmarks.training import hardware

EPOCHS, ANCHOR, USUAL = 20, 7, 106.7
"""Epochs of the references; the one after which the example sets line a; its usual nats."""
CHECKS = 50
SCORED = 1000
"""Training images whose score our trainer reports after every epoch."""


class Line(NamedTuple):
    """A score to reach: nats (None: the example's own), our recipe, and the target for its time."""

    nats: float | None
    recipe: RunConfig
    seconds: float | None = None
    ratio: float | None = None


def _precision() -> str:
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bfloat16" if fast else "float32"


def _recipe(name: str, **settings) -> RunConfig:
    """A preset on all cores in the faster precision, but for what is given."""
    config = preset(name)
    if config.data == "mnist":
        fast = {"threads": CORES, "precision": _precision()}
        config = replace(config, training=replace(config.training, **fast))
    for part, values in settings.items():
        config = replace(config, **{part: replace(getattr(config, part), **values)})
    return config


LINES = {
    "a": Line(
        None,
        _recipe(
            "mnist-20d",
            model={"activation": "silu", "hidden": (512, 256)},
            objective={"kl_warmup_steps": 0},
            training={
                "epochs": 1,
                "batch_size": 144,
                "learning_rate": 5e-3,
                "warmup_steps": 20,
                "plateau": 0.5,
                "start": "linear",
            },
        ),
        ratio=14,
    ),
    "b": Line(98.0, _recipe("mnist-20d-quick"), seconds=120),
    "c": Line(137.1, _recipe("mnist-2d-quick"), seconds=90),
    "d": Line(24.4, _recipe("digits-2d-quick"), seconds=2),
}


class Point(NamedTuple):
    """Seconds on the clock, processor seconds, and the test -ELBO then, nats per image."""

    seconds: float
    processor: float
    nats: float


@dataclass
class Curve:
    """A training watched: the clock stands still while the test images are scored.

    Args:
        test: The test images.
        goal: Test -ELBO at which it ends.
    """

    test: Tensor
    goal: float
    points: list[Point] = field(default_factory=list)
    _spent: tuple[float, float] = (0.0, 0.0)
    _since: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        """Lets the clock run."""
        self._since = time.perf_counter(), time.process_time()

    def check(self, model) -> bool:
        """Scores a model; true when the goal is reached."""
        now = time.perf_counter(), time.process_time()
        spent = zip(self._spent, self._since, now, strict=True)
        self._spent = tuple(before + end - start for before, start, end in spent)
        terms = elbo(model, self.test, draws=1)
        nats = (terms.distortion + terms.rate.sum(1)).mean().item()
        model.train()
        self.points.append(Point(*self._spent, nats))
        self.start()
        return nats <= self.goal

    def reached(self, nats: float) -> Point | None:
        """The first point at or below a score."""
        return next((point for point in self.points if point.nats <= nats), None)


class Size(NamedTuple):
    """Images, epochs of the references, and whether it is only to be seen that all runs."""

    train: int
    test: int
    epochs: int
    is_trial: bool = False


def example(line: Line, size: Size, seed: int, curve: Curve) -> None:
    """The PyTorch VAE example, until the goal or 20 epochs."""
    data, latent_dim = line.recipe.data, line.recipe.model.latent_dim
    model, epoch = tutorial.training(size.train, seed, data, latent_dim)
    curve.start()
    for _ in range(size.epochs):
        epoch()
        if curve.check(model):
            return


def pythae(line: Line, size: Size, seed: int, curve: Curve) -> None:
    """pythae's trainer, until the goal or 20 epochs."""
    images = torch.tensor(load(line.recipe.data, "train").images[: size.train])
    pythae_loop.imported()
    curve.start()
    latent_dim = line.recipe.model.latent_dim
    pythae_loop.train(images, latent_dim, seed, size.epochs, curve.check)


def ours(line: Line, size: Size, seed: int, curve: Curve) -> None:
    """Our trainer with the line's recipe, until the goal or its end."""
    settings = replace(line.recipe.training, seed=seed)
    if size.is_trial:
        settings = replace(settings, epochs=2, threads=1)
    config = replace(line.recipe, training=settings)
    images = torch.tensor(load(config.data, "train").images[: size.train])
    torch.set_num_threads(settings.threads)
    curve.start()
    training = Training(build_model(config.model, seed), config, images, images[:SCORED])
    due = 1
    for _ in training.events():
        if training.step * CHECKS >= due * training.total_steps:
            due = training.step * CHECKS // training.total_steps + 1
            if curve.check(training.model):
                return


Contender = Callable[[Line, Size, int, Curve], None]
REFERENCES: dict[str, Contender] = {"example": example, "pythae": pythae}


def watched(train: Contender, line: Line, size: Size, seed: int, goal: float) -> Curve:
    """Trains on every core, unless the recipe says otherwise."""
    torch.set_num_threads(1 if size.is_trial else CORES)
    curve = Curve(torch.tensor(load(line.recipe.data, "test").images[: size.test]), goal)
    train(line, size, seed, curve)
    return curve


class Measured(NamedTuple):
    """What one seed gave for a line: the goal, and every contender's curve."""

    goal: float
    curves: dict[str, Curve]


def kind(line: Line) -> tuple[str, int]:
    """Lines of one kind share the trainings of the references."""
    return line.recipe.data, line.recipe.model.latent_dim


def measure(names: str, contenders: list[str], size: Size, seed: int) -> dict[str, Measured]:
    """One seed of every line and contender."""
    lines = {name: LINES[name] for name in names}
    shared: dict[tuple, dict[str, Curve]] = {}
    for same in {kind(line): line for line in lines.values()}.values():
        goals = [line.nats for line in lines.values() if kind(line) == kind(same)]
        known = [goal for goal in goals if goal is not None]
        # the example alone, for its own score, needs no more than those epochs
        most = size if known else size._replace(epochs=min(ANCHOR, size.epochs))
        goal = min(known, default=-math.inf)
        shared[kind(same)] = {
            name: watched(train, same, most, seed, goal)
            for name, train in REFERENCES.items()
            if name in contenders
        }
    return {
        name: _with_ours(line, shared[kind(line)], contenders, size, seed)
        for name, line in lines.items()
    }


def _with_ours(line: Line, references, contenders: list[str], size: Size, seed: int) -> Measured:
    goal = anchor(references) if line.nats is None else line.nats
    curves = dict(references)
    if "ours" in contenders:
        curves["ours"] = watched(ours, line, size, seed, goal)
    return Measured(goal, curves)


def anchor(references: dict[str, Curve]) -> float:
    """What the example has after its 7th epoch; the usual figure where it is not measured."""
    if "example" not in references:
        return USUAL
    return references["example"].points[:ANCHOR][-1].nats


def value(measured: list[Measured], name: str) -> str:
    """Mean seconds with their 95 % interval, or what is left to go; processor seconds beside."""
    ends = [each.curves[name].reached(each.goal) for each in measured]
    if any(end is None for end in ends):
        lasts = [each.curves[name].points[-1] for each in measured]
        nats = statistics.mean(point.nats for point in lasts)
        seconds = statistics.mean(point.seconds for point in lasts)
        count = sum(end is not None for end in ends)
        some = f" by {len(ends) - count} of {len(ends)}" if count else ""
        return f"not reached{some}: {nats:.2f} nats after {seconds:.0f} s"
    mean, half = t_interval([end.seconds for end in ends])
    interval = f" ± {half:.1f}" if math.isfinite(half) else ""
    processor = statistics.mean(end.processor for end in ends)
    return f"{mean:.1f}{interval} s, processor {processor:.1f} s"


def rows(name: str, measured: list[Measured]) -> list[Row]:
    """The contenders of a line; ratios are to the example, seed by seed, where both arrive."""
    line, found = LINES[name], []
    for contender in sorted(measured[0].curves):
        ends = [each.curves[contender].reached(each.goal) for each in measured]
        starts = [
            each.curves["example"].reached(each.goal) if "example" in each.curves else None
            for each in measured
        ]
        ratio = None
        if all(ends) and all(starts):
            pairs = zip(starts, ends, strict=True)
            ratio = statistics.mean(start.seconds / end.seconds for start, end in pairs)
        goal = statistics.mean(each.goal for each in measured)
        row = Row(f"{name}  {goal:.1f} nats, {contender}", value(measured, contender), ratio)
        found.append(judged(row, line, ends) if contender == "ours" else row)
    return found


def judged(row: Row, line: Line, ends: list[Point | None]) -> Row:
    """Our row with its target."""
    if line.seconds is not None:
        met = all(ends) and statistics.mean(end.seconds for end in ends) <= line.seconds
        return row._replace(target=f"<= {line.seconds:g} s", met=met)
    met = row.ratio is not None and row.ratio >= line.ratio
    return row._replace(target=f">= {line.ratio:g} x", met=met)


def main(quick: bool, names: str, contenders: list[str], seeds: int, epochs: int) -> None:
    """Measures seed by seed and prints the table."""
    if "pythae" in contenders and not pythae_loop.is_installed():
        print(
            "pythae must be installed for its rows, and is not: they are left out "
            "(pip install -r tests/benchmarks/requirements.txt)."
        )
        contenders = [name for name in contenders if name != "pythae"]
    size = Size(2560, 500, 2, True) if quick else Size(60_000, 10_000, epochs)
    found = [measure(names, contenders, size, 1 + seed) for seed in range(1 if quick else seeds)]
    table = [row for name in names for row in rows(name, [each[name] for each in found])]
    for name in names:
        recipe = LINES[name].recipe
        print(f"{name}: {recipe.model}\n   {recipe.objective}\n   {recipe.training}")
    title = f"Time to test -ELBO (grey, z sampled, weight 1), {len(found)} seeds, {hardware()}"
    show(title, table, quick)


if __name__ == "__main__":
    options = arguments(
        __doc__, lines="abcd", contenders="example,ours,pythae", seeds=3, epochs=EPOCHS
    )
    contenders = options.contenders.split(",")
    main(options.quick, options.lines, contenders, options.seeds, options.epochs)
