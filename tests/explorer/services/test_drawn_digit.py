"""What can be drawn for a model, and how that is called."""

from types import SimpleNamespace

from explorer.services import drawn_digit
from models.config import ModelConfig, RunConfig
from models.data.drawing import describe
from models.storage.card import Card


def test_colour_images_are_not_offered_a_pad_and_others_are_not_called_digits():
    def noun(data, channels):
        config = RunConfig(data, ModelConfig(image_shape=(channels, 8, 8)))
        return drawn_digit.noun(SimpleNamespace(card=Card(config)))

    assert [noun("digits", 1), noun("mnist", 1)] == ["a digit"] * 2
    assert [noun("own-faces", 1), noun("fashion-mnist", 1)] == ["an image"] * 2
    assert noun("own-faces", 3) == ""
    assert "MNIST" not in describe("own-faces", (1, 32, 32))
