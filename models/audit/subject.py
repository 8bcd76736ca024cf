"""What is audited: a model of the project or the user's own, with the images it is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.capabilities import LIKELIHOODS
from models.config import RunConfig
from models.data.image_set import ImageSet
from models.data.load import load
from models.runs.images import load_images
from models.storage.card import Card
from models.storage.checkpoint import read, restore

if TYPE_CHECKING:  # it imports torch
    from models.adapter.measure import MeasuredModel


@dataclass(frozen=True)
class Subject:
    """A model to audit.

    Attributes:
        model: Answers as the models of the project do, at one β.
        card: With its settings.
        images: The test images.
        is_custom: The user's own, from an adapter: how it was trained is what the adapter says.
        notes: What was assumed, one phrase each.
    """

    model: Any
    card: Card
    images: ImageSet
    is_custom: bool = False
    notes: tuple[str, ...] = ()

    @property
    def config(self) -> RunConfig:
        """Its settings."""
        return self.card.config

    @property
    def beta(self) -> float:
        """The weight of R in training, according to its settings."""
        return self.config.objective.beta

    @property
    def threshold_sigma(self) -> float:
        """σ for the prediction of collapse; of no matter where it is learned."""
        is_fixed = LIKELIHOODS[self.config.model.likelihood].sigma == "fixed"
        return self.config.model.sigma if is_fixed else 1.0


def stored_model(
    path: str | Path,
    data: str | None = None,
    data_dir: str | Path | None = None,
    device: str = "cpu",
) -> Subject:
    """Reads a checkpoint and its test images; a multi-rate model is taken at β = 1.

    Args:
        path: A checkpoint file.
        data: Name or path of other images of the same shape.
        data_dir: See `models.data.load.load`.
        device: Where to measure it: "cpu", "cuda" or "mps".

    Raises:
        ValueError: If the file is no checkpoint, of a family that has no codes, or the images are
            missing or of another shape.

    Example:
        >>> root = Path(__file__).parents[2]
        >>> stored_model(root / "checkpoints/digits-2d-multirate.safetensors").notes
        ('a model of every β, audited at β = 1',)
    """
    checkpoint = read(path)
    card = checkpoint.card
    kind = card.config.model.capabilities
    if not (kind.has_codes and kind.has_likelihood):
        raise ValueError(
            "the model must have codes z and a likelihood to be audited, "
            f"got one of family {card.config.model.family}"
        )
    if data is None:
        images = load_images(card.config, "test", data_dir, "give --data")
    else:
        images = load(data, "test", data_dir)
    if images.image_shape != card.config.model.image_shape:
        raise ValueError(
            f"the images must have the model's shape {card.config.model.image_shape}, "
            f"got {images.image_shape}"
        )
    notes = ["a model of every β, audited at β = 1"] if kind.betas == "many" else []
    if images.fingerprint != card.data_fingerprint:
        notes.append("not the images that the stored scores are of")
    return Subject(restore(checkpoint).at(1.0).to(device), card, images, False, tuple(notes))


def custom_model(measured: MeasuredModel) -> Subject:
    """Takes a user's model, which an adapter has opened."""
    return Subject(measured.model, measured.card, measured.images, True, measured.notes)
