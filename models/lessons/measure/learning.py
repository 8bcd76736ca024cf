"""How a VAE learns: by which gradient, from how many samples, in batches of which size."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from models.config import override
from models.families.vae import VAE
from models.lessons.measure.repeat import Progress, Row, each_kind, over_seeds
from models.lessons.measure.small import (
    AbsoluteDeviation,
    ScoreFunction,
    ScoreFunctionWithBaseline,
    SoftplusDeviation,
    UniformNoise,
    build_like,
    config,
    digits,
    many_samples,
    negative_elbo,
    trained,
    trained_by_time,
)
from models.lessons.measurement import Measurement
from models.training.events import EpochEnd
from models.training.trainer import Training

ESTIMATORS = {
    "reparameterised": VAE,
    "score function": ScoreFunction,
    "score function with baseline": ScoreFunctionWithBaseline,
}
VARIANCES = {"ln σ²": VAE, "softplus σ": SoftplusDeviation, "σ itself": AbsoluteDeviation}
LEARNING_EPOCHS = 60
"""The most epochs that an estimator gets, at a constant rate, to reach the level."""
SECONDS = 0.6
"""Of the processor, for each training run that is measured at equal time."""
SAMPLES = (1, 5, 20)
BATCHES = (4, 16, 64, 256)
STEPS = 320
"""Updates of each training run that is measured at equal steps."""


def estimators(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures how many steps each gradient estimator takes until a VAE has learnt.

    `steps` counts updates until the test −ELBO is below the level that lies halfway between the
    best VAE that ignores z and what reparameterised training reaches; an estimator that does not
    get there in `LEARNING_EPOCHS` epochs is counted with all its steps. `final` is its −ELBO then.
    `most` among the facts is that number of steps.
    """
    run = _constant(LEARNING_EPOCHS)
    most = run.total_steps(len(digits()[0].images))
    measure = each_kind(ESTIMATORS, lambda kind, seed: _learning(override(run, seed=seed), kind))
    facts = {"most": most, "level": _level()}
    return over_seeds("estimators", seeds, measure, progress, facts)


def _constant(epochs: int) -> Any:
    """Settings without a schedule, so that the steps of one training run are alike."""
    return config(epochs=epochs, learning_rate=1e-3, kl_warmup_steps=0)


@functools.cache
def _level() -> float:
    """Halfway, in nats per image, between the mean image and about the best of two latents."""
    pixels = digits()[1].images.reshape(len(digits()[1].images), -1).astype(np.float64)
    mean = digits()[0].images.reshape(len(digits()[0].images), -1).mean(0).clip(1e-4, 1 - 1e-4)
    constant = -(pixels * np.log(mean) + (1 - pixels) * np.log(1 - mean)).sum(1).mean()
    reached = negative_elbo(trained(config()))
    return float((constant + reached) / 2)


def _learning(run: Any, kind: Any) -> dict[str, float]:
    level = _level()
    train, test = digits()
    training = Training(build_like(run, kind), run, train.images, test.images)
    value, first = math.inf, 0
    for event in training.events():
        if isinstance(event, EpochEnd):
            value = event.test["distortion"] + event.test["rate"]
            if value < level:
                first = event.step
                break
    return {"steps": first or training.step, "final": value}


def samples(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures the −ELBO that training with several codes for each image reaches.

    `time`: after `SECONDS` of the processor each; `steps`: after the same number of updates.
    """
    return over_seeds("samples", seeds, each_kind(_by_samples(), _time_and_steps), progress)


def _by_samples() -> dict[str, Any]:
    return {str(count): (many_samples(count), 128) for count in SAMPLES}


def batches(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures the −ELBO that training in batches of several sizes reaches.

    `time`: after `SECONDS` of the processor each, in whole epochs; `steps`: after the same number
    of updates, about. The largest batch is the whole training set.
    """
    sizes = (*BATCHES, len(digits()[0].images))
    kinds = {str(size): (VAE, size) for size in sizes}
    return over_seeds("batches", seeds, each_kind(kinds, _time_and_steps), progress)


def _time_and_steps(kind: tuple[Any, int], seed: int) -> dict[str, float]:
    model, batch = kind
    run = config(batch_size=batch, seed=seed)
    by_time, steps = trained_by_time(run, SECONDS, model)
    per_epoch = len(digits()[0].images) // batch
    same = override(run, epochs=max(1, round(STEPS / per_epoch)))
    by_steps = trained(same, build_like(same, model))
    return {
        "time": negative_elbo(by_time),
        "steps": negative_elbo(by_steps),
        "taken": steps,
    }


def variances(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures the −ELBO of VAEs whose encoders give σ in different ways.

    Also `invalid`: the share of the raw outputs of the untrained encoder for the test images that
    are no standard deviation, for they are not above zero, where they would have to be one.
    """

    def measure(kind: Any, seed: int) -> dict[str, float]:
        run = config(seed=seed)
        raw = build_like(run, VAE).encode(torch.tensor(digits()[1].images))[1]
        invalid = 0.0 if kind is not AbsoluteDeviation else (raw <= 0).double().mean().item()
        model = trained(run, build_like(run, kind))
        return {"elbo": negative_elbo(model), "invalid": invalid}

    return over_seeds("variances", seeds, each_kind(VARIANCES, measure), progress)


def noises(seeds: Sequence[int], progress: Progress) -> Measurement:
    """Measures what uniform noise in place of normal noise makes of a VAE.

    `distance`: the largest difference between the distribution function of ten thousand numbers
    and that of N(0, 1), for uniform numbers of the same mean and variance, for what Box–Muller
    makes of uniform numbers, and for a normal generator. `elbo`: test −ELBO, scored with normal ε
    as its formula says, of a VAE trained with uniform and of one trained with normal ε.
    """
    return over_seeds("noises", seeds, _noise, progress)


def _noise(seed: int, progress: Progress) -> Row:
    from scipy.stats import kstest

    drawn = noise_of(10_000, seed)
    distance = {name: float(kstest(values, "norm").statistic) for name, values in drawn.items()}
    found = {}
    for place, (name, kind) in enumerate({"uniform ε": UniformNoise, "normal ε": VAE}.items()):
        run = config(seed=seed)
        found[name] = negative_elbo(trained(run, build_like(run, kind)))
        progress((place + 1) / 2)
    return {"distance": distance, "elbo": found}


def noise_of(count: int, seed: int) -> dict[str, np.ndarray]:
    r"""Draws numbers of mean 0 and variance 1: uniform, by Box–Muller, and by a normal generator.

    .. math:: ε = \sqrt{-2 \ln u_1} \cos 2π u_2

    Example:
        >>> [len(values) for values in noise_of(100, seed=0).values()]
        [100, 100, 100]
    """
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, count))
    return {
        "uniform": math.sqrt(12) * (first - 0.5),
        "Box–Muller": np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second),
        "normal": generator.standard_normal(count),
    }
