"""All lessons in the order in which they are taught, and the questions they answer."""

from __future__ import annotations

from models.lessons.lesson import Lesson
from models.lessons.topics import inference, objective, probability, spaces

CHAPTERS: dict[str, tuple[str, ...]] = {
    "What a VAE is": ("three-steps", "surprise", "signs", "bound", "posterior"),
    "What the KL and β do": ("zero-one", "asymmetry", "beta", "collapse", "mse"),
    "What the space looks like": ("dead-zones", "organise", "latents", "density", "blur"),
    "How it learns": (
        "reparameterise", "gaussian", "log-variance", "one-sample", "batch", "test-time",
    ),
}  # fmt: skip
"""Ids of lessons by the title of their chapter."""

_ALL = {
    lesson.id: lesson
    for module in (probability, objective, inference, spaces)
    for lesson in module.LESSONS
}
LESSONS: dict[str, Lesson] = {id: _ALL[id] for ids in CHAPTERS.values() for id in ids}
"""Every lesson by its id."""


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
