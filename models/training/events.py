"""What a training run reports: steps that are done, ends of epochs, and why it had to stop.

Terms and scores come by name, so a family of models reports whatever it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.objectives.trainable import Scores


class TrainingDivergedError(ValueError):
    """A term of the loss stopped being finite; the message names the step and the term."""


@dataclass(frozen=True)
class StepsDone:
    """A few more steps are done; `terms` are their means by name, in nats per image."""

    epoch: int
    step: int
    total_steps: int
    terms: Mapping[str, float]


@dataclass(frozen=True)
class EpochEnd:
    """One pass over the training images is done.

    `train` holds the means of the loss terms while it ran, `test` the model's scores at its end,
    both by name and in nats per image.
    """

    epoch: int
    step: int
    seconds: float
    learning_rate: float
    kl_weight: float
    train: Mapping[str, float]
    test: Scores

    def row(self) -> dict[str, Any]:
        """Returns the epoch as one flat row of the history: `train_NAME` and `test_NAME`."""
        row = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "learning_rate": self.learning_rate,
            "kl_weight": self.kl_weight,
        }
        row |= {f"train_{name}": value for name, value in self.train.items()}
        return row | {f"test_{name}": value for name, value in self.test.items()}
