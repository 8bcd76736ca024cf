"""Experiments on what families draw, on models of which the answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from models.data.load import load
from models.lessons.measure.generation import DRAWN, drawn_scores, variety
from models.presets import preset


class Repeats(nn.Module):
    """Draws given images, one after the other."""

    def __init__(self, images):
        super().__init__()
        self.config = preset("digits-gan").model
        self.register_parameter("images", nn.Parameter(torch.tensor(images), requires_grad=False))
        self.done = 0

    def generate(self, count, generator, steps=None):
        places = torch.arange(self.done, self.done + count) % len(self.images)
        self.done += count
        return self.images[places]


def test_a_model_that_repeats_its_training_images_is_seen():
    """They look real, and every one is a copy."""
    found = drawn_scores(Repeats(load("digits", "train").images[:DRAWN]), seed=0)
    assert found["copies"] == DRAWN
    assert found["frechet"] < 0.5 and found["recall"] > 0.8


def test_real_images_are_varied():
    found = variety(Repeats(load("digits", "test").images), seed=0)
    assert found["classes"] == 10 and found["recall"] == 1 and found["collapsed"] == 0
    assert found["variance"] == pytest.approx(1)


@pytest.mark.parametrize("kinds", [1, 9])
def test_missing_classes_are_collapse(kinds):
    real = load("digits", "test")
    found = variety(Repeats(real.images[np.isin(real.labels, range(kinds))]), seed=0)
    assert found["collapsed"] == 1 and found["classes"] <= kinds + 1
