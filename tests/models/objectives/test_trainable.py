"""The base of trainable models answers all but losses and scores."""

import pytest
import torch

from models.objectives.trainable import Batch, TrainableModel
from tests.helpers.trainables import IndependentPixels


def test_the_base_has_one_player_with_every_parameter():
    model = IndependentPixels()
    players = model.players()
    assert list(players) == ["model"]
    assert [id(each) for each in players["model"].parameters] == [id(model.logits)]
    assert players["model"].betas == (0.9, 0.999)


def test_the_base_draws_nothing_and_starts_as_it_is():
    model, generator = IndependentPixels(), torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert model.noise(7, generator).shape == (7, 0)
    assert torch.equal(generator.get_state(), before)
    model.start_at(torch.rand(3, 1, 8, 8))
    assert not model.logits.any()


def test_losses_and_scores_are_asked_of_every_model():
    batch = Batch(torch.zeros(1, 1, 8, 8), torch.zeros(1, 0), torch.Generator(), None)
    with pytest.raises(NotImplementedError):
        TrainableModel().losses("model", batch)
    with pytest.raises(NotImplementedError):
        TrainableModel().score(batch.images, 0)
