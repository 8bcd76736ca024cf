"""The knowledge check: ten questions whose answers are computed from a model and from lessons.

Nothing that the program can measure is typed in: another model has other numbers, and other right
answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.latents.codes import Codes
from models.lessons.measurement import Measurement
from models.lessons.table import LESSONS
from models.storage.card import Card
from models.theory.loss_scale import BINARY, SQUARED, LossForm, loss_scale

COUNT = 10
FROM_LESSONS = (
    "organise", "posterior", "blur", "dead-zones", "latents", "one-sample", "disentangle",
)  # fmt: skip
"""Lessons whose verdicts are asked for, until there are enough questions."""
OF_FACTORS = "disentangle"
"""The lesson that is asked for first, of a model of images whose factors are known."""


class Question(NamedTuple):
    """A question, its options, the number of the right one, and the lesson that explains it."""

    id: str
    text: str
    options: tuple[str, ...]
    right: int
    lesson: str


@dataclass(frozen=True)
class Asked:
    """What questions are made of.

    Attributes:
        card: Of a VAE of one β with scores.
        codes: Of its test set.
        threshold: β* of its training images, or None if they are not here.
        measured: The lessons' measurements by lesson.
    """

    card: Card
    codes: Codes
    threshold: float | None
    measured: Mapping[str, Measurement]

    @property
    def distortion(self) -> float:
        """D in nats per image."""
        return float(self.card.metrics["distortion"][0])

    @property
    def rate(self) -> float:
        """R in nats per image."""
        return float(self.card.metrics["rate"][0])


def questions(asked: Asked, seed: int = 0) -> list[Question]:
    """Asks ten questions, or fewer if the lessons' measurements are not here.

    Args:
        asked: The model and the measurements.
        seed: Of the order of the options, and of the images that are asked about.
    """
    found: list[Question] = []
    lessons = sorted(FROM_LESSONS, key=lambda id: id != OF_FACTORS or not asked.card.factor_names)
    for make in (*_OF_THE_MODEL, *map(_lesson_question, lessons)):
        made = make(asked, random.Random(f"{seed} {len(found)}"))
        if made is not None:
            found.append(made)
    return found[:COUNT]


def _question(
    id: str, lesson: str, text: str, right: str, wrong: Sequence[str], chance: random.Random
) -> Question | None:
    """Mixes the options; None if no wrong one differs from the right one."""
    options = list(dict.fromkeys(each for each in wrong if each != right))[:3]
    if not options:
        return None
    options.append(right)
    chance.shuffle(options)
    return Question(id, text, tuple(options), options.index(right), lesson)


def _nats(value: float) -> str:
    return f"{value:z.2f} nats"


def _sum(asked: Asked, chance: random.Random) -> Question | None:
    d, r = asked.distortion, asked.rate
    beta = asked.card.config.objective.beta
    text = (
        f"This model was trained with β = {beta:g}. On the test set D is {_nats(d)} and R is "
        f"{_nats(r)}. What is its −ELBO?"
    )
    wrong = [_nats(d - r), _nats(d + beta * r), _nats(r - d), _nats(d), _nats(2 * d + r)]
    return _question("sum", "signs", text, _nats(d + r), wrong, chance)


def _active(asked: Asked, chance: random.Random) -> Question | None:
    count = asked.codes.mean.shape[1]
    active = int((asked.codes.mean.astype(np.float64).var(0) > 0.01).sum())
    text = (
        f"The variances of the posterior means over the test images are "
        f"{_numbers(asked.codes.mean.astype(np.float64).var(0))}. How many latents are active?"
    )
    others = [n for n in dict.fromkeys((0, count, active - 1, active + 1, count // 2)) if n >= 0]
    wrong = [str(n) for n in others if n <= max(count, 1)]
    return _question("active", "latents", text, str(active), wrong, chance)


def _numbers(values: np.ndarray) -> str:
    shown = ", ".join(f"{value:.2g}" for value in values[:20])
    return shown + (", …" if len(values) > 20 else "")


def _collapse(asked: Asked, chance: random.Random) -> Question | None:
    if asked.threshold is None or not asked.card.config.model.likelihood_properties.is_binary:
        return None
    beta = asked.card.config.objective.beta
    stable, unstable = "collapse is stable", "collapse is unstable: training can escape it"
    right, wrong = (stable, unstable) if beta > asked.threshold else (unstable, stable)
    text = (
        f"Its training images have β* = {asked.threshold:.2f}, and it was trained with β = "
        f"{beta:g}. "
        "What follows?"
    )
    return _question("collapse", "collapse", text, right, [wrong], chance)


def _kl(asked: Asked, chance: random.Random) -> Question | None:
    image = chance.randrange(len(asked.codes.mean))
    mu = float(asked.codes.mean[image, 0])
    log_variance = float(asked.codes.log_variance[image, 0])
    variance = float(np.exp(log_variance))
    right = 0.5 * (mu**2 + variance - 1 - log_variance)
    wrong = [2 * right, 0.5 * (mu**2 + variance), 0.5 * ((1 + mu**2) / variance - 1 + log_variance),
             0.5 * mu**2]  # fmt: skip
    text = (
        f"Test image {image} has μ₁ = {mu:z.2f} and σ₁ = {variance**0.5:.3f}. What is "
        "KL(q(z₁|x) ‖ N(0, 1))?"
    )
    return _question("kl", "zero-one", text, _nats(right), [_nats(w) for w in wrong], chance)


def _dearest(asked: Asked, chance: random.Random) -> Question | None:
    rate = asked.codes.rate.sum(1)
    images = chance.sample(range(len(rate)), min(3, len(rate)))
    dearest = max(images, key=lambda image: rate[image])
    if np.ptp(rate[images]) < 0.01:
        return None
    listed = "; ".join(
        f"image {i}: μ = ({_few(asked.codes.mean[i])}), "
        f"σ = ({_few(np.exp(0.5 * asked.codes.log_variance[i]))})"
        for i in images
    )
    text = f"Which of these test images costs the most nats of code? {listed}."
    wrong = [f"image {i}" for i in images if i != dearest]
    return _question("dearest", "surprise", text, f"image {dearest}", wrong, chance)


def _few(values: np.ndarray) -> str:
    return ", ".join(f"{v:z.2f}" for v in values[:4]) + (", …" if len(values) > 4 else "")


def _negative(asked: Asked, chance: random.Random) -> Question | None:
    properties = asked.card.config.model.likelihood_properties
    yes, no = "Yes: it is minus the ln of a density", "No: it is minus the ln of a probability"
    right, wrong = (yes, no) if properties.is_density else (no, yes)
    name = asked.card.config.model.likelihood.replace("-", ", ").capitalize()
    text = f"Its likelihood is: {name}. Can D of an image be negative?"
    return _question("negative", "signs", text, right, [wrong], chance)


def _mean_reduced(asked: Asked, chance: random.Random) -> Question | None:
    config = asked.card.config.model
    kind = BINARY if config.likelihood_properties.is_binary else SQUARED
    pixels = int(np.prod(config.image_shape))
    word = "binary cross-entropy" if kind == BINARY else "squared error, σ taken as 1"
    beta = loss_scale(LossForm(kind, pixels="mean"), pixels, config.latent_dim, 128).beta
    wrong = [1.0, 1 / pixels, 2.0 * pixels, float(pixels), pixels / 2]
    text = (
        f"Someone trains the same network on the same images of {pixels} pixels with the mean over "
        f"pixels of the {word}, and the KL summed over latents with factor 1. Which β is that?"
    )
    return _question(
        "reduction", "mse", text, f"{beta:.4g}", [f"{value:.4g}" for value in wrong], chance
    )


def _largest(asked: Asked, chance: random.Random) -> Question | None:
    kl = asked.codes.rate.mean(0)
    share = kl.max() / max(kl.sum(), 1e-9)
    if len(kl) < 2 or kl.sum() < 0.01:
        return None
    text = (
        "Which share of R does its most used latent carry? The means of KL per latent are "
        f"{_numbers(kl)} nats."
    )
    wrong = [f"{value:.0%}" for value in (1 / len(kl), 1 - share, share / 2, 1.0)]
    return _question("share", "latents", text, f"{share:.0%}", wrong, chance)


def _trade(asked: Asked, chance: random.Random) -> Question | None:
    beta = asked.card.config.objective.beta
    text = (
        f"It was trained to its optimum at β = {beta:g}. A code of one more nat would have lowered "
        "D by about"
    )
    wrong = [_nats(value) for value in (1.0, 2 * beta, 0.0, 1 / beta if beta else 10.0)]
    return _question("trade", "beta", text, _nats(beta), wrong, chance)


_OF_THE_MODEL: tuple[Callable[[Asked, random.Random], Question | None], ...] = (
    _sum, _active, _collapse, _kl, _dearest, _negative, _mean_reduced, _largest, _trade,
)  # fmt: skip


def _lesson_question(id: str) -> Callable[[Asked, random.Random], Question | None]:
    """Asks for the verdict of a lesson, as it was measured."""

    def make(asked: Asked, chance: random.Random) -> Question | None:
        lesson, found = LESSONS[id], asked.measured.get(id)
        answer = None if found is None else lesson.verdict(found).answer
        if answer is None:
            return None
        text = (
            f"Measured here on {lesson.images}, {found.count} {found.counted}: "
            f"{_lower(lesson.question)}"
        )
        wrong = [choice for place, choice in enumerate(lesson.choices) if place != answer]
        return _question(id, id, text, lesson.choices[answer], wrong, chance)

    return make


def _lower(text: str) -> str:
    return text if text.startswith("KL") else text[0].lower() + text[1:]


def each_right(asked: Sequence[Question], answers: Sequence[str]) -> Iterator[bool | None]:
    """Tells for every question whether it was answered rightly; None where it was not.

    Args:
        asked: The questions.
        answers: Numbers of options as text, "-" where none was chosen.

    Example:
        >>> list(each_right([Question("a", "?", ("x", "y"), 1, "beta")], ["1"]))
        [True]
    """
    padded = [*answers, *("-" for _ in asked)]
    for question, answer in zip(asked, padded, strict=False):
        yield None if answer == "-" else int(answer) == question.right
