"""All lessons in the order in which they are taught, and the questions they answer."""

from __future__ import annotations

from models.lessons.lesson import Lesson, Link
from models.lessons.topics import (
    factors,
    families,
    inference,
    objective,
    probability,
    remedies,
    spaces,
)

CHAPTERS: dict[str, tuple[str, ...]] = {
    "What a VAE is": ("three-steps", "surprise", "signs", "bound", "posterior"),
    "What the KL and β do": ("zero-one", "asymmetry", "beta", "collapse", "remedies", "mse"),
    "What the space looks like": (
        "dead-zones", "organise", "latents", "disentangle", "density", "blur",
    ),
    "How it learns": (
        "reparameterise", "gaussian", "log-variance", "one-sample", "batch", "test-time",
    ),
    "Other families": ("which", "mode-collapse", "denoise"),
}  # fmt: skip
"""Ids of lessons by the title of their chapter."""

_ALL = {
    lesson.id: lesson
    for module in (probability, objective, inference, spaces, remedies, factors, families)
    for lesson in module.LESSONS
}
LESSONS: dict[str, Lesson] = {id: _ALL[id] for ids in CHAPTERS.values() for id in ids}
"""Every lesson by its id."""

TEN_MINUTES: tuple[Link, ...] = (
    Link("An autoencoder and a VAE: whose space has holes?", "lessons", {"lesson": "dead-zones"}),
    Link("The ELBO: four terms and their signs", "lessons", {"lesson": "signs"}),
    Link("The KL: what pulls a code to the prior", "lessons", {"lesson": "zero-one"}),
    Link(
        "β: drag the slider until every code is the prior",
        "latent-map",
        {"model": "digits-2d-multirate"},
    ),
    Link("Collapse: predicted before training, then measured", "lessons", {"lesson": "collapse"}),
    Link("Remedies: which ones bring the codes back?", "lessons", {"lesson": "remedies"}),
    Link(
        "Sampling: new images from the prior",
        "latent-map",
        {"model": "mnist-2d-beta-1", "panel": "prior"},
    ),
    Link(
        "Interpolation: walk from one digit to another", "latent-map", {"model": "mnist-2d-beta-1"}
    ),
)
"""Stops of a lesson for a class, from holes to walks. Everything in it is measured already."""


def asked() -> dict[str, tuple[str, ...]]:
    """Lists the questions that people ask, each with the ids of the lessons that answer it.

    Example:
        >>> asked()["How many latents?"]
        ('latents',)
    """
    found: dict[str, tuple[str, ...]] = {}
    for lesson in LESSONS.values():
        for question in lesson.asked:
            found[question] = (*found.get(question, ()), lesson.id)
    return found
