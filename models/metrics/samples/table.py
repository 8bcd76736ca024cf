"""What the scores of images are called, and which way is better. Knows no numbers."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A score's name, which way is better ("less", "more", "floor": as real images), its unit."""

    name: str
    better: str
    unit: str = ""


KINDS = {
    "frechet": Kind("Fréchet distance", "less"),
    "frechet_infinity": Kind("Fréchet distance, endless samples", "less"),
    "kernel": Kind("Kernel distance", "less"),
    "precision": Kind("Precision", "more"),
    "recall": Kind("Recall", "more"),
    "density": Kind("Density", "more"),
    "coverage": Kind("Coverage", "more"),
    "two_sample": Kind("Two-sample test", "floor"),
    "class_divergence": Kind("KL to the real classes", "less", "nats"),
    "confidence": Kind("Confidence of the judge", "more"),
    "class_variance": Kind("Variance within a class", "floor"),
    "copies": Kind("Exact copies", "less"),
    "twins": Kind("Pairs that are nearly equal", "less"),
    "support_at_least": Kind("Different images, at least", "more"),
    "classes": Kind("Classes hit", "more"),
    "closeness": Kind("Distance to the training images", "floor"),
}
"""By the scores' names, without the space."""
SPACES = {"judge": "judge", "pixels": "pixels"}


def kind_of(score: str) -> Kind:
    """Finds what a score is, in whatever space.

    Example:
        >>> kind_of("pixels.recall").name
        'Recall'
    """
    return KINDS[score.rpartition(".")[2]]


def name_of(score: str) -> str:
    """Writes the name of a score with its space.

    Example:
        >>> name_of("pixels.recall"), name_of("classes")
        ('Recall (pixels)', 'Classes hit')
    """
    space = score.rpartition(".")[0]
    return kind_of(score).name + (f" ({SPACES[space]})" if space else "")
