"""What the trainer asks of a model, and a base class that answers most of it.

A model has one or more players: groups of parameters, each with its own optimiser and its own
loss. At every step the trainer lets each player in turn compute its loss on the same batch and
moves that player's parameters. The losses come with terms, named numbers in nats per image, which
the trainer averages, reports and checks without knowing what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from models.objectives.schedules import StepObjective

Scores = Mapping[str, float | list[float]]
"""Numbers by name, in nats per image; a list holds one number for every latent."""


class Player(NamedTuple):
    """Parameters that one optimiser moves, with the decay rates of Adam's two moments."""

    parameters: Sequence[nn.Parameter]
    betas: tuple[float, float] = (0.9, 0.999)


class Batch(NamedTuple):
    """What a step gives a model.

    Attributes:
        images: x in [0, 1], shape (B, C, H, W).
        noise: What the model's `noise` has drawn for this step.
        generator: Of this step, for everything else that is drawn; the players share it, so a
            later player draws other numbers than an earlier one.
        objective: What the step asks of the rate.
    """

    images: Tensor
    noise: Tensor
    generator: torch.Generator
    objective: StepObjective


class Losses(NamedTuple):
    """A player's loss at a step, and the terms to report.

    Attributes:
        loss: To be minimised, a scalar, or shape (K,) for a stack of K models.
        terms: Means over the batch by name, without gradient, each in the shape of `loss`.
    """

    loss: Tensor
    terms: Mapping[str, Tensor]


class Trainable(Protocol):
    """What the trainer asks of a model, which is an `nn.Module` besides.

    Attributes:
        terms: The names of all terms that the losses of one step report, in a fixed order.
        remedy: What to do where one of them does not stay finite.
    """

    remedy: str

    terms: tuple[str, ...]

    def players(self) -> Mapping[str, Player]:
        """Returns the players in the order of their turns, by name; no parameter belongs to two."""

    def start_at(self, images: Tensor) -> None:
        """Prepares the untrained model for its training images, shape (N, C, H, W)."""

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws what a step on `count` images needs, before the images are binarised."""

    def losses(self, player: str, batch: Batch) -> Losses:
        """The loss of a player, for its turn at a step."""

    def score(self, images: Tensor, seed: int) -> Scores:
        """Scores the model on test images, shape (N, C, H, W), in evaluation mode."""

    def image_scores(self, images: Tensor, seed: int) -> Mapping[str, Tensor]:
        """Scores a trained model on each of test images, by name, shape (N,) or fewer."""


class TrainableModel(nn.Module):
    """A model of one player that needs no start and no noise; `losses` and `score` are missing.

    Example:
        >>> class Constant(TrainableModel):
        ...     terms = ("error",)
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.image = nn.Parameter(torch.zeros(1, 8, 8))
        ...     def losses(self, player, batch):
        ...         error = (batch.images - self.image).square().mean()
        ...         return Losses(error, {"error": error.detach()})
        ...     def score(self, images, seed):
        ...         return {"error": (images - self.image).square().mean().item()}
        >>> list(Constant().players())
        ['model']
    """

    terms: tuple[str, ...]
    remedy = "lower the learning rate or lengthen the warm-up"

    def players(self) -> Mapping[str, Player]:
        """Returns one player, `model`, with every parameter."""
        return {"model": Player(list(self.parameters()))}

    def start_at(self, images: Tensor) -> None:
        """Leaves the model as it is."""

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws nothing, shape (count, 0)."""
        return torch.empty(count, 0, device=generator.device)

    def losses(self, player: str, batch: Batch) -> Losses:
        """The loss of a player, for its turn at a step."""
        raise NotImplementedError

    def score(self, images: Tensor, seed: int) -> Scores:
        """Scores the model on test images, shape (N, C, H, W), in evaluation mode."""
        raise NotImplementedError

    def image_scores(self, images: Tensor, seed: int) -> Mapping[str, Tensor]:
        """Has no score of single images."""
        return {}
